import type { Value } from '../draft.ts';
import type { Data } from './literal.ts';
import { isMembers, type Settings } from './settings.ts';

/** Where the collector push would listen, switched off: one of the two can have the port. */
export function listening(it: Settings): void {
  const servers = it.get('servers');
  const listed = Array.isArray(servers?.value) ? (servers.value as readonly Data[]) : [];
  const top = (name: string): Data | undefined => it.get(name)?.value;
  const of = (members: (name: string) => Data | undefined): Value | undefined =>
    socketOf(members('server'), members('address'), members('port'));
  const all =
    servers === undefined
      ? [of(top)]
      : listed
          .filter(isMembers)
          .map(({ members }) => of((name) => members.find((each) => each.name === name)?.value));
  const sockets = all.filter((each) => each !== undefined);
  if (sockets.length === 0) sockets.push({ at: 'udp:0.0.0.0:8125', format: 'statsd' });
  const at = ['collectors', 'push'];
  it.draft.set([...at, 'enabled'], false);
  it.draft.note(
    at,
    'To count for applications in the place of this statsd, stop it and switch this on: names are then those that were sent, without stats.counters and the like.',
  );
  it.draft.set([...at, 'listen'], sockets);
  const given = it.get('percentThreshold');
  if (given === undefined) return;
  const list = Array.isArray(given.value) ? (given.value as readonly Data[]) : [given.value];
  const good = list.filter((each) => typeof each === 'number' && each >= 0 && each <= 100);
  if (good.length > 0) it.draft.set([...at, 'percentiles'], good as readonly number[], given.line);
  if (good.length < list.length)
    it.draft.leave(given.line, 'percentiles of the collector push are numbers from 0 to 100');
}

function socketOf(server: Data | undefined, address: Data | undefined, port: Data | undefined) {
  const kind = typeof server === 'string' && /tcp$/.test(server) ? 'tcp' : 'udp';
  const host = typeof address === 'string' && address !== '' ? address : '0.0.0.0';
  const number = port ?? 8125;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > 65_535)
    return undefined;
  if (!/^[\w.-]+$|^[\da-fA-F:.]+$/.test(host)) return undefined;
  return { at: `${kind}:${host.includes(':') ? `[${host}]` : host}:${number}`, format: 'statsd' };
}
