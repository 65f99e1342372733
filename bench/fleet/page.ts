// docs/fleet-performance.md, and what the bench prints.
import { cpus, release, totalmem } from 'node:os';
import type { Cost } from './encode.ts';
import type { Held, Mark } from './memory.ts';

/** What one part of the bench took. */
export interface Part {
  readonly what: string;
  readonly samples: number;
  readonly seconds: number;
  /** CPU, in seconds for a million samples. */
  readonly player: number;
  readonly broker: number;
  readonly consumer: number;
  readonly missing: number;
}

/** All that was measured. */
export interface Report {
  readonly hosts: number;
  readonly metrics: number;
  readonly parts: readonly Part[];
  /** Bytes that the process held which played all hosts. */
  readonly residentMemory: number;
  readonly observed: number;
  readonly delivered: number;
  readonly held: readonly Held[];
  readonly costs: readonly Cost[];
}

/** MiB of resident memory, at most. */
const GOALS = { connected: 64, gone: 96 } as const;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = line(head.map((_, i) => (i === 0 ? '---' : '--:')));
  return [line(head), rule, ...rows.map(line)].join('\n');
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

const partsTable = ({ parts }: Report): string =>
  table(
    ['', 'samples', 'samples/s', 'CPU of the fleet', 'of the broker', 'of the consumer', 'missing'],
    parts.map(({ what, samples, seconds, player, broker, consumer, missing }) => [
      ...[what, number(samples), number(samples / seconds)],
      ...[player, broker, consumer].map((cpu) => `${cpu.toFixed(2)} s`),
      number(missing),
    ]),
  );

function memoryTable({ held }: Report): string {
  const row = (what: string, { rss, anonymous }: Mark, most: number) => [
    ...[what, `${most} MiB`, `${rss.toFixed(1)} MiB`, `${anonymous.toFixed(1)} MiB`],
    rss <= most ? 'reached' : 'NOT reached',
  ];
  return table(
    ['', 'goal', 'resident', 'of it anonymous', ''],
    held.flatMap(({ spool, connected, gone, ticks }) => {
      const how = spool ? ', with a spool for each' : '';
      return [
        row(
          `all connected, for ${number(connected.seconds / 60)} minutes${how}`,
          connected,
          GOALS.connected,
        ),
        row(`then every peer gone, for ${ticks} ticks${how}`, gone, GOALS.gone),
      ];
    }),
  );
}

const booksTable = ({ held }: Report): string =>
  table(
    [
      'handler',
      'observed',
      'delivered',
      'queued',
      'spooled',
      'dropped',
      'bytes on the wire for each delivered',
    ],
    held.flatMap(({ spool, handlers }) =>
      handlers.map(({ name, observed, delivered, queued, spooled, dropped, wire }) => [
        spool ? `${name}, with a spool` : name,
        ...[observed, delivered, queued, spooled].map(number),
        number(Object.values(dropped).reduce((sum, points) => sum + points, 0)),
        wire.toFixed(0),
      ]),
    ),
  );

const costsTable = ({ costs }: Report): string =>
  table(
    ['format', 'CPU for a sample (µs)', 'bytes for a sample'],
    costs.map(({ format, cpu, bytes }) => [format, cpu.toFixed(2), bytes.toFixed(0)]),
  );

/** The tables. */
export const summary = (report: Report): string =>
  [partsTable, memoryTable, booksTable, costsTable].map((of) => of(report)).join('\n\n');

export function page(report: Report): string {
  const { hosts, metrics, observed, delivered, residentMemory, held } = report;
  const off = held.reduce((sum, one) => sum + one.off, 0);
  const spooled = held.find(({ spool }) => spool)?.spooled ?? Number.NaN;
  return `# A fleet through RabbitMQ

Measured by \`npm run bench:fleet\` on ${new Date().toISOString().slice(0, 10)}; see [its description](../bench/README.md). ${cpus().length} cores (${
    cpus()[0]?.model ?? 'unknown'
  }), ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, Node ${process.versions.node}. All on one machine. What to
make of it for a fleet of your own is in [From one host to a fleet](fleet.md).

${number(hosts)} hosts with ${metrics} metrics each, played by one process: each host has a connection, a queue and books of its own, as an
agent has. They publish Graphite lines to a topic exchange of one RabbitMQ, with confirms, persistent, one message a tick; behind it
are a durable queue and one consumer, which counts every sample. CPU is in seconds for a million samples.

${partsTable(report)}

The books of the fleet: ${number(observed)} observed, ${number(delivered)} delivered. It held ${number(residentMemory / 1024 ** 2)} MiB with all its connections and names.

## What one agent holds

The program as it is installed, all default collectors at 10 s over this host, with graphite (TCP), statsd (UDP), amqp and ganglia (to a
gmond) at once, each to a peer of its own; RabbitMQ is a real one. Then all peers go, the broker by kill -9. Time is simulated, and
nothing else. Ahead of each row are 30 ticks at about one a second.

${memoryTable(report)}

${booksTable(report)}

Asked over the status socket at both moments, the books were off by ${number(off)} points. Without a spool a queue holds 100,000 points, and drops
the oldest; with one, what waits is on disk, ${spooled.toFixed(0)} bytes for a point. On the wire are names, values and the protocol's own, without the headers
of TCP/IP.

## What a sample costs to encode

The batch of a thousand samples, half of them with two digits after the point, the median of seven rounds, in a process in which V8 has
optimized the encoder; the installed agent, which runs it once in ten seconds, has it do so only after hours. Ganglia's are values
alone, all sent; metadata comes on top.

${costsTable(report)}
`;
}
