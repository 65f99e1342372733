import { BlockList, isIP } from 'node:net';
import { z } from '../plugin/index.ts';

const NETWORK = /^([\d.]+|[\da-fA-F:.]+)(?:\/(\d{1,3}))?$/;

const network = z.string().refine(
  (text) => {
    const [, address = '', bits = '0'] = NETWORK.exec(text) ?? [];
    return isIP(address) !== 0 && Number(bits) <= (isIP(address) === 4 ? 32 : 128);
  },
  { error: 'must be an address or a network: 10.1.2.3, 10.0.0.0/8, fd00::/8' },
);

/** The options of whoever lets in some and not others. */
export const access = {
  allow: z.array(network).optional().meta({
    description: 'The addresses and networks that are let in.',
    fallback: 'all',
  }),
  deny: z
    .array(network)
    .default([])
    .describe('The addresses and networks that are not, even if "allow" has them.'),
};

export interface Access {
  readonly allow?: readonly string[] | undefined;
  readonly deny: readonly string[];
}

/** An address as a person writes it: without a zone, and that of IPv4 not in the clothes of IPv6. */
export const plainAddress = (address: string): string =>
  address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');

/** Whether an address is let in. */
export function gate({ allow, deny }: Access): (address: string) => boolean {
  const [allowed, denied] = [allow === undefined ? undefined : listOf(allow), listOf(deny)];
  return (address) => {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    return !denied.check(address, family) && (allowed?.check(address, family) ?? true);
  };
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of networks) {
    const [address = '', bits] = text.split('/');
    const six = isIP(address) === 6;
    list.addSubnet(address, Number(bits ?? (six ? 128 : 32)), six ? 'ipv6' : 'ipv4');
  }
  return list;
}
