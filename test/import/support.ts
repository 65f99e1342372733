import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { createOutlet } from '../../src/agent/outlet.ts';
import { type Config, loadConfig } from '../../src/config/index.ts';
import { convert, type Imported, importers } from '../../src/import/index.ts';
import type { Labels } from '../../src/metric/index.ts';
import { series } from '../naming/support.ts';

/** One of the importers. */
export async function importing(from: string): Promise<(...words: string[]) => Imported> {
  const importer = await importers.get(from)?.();
  if (importer === undefined) throw new Error(`there is no importer ${from}`);
  return (...words) => convert(importer, words);
}

/** Has one of the importers read what is named. */
export async function imported(from: string, ...words: readonly string[]): Promise<Imported> {
  return (await importing(from))(...words);
}

/** The configuration as the agent loads it. */
export function loaded({ owners }: Imported): Config {
  return withFile('cullinan.yaml', owners, (path) =>
    loadConfig({ path, registry, environment: {}, defaultHandlers: {} }),
  );
}

/** Calls with a file that lives as long as the call. */
export function withFile<T>(name: string, text: string | Buffer, call: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
  try {
    const path = join(folder, name);
    writeFileSync(path, text);
    return call(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The golden output, and that the agent loads it. */
export async function expectGolden(name: string, result: Imported): Promise<Config> {
  await expect(result.owners).toMatchFileSnapshot(`../golden/import/${name}.yaml`);
  return loaded(result);
}

/** What the first handler calls a metric of a collector, on the host web01. */
export function sentAs(
  config: Config,
  collector: string,
  metric: string,
  labels: Labels = {},
): readonly string[] {
  const [handler] = config.handlers;
  if (handler === undefined) throw new Error('there is no handler');
  const outlet = createOutlet(handler, config, { path: 'web01', label: 'web01' });
  const known = Object.values(registry.collectors.get(collector)?.metrics ?? {});
  const kind = known.find(({ name }) => name === metric)?.kind;
  return outlet
    .names({ ...series(metric, labels, kind), collector, host: 'web01' })
    .map(({ path }) => path);
}
