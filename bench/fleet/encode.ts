import { otlpPoint } from '../../handlers/otlp.ts';
import { gauge, type Name, type Point } from '../../src/plugin/index.ts';
import { collectdLists } from '../../src/wire/amqp/collectd.ts';
import { encodeExposition } from '../../src/wire/exposition.ts';
import { GangliaSender } from '../../src/wire/ganglia/sender.ts';
import { encodeLines } from '../../src/wire/graphite.ts';
import { influxKey, influxLine } from '../../src/wire/influx.ts';
import { encodeJson } from '../../src/wire/lines.ts';
import { encodeOtlp } from '../../src/wire/otlp.ts';
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

interface Format {
  readonly format: string;
  readonly encode: (batch: readonly Point[]) => string | Buffer | readonly Buffer[];
  /** Of the i-th sample; a path of Graphite's unless given. */
  readonly path?: (i: number) => string;
}

const metric = gauge('system.cpu.time', { unit: 'seconds', labels: ['cpu'], help: 'Time.' });

/** A batch as a host's tick is: numbers as dialects round them, two digits after the point or none. */
function batchOf(path: (i: number) => string): readonly Point[] {
  return Array.from({ length: BATCH }, (_, i) => {
    const series = { id: i, metric, collector: 'cpu', host: 'web01', labels: { cpu: String(i) } };
    const precision = i % 2 === 0 ? 2 : 0;
    const name: Name = { series, path: path(i), reading: 'value', precision };
    return { name, value: ((i * 7919) % 100_000) / 7, time: 1_795_246_564 };
  });
}

/** One that sends every value, and metadata only before the first. */
const ganglia = () =>
  new GangliaSender({
    ...{ host: 'web01', spoof: undefined, metadataInterval: 0, others: true, dmax: 86_400 },
    ...{ extra: true, location: '', started: 1_795_246_000 },
    policy: () => ({ timeThreshold: 0, valueThreshold: undefined, group: undefined }),
  });

function formats(): readonly Format[] {
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
  const gmond = ganglia();
  const resource = { 'host.name': 'web01' };
  return [
    { format: 'Graphite lines', encode: (batch) => encodeLines(batch) },
    { format: 'Graphite pickles', encode: (batch) => encodePickle(batch) },
    { format: 'statsd', encode: (batch) => encodeStatsd(batch, { tags: 'graphite', zeros: true }) },
    {
      format: 'Ganglia values',
      encode: (batch) => gmond.take(batch),
      path: (i) => `cpu.cpu${i}.user`,
    },
    {
      format: 'Prometheus',
      encode: (batch) => encodeExposition(batch.map(exposed), 'text'),
      path: (i) => `node_cpu_seconds_total{cpu="${i}",mode="user"}`,
    },
    {
      format: 'InfluxDB line protocol',
      encode: (batch) =>
        batch
          .map(({ name, value, time }) => influxLine(keyOf(name), 'value', value, time, 's'))
          .join('\n'),
    },
    {
      format: 'OTLP',
      encode: (batch) =>
        encodeOtlp([{ attributes: resource, points: batch.map(otlpPoint) }], 'cullinan'),
    },
    {
      format: 'Riemann',
      encode: (batch) =>
        encodeRiemann(batch, { ttl: 20, tags: [], service: ({ name }) => name.path }, 16_384),
    },
    { format: "collectd's JSON", encode: (batch) => lists(batch).join(',') },
    {
      format: 'JSON',
      encode: (batch) => batch.map((point) => encodeJson(point, { path: true })).join(''),
    },
    { format: 'syslog', encode: (batch) => batch.map(syslog).join('\n') },
  ];
}

const exposed = ({ name: { path, series }, value }: Point) => ({
  ...{ path, value, time: undefined, type: 'gauge' as const, help: series.metric.help },
});

type Encoded = ReturnType<Format['encode']>;

const lengthOf = (encoded: Encoded): number => {
  if (typeof encoded === 'string') return Buffer.byteLength(encoded);
  if (Buffer.isBuffer(encoded)) return encoded.length;
  return encoded.reduce((sum, { length }) => sum + length, 0);
};

/** Measures what each format takes, the median of some rounds after one that warms up. */
export function encodeCosts(): readonly Cost[] {
  return formats().map(({ format, encode, path }) => {
    const batch = batchOf(path ?? ((i) => `servers.web01.cpu.cpu${i}.user`));
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
    return {
      format,
      cpu: rounds[Math.floor(ROUNDS / 2)] ?? 0,
      bytes: bytes / BATCH,
    };
  });
}
