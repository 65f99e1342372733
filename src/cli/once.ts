import { registry } from '../agent/index.ts';
import type { Point } from '../metric/index.ts';
import { createNamer } from '../naming/index.ts';
import { encodeJson, encodeText } from '../wire/lines.ts';
import { hintFor } from './hint.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { collectTwice } from './readings.ts';
import { seconds } from './seconds.ts';
import { assemble, loadWithPlugins, only, openLog } from './setup.ts';

export interface OnceOptions {
  readonly config?: string;
  readonly over: string;
  readonly raw?: boolean;
  readonly json?: boolean;
  readonly dialect: string;
}

/** `cullinan once`: reads twice and prints every sample. */
export async function once(
  io: Io,
  collectors: readonly string[],
  options: OnceOptions,
): Promise<number> {
  const over = seconds('--over', options.over, { least: 0, most: 3600 });
  const dialect = dialectNamed(options.dialect);
  // Who names a collector tries it out, on or off.
  const loaded = await loadWithPlugins(io, options.config, { asked: collectors });
  const config = { ...only(loaded.config, collectors), handlers: [] };
  const { agent, identity, dispose } = await assemble(config, openLog(io, config));
  const samples =
    over > 0
      ? await collectTwice(agent, over * 1000)
      : await agent.collect(Math.floor(Date.now() / 1000));
  const namer = createNamer(dialect, {
    prefix: undefined,
    host: identity.path,
    ownHost: identity.label,
    suffix: '',
    tags: false,
    labels: config.labels,
    counters: options.raw ? 'raw' : 'rates',
  });
  const points: Point[] = [];
  namer.collection(samples, points);
  const form = options.dialect === 'otel' ? 'series' : 'path';
  for (const point of points) {
    io.out(options.json ? encodeJson(point, { path: form === 'path' }) : encodeText(point, form));
  }
  const failed = agent.status.collectors
    .filter(({ outcomes }) => outcomes.failed + outcomes['timed-out'] > 0)
    .map(({ name }) => name);
  await dispose();
  const observed = new Set([...failed, ...samples.map(({ series }) => series.collector)]);
  const idle = collectors.filter((name) => !observed.has(name));
  for (const name of idle) {
    io.err(`${name} observed nothing. What it can be told to look at: cullinan describe ${name}\n`);
  }
  return failed.length + idle.length > 0 ? EXIT.failure : EXIT.ok;
}

/** A dialect given on the command line. */
export function dialectNamed(name: string) {
  const dialect = registry.dialects.get(name);
  if (dialect !== undefined) return dialect;
  const names = [...registry.dialects.keys()];
  throw new UsageError(`no dialect is called "${name}". ${hintFor(name, names)}`);
}
