import { gauge, type Name, type Point } from '../../src/plugin/index.ts';
import { collectdLists } from '../../src/wire/amqp-collectd.ts';
import { encodeLines } from '../../src/wire/graphite.ts';
import { influxKey, influxLine } from '../../src/wire/influx.ts';
import { encodeJson } from '../../src/wire/lines.ts';
import { encodePickle } from '../../src/wire/pickle.ts';
import { encodeRiemann } from '../../src/wire/riemann.ts';
import { encodeStatsd } from '../../src/wire/statsd.ts';
import { syslogEncoder } from '../../src/wire/syslog.ts';

/** What a format takes for one sample. */
export interface Cost {
  readonly format: string;
  /** Microseconds of CPU. */
  readonly cpu: number;
  readonly bytes: number;
}

const BATCH = 1000;
const ROUNDS = 7;
/** Milliseconds of CPU for each round. */
const ROUND = 100;

/** A batch as a host's tick is: numbers as dialects round them, two digits after the point or none. */
function batchOf(names: readonly Name[]): Point[] {
  return names.map((name, i) => ({ name, value: ((i * 7919) % 100_000) / 7, time: 1_795_246_564 }));
}

function formats(): readonly (readonly [
  string,
  (batch: readonly Point[]) => string | readonly Buffer[],
])[] {
  const lists = collectdLists(10);
  const keys = new Map<Name, string>();
  const keyOf = (name: Name): string => {
    const key = keys.get(name) ?? influxKey(name.series.metric.name, name.series.labels);
    keys.set(name, key);
    return key;
  };
  const syslog = syslogEncoder({
    ...{ facility: 'local0', severity: 'info', appName: 'cullinan' },
    ...{ process: 1, enterprise: '32473' },
  });
  return [
    ['Graphite lines', (batch) => encodeLines(batch)],
    ['Graphite pickles', (batch) => encodePickle(batch)],
    ['statsd', (batch) => encodeStatsd(batch, { tags: 'graphite', zeros: true })],
    [
      'InfluxDB line protocol',
      (batch) =>
        batch
          .map(({ name, value, time }) => influxLine(keyOf(name), 'value', value, time, 's'))
          .join('\n'),
    ],
    [
      'Riemann',
      (batch) =>
        encodeRiemann(batch, { ttl: 20, tags: [], service: ({ name }) => name.path }, 16_384),
    ],
    ["collectd's JSON", (batch) => lists(batch).join(',')],
    ['JSON', (batch) => batch.map((point) => encodeJson(point, { path: true })).join('')],
    ['syslog', (batch) => batch.map(syslog).join('\n')],
  ];
}

const lengthOf = (encoded: string | readonly Buffer[]): number =>
  typeof encoded === 'string'
    ? Buffer.byteLength(encoded)
    : encoded.reduce((sum, { length }) => sum + length, 0);

/** Measures what each format takes, the median of some rounds after one that warms up. */
export function encodeCosts(): readonly Cost[] {
  const metric = gauge('system.cpu.time', { unit: 'seconds', labels: ['cpu'], help: 'Time.' });
  const names = Array.from({ length: BATCH }, (_, i): Name => {
    const series = { id: i, metric, collector: 'cpu', host: 'web01', labels: { cpu: String(i) } };
    const precision = i % 2 === 0 ? 2 : 0;
    return { series, path: `servers.web01.cpu.cpu${i}.user`, reading: 'value', precision };
  });
  const batch = batchOf(names);
  return formats().map(([format, encode]) => {
    const rounds: number[] = [];
    let bytes = 0;
    for (let round = 0; round <= ROUNDS; round += 1) {
      const began = process.cpuUsage();
      let samples = 0;
      let spent = 0;
      while (spent < ROUND * 1000) {
        // A string is joined up when it is written.
        bytes = lengthOf(encode(batch));
        samples += BATCH;
        const { user, system } = process.cpuUsage(began);
        spent = user + system;
      }
      if (round > 0) rounds.push(spent / samples);
    }
    rounds.sort((a, b) => a - b);
    return { format, cpu: rounds[Math.floor(ROUNDS / 2)] ?? 0, bytes: bytes / BATCH };
  });
}
