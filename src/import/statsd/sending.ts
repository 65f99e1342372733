import type { Line } from '../draft.ts';
import { CODE, NAMES, OF_GRAPHITE } from './left.ts';
import { Code, type Data, type Member } from './literal.ts';
import { isMembers, membersOf, type Settings } from './settings.ts';

/** The backends that are in use. */
export function backends(it: Settings): readonly string[] {
  const given = it.get('backends');
  // statsd's own default.
  if (given === undefined || given.value instanceof Code) return ['./backends/graphite'];
  const names = Array.isArray(given.value) ? (given.value as readonly Data[]) : [given.value];
  const others = names.filter(
    (it) => typeof it !== 'string' || !/(?:^|\/)(?:graphite|console|repeater)$/.test(it),
  );
  if (others.length === 0) it.draft.carry(given.line);
  else {
    const which = others.map((it) => (typeof it === 'string' ? it : 'code')).join(', ');
    it.draft.leave(
      given.line,
      `cullinan has no backend of that name (${which}): cullinan list shows its handlers`,
    );
  }
  return names.filter((it): it is string => typeof it === 'string');
}

/** @returns whether there is a Graphite to send to. */
export function graphite(it: Settings): boolean {
  const host = it.take<string>('graphiteHost', 'string');
  const sections = membersOf(it.get('graphite'));
  for (const { name, line, text } of sections) {
    it.draft.leave(it.draft.line(it.file, line, text), OF_GRAPHITE[name] ?? NAMES);
  }
  it.draft.carry(it.get('graphite')?.line);
  const ports = ['graphitePort', 'graphitePicklePort', 'graphiteProtocol'];
  if (host === undefined || host.value === '') {
    for (const name of ['graphiteHost', ...ports]) {
      const given = it.get(name);
      if (given !== undefined && !(given.value instanceof Code))
        it.draft.leave(given.line, 'without a graphiteHost statsd sends nothing to Graphite');
    }
    return false;
  }
  const path = ['handlers', 'graphite'];
  it.draft.set([...path, 'host'], host.value, host.line);
  const protocol = it.take<string>('graphiteProtocol', 'string');
  const pickle = protocol?.value === 'pickle';
  if (pickle) it.draft.set([...path, 'format'], 'pickle', protocol.line);
  else if (protocol?.value === 'text') it.draft.carry(protocol.line);
  const [used, unused] = pickle
    ? (['graphitePicklePort', 'graphitePort'] as const)
    : (['graphitePort', 'graphitePicklePort'] as const);
  const port = it.take<number>(used, 'number');
  if (port !== undefined) it.draft.set([...path, 'port'], port.value, port.line);
  const other = it.get(unused);
  if (other !== undefined)
    it.draft.leave(
      other.line,
      `statsd does not use it: graphiteProtocol is ${pickle ? 'pickle' : 'text'}`,
    );
  return true;
}

/** @returns whether there is another statsd to send to. */
export function repeater(it: Settings): boolean {
  const given = it.get('repeater');
  const wanted = backendNamed(it, 'repeater');
  const protocol = it.get('repeaterProtocol');
  if (given === undefined || !wanted) {
    for (const each of [given, protocol]) {
      if (each !== undefined && !(each.value instanceof Code))
        it.draft.leave(each.line, 'it needs the backend repeater, which is not among backends');
    }
    return false;
  }
  const targets = Array.isArray(given.value) ? (given.value as readonly Data[]) : [];
  let made = 0;
  for (const target of targets) {
    const members = isMembers(target) ? target.members : [];
    const host = members.find(({ name }) => name === 'host')?.value;
    if (typeof host !== 'string') continue;
    made += 1;
    const path = ['handlers', made === 1 ? 'repeater' : `repeater-${made}`];
    it.draft.set([...path, 'type'], 'statsd');
    for (const { name, value, line: at, text } of members) {
      const line = it.draft.line(it.file, at, text);
      if (name === 'host') it.draft.set([...path, 'host'], host, line);
      else if (name === 'port' && typeof value === 'number')
        it.draft.set([...path, 'port'], value, line);
      else it.draft.leave(line, value instanceof Code ? CODE : 'a repeater has host and port');
    }
    if (protocol?.value === 'tcp') it.draft.set([...path, 'protocol'], 'tcp', protocol.line);
  }
  if (typeof protocol?.value === 'string' && /^udp[46]$/.test(protocol.value)) {
    it.draft.carry(protocol.line);
  }
  if (made === 0) {
    it.draft.leave(given.line, 'no target has a host that is written out');
    return false;
  }
  const path = ['handlers', 'repeater'];
  it.draft.note(path, 'A statsd that packets were repeated to: it is sent this host’s metrics.');
  if (made === targets.length) it.draft.carry(given.line);
  else it.draft.leave(given.line, 'only targets with a host that is written out are carried over');
  return true;
}

function backendNamed(it: Settings, backend: string): boolean {
  const { value } = it.get('backends') ?? {};
  return (
    Array.isArray(value) &&
    (value as readonly Data[]).some((it) => typeof it === 'string' && it.endsWith(`/${backend}`))
  );
}

/** This statsd, as somewhere to send to; enabled only where there is nothing else. */
export function server(it: Settings, enabled: boolean): void {
  const path = ['handlers', 'statsd'];
  const servers = it.get('servers');
  const listed = Array.isArray(servers?.value) ? (servers.value as readonly Data[]) : [];
  const [first] = listed.filter(isMembers);
  const members: Member[] = [...(first?.members ?? [])];
  const take = (name: string, value: Data, line: Line): void => {
    if (value instanceof Code) it.draft.leave(line, CODE);
    else if (name === 'port' && typeof value === 'number')
      it.draft.set([...path, 'port'], value, line);
    else if (name === 'address' && typeof value === 'string') {
      const any = ['', '0.0.0.0', '::'].includes(value);
      it.draft.set([...path, 'host'], any ? 'localhost' : value, line);
    } else if (name === 'server' && typeof value === 'string' && /tcp$/.test(value))
      it.draft.set([...path, 'protocol'], 'tcp', line);
    else if (name === 'address_ipv6' || (name === 'server' && /udp$/.test(String(value))))
      it.draft.carry(line);
    else if (/^socket/.test(name))
      it.draft.leave(line, 'cullinan does not send to statsd over a local socket: over UDP or TCP');
  };
  it.draft.set([...path, 'enabled'], enabled);
  for (const { name, value, line: at, text } of members)
    take(name, value, it.draft.line(it.file, at, text));
  for (const name of ['address', 'port', 'address_ipv6', 'server']) {
    const given = it.get(name);
    if (given === undefined) continue;
    if (servers !== undefined) it.draft.leave(given.line, 'servers holds in its place');
    else take(name, given.value, given.line);
  }
  if (servers !== undefined && !(servers.value instanceof Code)) {
    if (listed.length === 1 && first !== undefined) it.draft.carry(servers.line);
    else
      it.draft.leave(servers.line, 'of several servers the first is where cullinan could send to');
  }
  const idle = it.take<boolean>('deleteIdleStats', 'boolean');
  const counters = it.take<boolean>('deleteCounters', 'boolean') ?? idle;
  if (counters !== undefined) {
    it.draft.set(
      [...path, 'zeros'],
      counters.value,
      [counters.line, ...(idle === undefined ? [] : [idle.line])],
      counters.value
        ? 'This statsd forgets idle counters: zeros keep them.'
        : 'This statsd keeps idle counters at 0 by itself.',
    );
  }
}

/** A line for each sample, on the terminal. */
export function console(it: Settings): void {
  it.draft.set(['handlers', 'console', 'format'], 'json', undefined, 'backends/console');
  const given = it.get('console');
  for (const { line, text } of membersOf(given))
    it.draft.leave(it.draft.line(it.file, line, text), 'cullinan writes a line for each sample');
  it.draft.carry(given?.line);
}
