import { networkInterfaces } from 'node:os';
import { Foreseen } from '../plugin/index.ts';

/** Whether an address is a multicast group: 224.0.0.0/4, or ff00::/8. */
export const isMulticast = (address: string): boolean =>
  /^(22[4-9]|23\d)\./.test(address) || /^ff[\da-f]{2}:/i.test(address);

/**
 * An interface as sockets call it: by its address for IPv4, by its name for IPv6.
 *
 * @param said its name, or one of its addresses.
 */
export function interfaceOf(said: string, family: 4 | 6): string {
  const all = networkInterfaces();
  for (const [name, addresses = []] of Object.entries(all)) {
    if (name !== said && !addresses.some(({ address }) => address === said)) continue;
    if (family === 6) return `::%${name}`;
    const fits = ({ family, address }: (typeof addresses)[number]) =>
      family === 'IPv4' && (name === said || address === said);
    const found = addresses.find(fits);
    if (found !== undefined) return found.address;
    throw new Foreseen(`the interface ${name} has no IPv4 address. Choose another.`);
  }
  const names = Object.keys(all).join(', ');
  throw new Foreseen(
    `this host has no interface ${said} that is up and has an address. It has ${names}.`,
  );
}

/** A group of IPv6 as sockets want it: one of a link says which. */
export const scoped = (group: string, device: string | undefined, family: 4 | 6): string =>
  family === 4 || device === undefined || group.includes('%')
    ? group
    : group + interfaceOf(device, family).slice('::'.length);
