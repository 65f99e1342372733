import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { generatedFiles } from '../../src/reference/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sample-'));
afterAll(() => rmSync(folder, { recursive: true }));

const sample =
  generatedFiles(registry, { collectors: [], handlers: [] }, '').get('packaging/cullinan.yaml') ??
  '';

/** The configuration that a text comes to, in the parts that a person would compare. */
function loaded(text: string) {
  const path = join(folder, 'cullinan.yaml');
  writeFileSync(path, text);
  const config = loadConfig({ path, registry, environment: {}, defaultHandlers: {} });
  return {
    ...config,
    files: [],
    collectors: config.collectors.map(({ collector, ...rest }) => rest),
    handlers: config.handlers.map(({ handler, ...rest }) => rest),
  };
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('as it is, it changes nothing', () => {
  expect(plain(loaded(sample))).toEqual(plain(loaded('')));
});

test('with every key uncommented, it says what holds anyway', () => {
  const everything = sample
    .replace('#    # path: …', '#    path: /var/log/metrics')
    .replace(/^#/gm, '');
  const named = [...registry.handlers.keys()].filter((name) => name !== 'file');
  const bare = `handlers:\n  file: { path: /var/log/metrics }\n${named
    .map((name) => `  ${name}: {}\n`)
    .join('')}`;
  const sorted = (config: ReturnType<typeof loaded>) => ({
    ...config,
    handlers: config.handlers.toSorted((a, b) => a.instance.localeCompare(b.instance)),
  });
  expect(plain(sorted(loaded(everything)))).toEqual(plain(sorted(loaded(bare))));
});

test('it fits a terminal', () => {
  const wide = sample.split('\n').filter((line) => line.length > 100);
  expect(wide).toEqual([]);
});
