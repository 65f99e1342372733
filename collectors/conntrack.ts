/**
 * Connection tracking: how full netfilter's table is, and what it had to turn away.
 *
 * Source  /proc/sys/net/netfilter/nf_conntrack_{count,max}, before 2.6.20
 *         /proc/sys/net/ipv4/netfilter/ip_conntrack_{count,max}. /proc/net/stat/nf_conntrack: names, then
 *         a line of hexadecimal numbers per CPU (Linux, net/netfilter/nf_conntrack_standalone.c); `entries`
 *         is the same in each. On a foreign host that of PID 1, because the settings show whoever asks.
 * Units   Connections and events. The kernel's counters have 32 bits.
 * Access  World-readable. Absent while netfilter tracks nothing.
 */
import {
  count,
  counter,
  defineCollector,
  gauge,
  type Host,
  NoData,
  ParseError,
  part,
  ratio,
  unlessAbsent,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({});

const metrics = {
  count: gauge('system.linux.conntrack.count', { unit: 'count', help: 'Tracked connections.' }),
  limit: gauge('system.linux.conntrack.limit', {
    unit: 'count',
    help: 'Connections that are tracked at most. Further ones are dropped.',
  }),
  utilization: gauge('system.linux.conntrack.utilization', {
    unit: 'ratio',
    help: 'Tracked connections as a share of the limit.',
  }),
  events: counter('system.linux.conntrack.events', {
    unit: 'count',
    labels: ['event'],
    help: "What became of packets and entries, by the kernel's own names; on all CPUs together.",
  }),
};

/** Columns that are no counter of events. */
const OTHERS: ReadonlySet<string> = new Set(['entries', 'chainlength']);

/** Sums over all CPUs by the kernel's names; `entries` as it stands. */
export function parse(file: string, text: string): ReadonlyMap<string, number> {
  const [head = '', ...lines] = text.split('\n').filter((line) => line !== '');
  const names = head.trim().split(/\s+/);
  if (!names.includes('entries')) throw new ParseError(`${file} line 1: there is no "entries"`);
  const sums = new Map<string, number>();
  for (const [i, line] of lines.entries()) {
    const words = line.trim().split(/\s+/);
    if (words.length !== names.length || !words.every((word) => /^[\da-f]{8}$/.test(word))) {
      throw new ParseError(`${file} line ${i + 2}: not ${names.length} hexadecimal numbers`);
    }
    for (const [j, name] of names.entries()) {
      const value = Number.parseInt(words[j] ?? '', 16);
      sums.set(name, name === 'entries' ? value : (sums.get(name) ?? 0) + value);
    }
  }
  return sums;
}

const SETTINGS = ['sys/net/netfilter/nf_conntrack', 'sys/net/ipv4/netfilter/ip_conntrack'];

/** A number under either name; `undefined` where neither is there. */
function setting(host: Host, name: 'count' | 'max'): number | undefined {
  for (const settings of SETTINGS) {
    const path = `${settings}_${name}`;
    const text = unlessAbsent(() => host.proc.read(path));
    if (text === undefined) continue;
    if (/^\d{1,10}\n$/.test(text)) return Number(text);
    throw new ParseError(`/proc/${path}: "${text.slice(0, 80).trimEnd()}" is no whole number`);
  }
  return undefined;
}

export default defineCollector({
  name: 'conntrack',
  summary: 'Connection tracking: how full its table is, and what it had to turn away.',
  source: '/proc/sys/net/netfilter/nf_conntrack_{count,max}, /proc/net/stat/nf_conntrack',
  enabled: false,
  options,
  metrics,
  *collect({ host }) {
    const limit = setting(host, 'max');
    let tracked = host.foreign ? undefined : setting(host, 'count');
    const there = yield* part(function* () {
      const path = `${host.foreign ? '1/net' : 'net'}/stat/nf_conntrack`;
      const sums = parse(`/proc/${path}`, host.proc.read(path));
      tracked ??= sums.get('entries');
      for (const [event, sum] of sums) {
        if (!OTHERS.has(event)) yield metrics.events.observe(count(sum), { event });
      }
    });
    if (!there && limit === undefined && tracked === undefined) {
      throw new NoData('/proc/sys/net/netfilter does not exist here: nothing is tracked');
    }
    if (tracked !== undefined) yield metrics.count.observe(count(tracked));
    if (limit === undefined) return;
    yield metrics.limit.observe(count(limit));
    if (tracked !== undefined && limit > 0) {
      yield metrics.utilization.observe(ratio(tracked / limit));
    }
  },
});
