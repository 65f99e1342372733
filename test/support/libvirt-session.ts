import session from '../wire/libvirt/rpc-session.json' with { type: 'json' };

/** A message of a real session with libvirt 9.0.0, and what another decoder read in it. */
export interface Recorded {
  readonly uri: string;
  readonly direction: 'call' | 'reply';
  readonly procedure: number;
  readonly name: string;
  readonly bytes: Buffer;
  readonly decoded: unknown;
}

interface Packet {
  readonly uri: string;
  readonly dir: 'call' | 'reply';
  readonly proc: number;
  readonly name: string;
  readonly hex: string;
  readonly decoded?: unknown;
}

/** Everything that was said, in its order: first with QEMU's driver, then with the one for tests. */
export const SESSION: readonly Recorded[] = (session as { packets: readonly Packet[] }).packets.map(
  ({ uri, dir, proc, name, hex, decoded }) => ({
    ...{ uri, direction: dir, procedure: proc, name, decoded },
    bytes: Buffer.from(hex, 'hex'),
  }),
);

/** One message of the session with QEMU's driver. */
export function recorded(direction: Recorded['direction'], procedure: number): Recorded {
  const found = SESSION.find(
    (one) =>
      one.uri === 'qemu:///system' && one.direction === direction && one.procedure === procedure,
  );
  if (found === undefined) throw new Error(`no ${direction} ${procedure} was recorded`);
  return found;
}

/** What `virsh domstats --raw` printed of a guest: its values by their names. */
export function parseDomstats(text: string): ReadonlyMap<string, Record<string, string>> {
  const guests = new Map<string, Record<string, string>>();
  let values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, name] = /^Domain: '(.*)'$/.exec(line) ?? [];
    if (name !== undefined) {
      values = {};
      guests.set(name, values);
    }
    const [, field, value] = /^ {2}([^=]+)=(.*)$/.exec(line) ?? [];
    if (field !== undefined && value !== undefined) values[field] = value;
  }
  return guests;
}
