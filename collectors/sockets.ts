/**
 * Sockets by protocol and state, and the kernel's counters of IP, ICMP, TCP and UDP.
 *
 * Source  /proc/net/{sockstat,sockstat6}: `PROTOCOL: word number …` (Linux, net/ipv4/proc.c,
 *         net/ipv6/proc.c); TCP's orphan, tw, alloc and mem count both families, and stand under
 *         ipv4 where the kernel prints them. /proc/net/{snmp,netstat,snmp6}. /proc/net/{tcp,tcp6}:
 *         a line per socket (net/ipv4/tcp_ipv4.c). On a foreign host those of PID 1.
 * Units   Counts; TCP's and UDP's memory in pages, that of fragments in bytes. The kernel's own
 *         fields are as it prints them. `CurrEstab` counts ESTABLISHED and CLOSE_WAIT (RFC 4022).
 * Access  World-readable. Shows one network namespace: the agent's own, or that of PID 1.
 *
 * To print /proc/net/tcp the kernel goes through its hash table of connections, whose size follows
 * from the machine's memory: 0.8 ms of CPU time for 262,144 buckets, however few are in use, as
 * much again for tcp6, and 0.7 µs per connection; all other files here together take 0.06 ms. So
 * connections are counted by state only at every sixth tick, and no more than once a minute; the count
 * stands until the next one; and only while there are at most 1,000. How many are in use, orphaned or in TIME_WAIT the
 * kernel says at every tick (`system.sockets.count`), and how many are established (`CurrEstab`).
 */
import {
  bytes,
  columns,
  count,
  counter,
  defineCollector,
  fields,
  gauge,
  type Host,
  NoData,
  ParseError,
  parseLines,
  part,
  z,
} from 'cullinan/plugin';
import { type Block, snmpReader } from 'cullinan/wire/snmp';
import { countTcpStates, TCP_STATES } from 'cullinan/wire/tcp-table';

const options = z.strictObject({
  detailed: z
    .boolean()
    .default(false)
    .describe('Report every field of snmp, netstat and snmp6, not only the usual ones.'),
  tcpStates: z
    .strictObject({
      every: z.int().min(0).optional().meta({
        description:
          'Ticks from one count of TCP connections by state to the next; 0 never counts them.',
        fallback: '6, or as many as a minute has if these are more',
      }),
      atMost: z
        .int()
        .min(1)
        .max(100_000)
        .default(1000)
        .describe('Do not count them while there are more than this, listening sockets included.'),
    })
    .prefault({})
    .describe('TCP connections by state, for which the kernel goes through all of them.'),
});

const metrics = {
  used: gauge('system.sockets.used', { unit: 'count', help: 'Sockets of all kinds in use.' }),
  count: gauge('system.sockets.count', {
    unit: 'count',
    labels: ['protocol', 'family', 'state'],
    help: 'Sockets by state; orphan, time_wait and allocated count both families under ipv4.',
  }),
  memory: gauge('system.sockets.memory_pages', {
    unit: 'count',
    labels: ['protocol'],
    help: 'Pages of memory that buffers of both families hold.',
  }),
  fragments: gauge('system.sockets.fragment_memory', {
    unit: 'bytes',
    labels: ['family'],
    help: 'Memory that holds fragments of packets until they are complete.',
  }),
  connections: gauge('system.tcp.connections', {
    unit: 'count',
    labels: ['state'],
    help: 'TCP connections by state, as last counted; absent while there are too many.',
  }),
  snmp: counter('system.linux.snmp', {
    unit: 'count',
    labels: ['protocol', 'field'],
    help: "The kernel's own counters of a protocol, by its own names and in its own units.",
  }),
  level: gauge('system.linux.snmp.level', {
    unit: 'count',
    labels: ['protocol', 'field'],
    help: "The kernel's own levels and settings of a protocol, by the kernel's own names.",
  }),
};

/** What Diamond and node_exporter publish unless told otherwise. */
const USUAL: Readonly<Record<string, ReadonlySet<string>>> = {
  Ip: new Set(['Forwarding']),
  Icmp: new Set(['InMsgs', 'InErrors', 'OutMsgs']),
  Tcp: new Set([
    ...['ActiveOpens', 'PassiveOpens', 'AttemptFails', 'EstabResets', 'CurrEstab'],
    ...['InSegs', 'OutSegs', 'RetransSegs', 'InErrs', 'OutRsts'],
  ]),
  Udp: new Set([
    ...['InDatagrams', 'NoPorts', 'InErrors', 'OutDatagrams', 'RcvbufErrors', 'SndbufErrors'],
  ]),
  UdpLite: new Set(['InErrors']),
  TcpExt: new Set([
    ...['SyncookiesSent', 'SyncookiesRecv', 'SyncookiesFailed', 'ListenOverflows', 'ListenDrops'],
    ...['TCPLoss', 'TCPLostRetransmit', 'TCPFastRetrans', 'TCPForwardRetrans'],
    ...['TCPSlowStartRetrans', 'TCPTimeouts', 'TCPAbortOnMemory', 'TCPBacklogDrop'],
    ...['TCPSynRetrans', 'TCPOFOQueue', 'TCPRcvQDrop'],
  ]),
  IpExt: new Set(['InOctets', 'OutOctets']),
};
/** The same of IPv6, where a line holds one field; in the kernel's order. */
const USUAL6 = [
  ...['Ip6InOctets', 'Ip6OutOctets', 'Icmp6InMsgs', 'Icmp6InErrors', 'Icmp6OutMsgs'],
  ...['Udp6InDatagrams', 'Udp6NoPorts', 'Udp6InErrors', 'Udp6OutDatagrams'],
  ...['Udp6RcvbufErrors', 'Udp6SndbufErrors', 'UdpLite6InErrors'],
];
/** Everything else counts. */
const LEVELS: ReadonlySet<string> = new Set([
  ...['Ip.Forwarding', 'Ip.DefaultTTL', 'Tcp.RtoAlgorithm', 'Tcp.RtoMin', 'Tcp.RtoMax'],
  ...['Tcp.MaxConn', 'Tcp.CurrEstab', 'MPTcpExt.MPCurrEstab'],
]);

/** What a field of the kernel is observed as. */
function fieldOf(protocol: string, field: string) {
  const metric = LEVELS.has(`${protocol}.${field}`) ? metrics.level : metrics.snmp;
  return { metric, labels: { protocol, field } };
}
type Field = ReturnType<typeof fieldOf>;

const usualFieldOf = (protocol: string, field: string): Field | undefined =>
  USUAL[protocol]?.has(field) ? fieldOf(protocol, field) : undefined;

function* observeSnmp(file: string, blocks: readonly Block<Field>[]) {
  for (const { protocol, fields, numbers, line } of blocks) {
    if (numbers === undefined) {
      yield new ParseError(
        `${file} line ${line}: the numbers of "${protocol}" do not fit its names`,
      );
      continue;
    }
    for (let i = 0; i < fields.length; i += 1) {
      const { metric, labels } = fields[i] as Field;
      yield metric.observe(count(numbers[i] as number), labels);
    }
  }
}

const readNumber = columns(['number']);
const SNMP6 = /^((?:Ip|Icmp|Udp|UdpLite)6)(\w+)/;

/** The labels of a name in snmp6, such as `Udp6NoPorts`. */
function labelsOf6(name: string) {
  const [, protocol = '', field = ''] = SNMP6.exec(name) ?? [];
  return { protocol, field };
}

const readUsual6 = fields(USUAL6);
const LABELS6 = USUAL6.map(labelsOf6);

function* observeSnmp6(file: string, text: string) {
  const { values, errors } = readUsual6(file, text);
  yield* errors;
  for (const [i, labels] of LABELS6.entries()) {
    const value = values[USUAL6[i] as string];
    if (value !== undefined) yield metrics.snmp.observe(count(value), labels);
  }
}

function* observeAllSnmp6(file: string, text: string) {
  yield* parseLines(file, text, (line) => {
    const { protocol, field } = labelsOf6(line);
    if (protocol === '') throw new ParseError(`"${line}" is not "PROTOCOL FIELD NUMBER"`);
    const { number } = readNumber(line, protocol.length + field.length);
    return metrics.snmp.observe(count(number), { protocol, field });
  });
}

const STATES: Readonly<Record<string, string>> = {
  inuse: 'in_use',
  orphan: 'orphan',
  tw: 'time_wait',
  alloc: 'allocated',
};

const PROTOCOL = /^([A-Za-z]+?)(6?):$/;
const WHOLE = /^\d{1,20}$/;

/** `TCP: inuse 1 orphan 0`: the protocol in lower case, and the numbers by their words. */
export function parseSockstat(line: string) {
  const words = line.split(' ');
  const match = PROTOCOL.exec(words[0] as string);
  if (match === null) throw new ParseError(`"${line}" is not "PROTOCOL: …"`);
  const protocol = (match[1] as string).toLowerCase();
  const family = match[2] === '6' ? ('ipv6' as const) : ('ipv4' as const);
  const numbers = new Map<string, number>();
  for (let i = 1; i < words.length; i += 2) {
    const digits = words[i + 1] ?? '';
    const number = WHOLE.test(digits) ? Number(digits) : readNumber(digits).number;
    numbers.set(words[i] as string, number);
  }
  return { protocol, family, numbers };
}

/** @returns TCP connections, with listening sockets and those in TIME_WAIT. */
function* observeSockstat(file: string, text: string) {
  let connections = 0;
  for (const line of parseLines(file, text, parseSockstat)) {
    if (line instanceof Error) {
      yield line;
      continue;
    }
    const { protocol, family, numbers } = line;
    for (const [word, number] of numbers) {
      const state = STATES[word];
      if (state !== undefined) {
        yield metrics.count.observe(count(number), { protocol, family, state });
      } else if (word === 'used') yield metrics.used.observe(count(number));
      else if (word === 'mem') yield metrics.memory.observe(count(number), { protocol });
      else if (word === 'memory') yield metrics.fragments.observe(bytes(number), { family });
      if (protocol === 'tcp' && (word === 'inuse' || word === 'tw')) connections += number;
    }
  }
  return connections;
}

const LEAST_TICKS = 6;
const MINUTE = 60;

/** Ticks from one count of connections to the next. @param interval seconds from one tick to the next. */
const usualTicks = (interval = MINUTE) => Math.max(LEAST_TICKS, Math.round(MINUTE / interval));

/** TCP connections per state in {@link TCP_STATES}, of both families. */
function countStates(host: Host, net: string): readonly number[] {
  const counts = TCP_STATES.map(() => 0);
  for (const [name, family] of [
    ['tcp', 'ipv4'],
    ['tcp6', 'ipv6'],
  ] as const) {
    let text: string;
    try {
      text = host.proc.read(`${net}/${name}`);
    } catch (error) {
      // A kernel without IPv6 has no connections over it.
      if (error instanceof NoData && family === 'ipv6') continue;
      throw error;
    }
    const line = countTcpStates(text, family, counts);
    if (line !== undefined)
      throw new ParseError(`/proc/${net}/${name} line ${line} is no connection`);
  }
  return counts;
}

export default defineCollector({
  name: 'sockets',
  summary: "Sockets by protocol and state; the kernel's counters of IP, ICMP, TCP and UDP.",
  source:
    '/proc/net/{sockstat,sockstat6,snmp,netstat,snmp6}; /proc/net/{tcp,tcp6} at every sixth tick or once a minute, while they are short',
  options,
  metrics,
  open: () => {
    const readers = (wanted: typeof usualFieldOf) => ({
      snmp: snmpReader(wanted),
      netstat: snmpReader(wanted),
    });
    const usual = readers(usualFieldOf);
    const all = readers(fieldOf);
    let turn = 0;
    let states: readonly number[] | undefined;
    return {
      *collect({ host, options: { detailed, tcpStates }, interval }) {
        // /proc/net is that of whoever asks.
        const net = host.foreign ? '1/net' : 'net';
        const read = (name: string): string => host.proc.read(`${net}/${name}`);
        const file = (name: string): string => `/proc/${net}/${name}`;

        let connections = yield* observeSockstat(file('sockstat'), read('sockstat'));
        yield* part(function* () {
          connections += yield* observeSockstat(file('sockstat6'), read('sockstat6'));
        });
        const { snmp, netstat } = detailed ? all : usual;
        yield* part(() => observeSnmp(file('snmp'), snmp(read('snmp'))));
        yield* part(() => observeSnmp(file('netstat'), netstat(read('netstat'))));
        yield* part(() =>
          (detailed ? observeAllSnmp6 : observeSnmp6)(file('snmp6'), read('snmp6')),
        );

        const every = tcpStates.every ?? usualTicks(interval);
        // Where there were too many, it is soon seen that there are few again.
        const soon = states === undefined ? Math.min(every, LEAST_TICKS) : every;
        const due = every > 0 && turn % soon === 0;
        turn += 1;
        const few = connections <= tcpStates.atMost;
        if (due || !few) states = undefined;
        if (due && few) {
          yield* part(() => {
            states = countStates(host, net);
            return [];
          });
        }
        for (const [i, state] of TCP_STATES.entries()) {
          if (states !== undefined)
            yield metrics.connections.observe(count(states[i] ?? 0), { state });
        }
      },
      close: () => undefined,
    };
  },
});
