import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { allFacts, example, generatedFiles } from '../../src/reference/index.ts';

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

const dialects = allFacts(registry).flatMap((facts) =>
  facts.type === 'dialect' && facts.options.length > 0 ? [facts] : [],
);
test.each(dialects)('the example of the dialect $name says what holds anyway', (facts) => {
  const bare = `handlers: { graphite: { dialect: ${facts.name} } }\n`;
  expect(plain(loaded(example(facts)))).toEqual(plain(loaded(bare)));
});

test.each([
  ['http', 'targets: { NAME: { url: "http://localhost/" } }'],
  ['tcp', 'targets: { NAME: { host: localhost, port: 22 } }'],
  ['files', 'groups: { NAME: { path: "/tmp/*" } }'],
  ['logs', 'files: [{ path: /var/log/some.log, parser: syslog }]'],
])('the example of %s, once it is filled in, has it look at something', (name, told) => {
  const [facts] = allFacts(registry).filter((it) => it.type === 'collector' && it.name === name);
  if (facts?.type !== 'collector') expect.fail(`there is no collector ${name}`);
  const words = { url: 'http://localhost/', host: 'localhost', port: '22', parser: 'syslog' };
  const path = name === 'logs' ? '/var/log/some.log' : '/tmp/*';
  let text = example(facts);
  for (const [key, value] of Object.entries({ ...words, path })) {
    text = text.replace(`${key}: …`, `${key}: ${value}`);
  }
  expect(text).not.toContain('…');
  expect(plain(loaded(text))).toEqual(plain(loaded(`collectors: { ${name}: { ${told} } }\n`)));
});

test('it fits a terminal', () => {
  const wide = sample.split('\n').filter((line) => line.length > 100);
  expect(wide).toEqual([]);
});
