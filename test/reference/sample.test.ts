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
  generatedFiles(
    registry,
    {
      collectors: [],
      handlers: [],
      parsers: [],
      samples: [],
      golden: new Map(),
      templates: new Map(),
    },
    () => '',
  ).get('packaging/cullinan.yaml') ?? '';

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

/** What only a user knows, by handler: a key and its value. */
const KNOWN: Readonly<Record<string, readonly [key: string, value: string]>> = {
  exec: ['command', '[cat]'],
  file: ['path', '/var/log/metrics'],
  http: ['url', 'http://localhost/in'],
};

test('with every key uncommented, it says what holds anyway', () => {
  let everything = sample;
  for (const [key, value] of Object.values(KNOWN)) {
    everything = everything.replace(`#    # ${key}: …`, `#    ${key}: ${value}`);
  }
  everything = everything.replace(/^#(?! yaml-language-server: )/gm, '');
  const bare = `handlers:\n${[...registry.handlers.keys()]
    .map((name) => `  ${name}: { ${KNOWN[name]?.join(': ') ?? ''} }\n`)
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
