import { setTimeout as sleep } from 'node:timers/promises';
import { registry } from '../agent/index.ts';
import { suggest } from '../config/index.ts';
import type { Point } from '../metric/index.ts';
import { createNamer } from '../naming/index.ts';
import { encodeJson, encodeText } from '../wire/lines.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { bringPlugins } from './plugins.ts';
import { seconds } from './seconds.ts';
import { assemble, load, only, openLog } from './setup.ts';

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
  await bringPlugins(io, options.config);
  // Who names a collector tries it out, on or off.
  const loaded = load(io, options.config, { console: {} }, undefined, { asked: collectors });
  const config = { ...only(loaded, collectors), handlers: [] };
  const { agent, identity, dispose } = await assemble(config, openLog(io, config));
  if (over > 0) {
    await agent.collect(now());
    await sleep(over * 1000);
  }
  const samples = await agent.collect(now());
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
  for (const sample of samples) namer.points(sample, points);
  namer.finish(points);
  const form = options.dialect === 'otel' ? 'series' : 'path';
  for (const point of points) {
    io.out(options.json ? encodeJson(point, { path: form === 'path' }) : encodeText(point, form));
  }
  const failed = agent.status.collectors.some(
    ({ outcomes }) => outcomes.failed + outcomes['timed-out'] > 0,
  );
  await dispose();
  return failed ? EXIT.failure : EXIT.ok;
}

const now = (): number => Math.floor(Date.now() / 1000);

/** A dialect given on the command line. */
export function dialectNamed(name: string) {
  const dialect = registry.dialects.get(name);
  if (dialect !== undefined) return dialect;
  const names = [...registry.dialects.keys()];
  const near = suggest(name, names);
  throw new UsageError(
    `no dialect is called "${name}". ${near === undefined ? `There are ${names.join(', ')}.` : `Did you mean "${near}"?`}`,
  );
}
