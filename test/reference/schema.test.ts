import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const validate = new Ajv2020({ strict: false, allErrors: true }).compile(
  JSON.parse(read('docs/reference/cullinan.schema.json')),
);

/** What an editor would underline. */
function underlined(text: string): readonly string[] {
  validate(parse(text) ?? {});
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Their plugins are not built in: editors are told of those by `cullinan describe schema`. */
const OTHERS = /write-a-(collector|handler)\.md$/;
const PAGES = [
  'README.md',
  ...readdirSync(new URL('docs', ROOT)).map((name) => `docs/${name}`),
].filter((path) => path.endsWith('.md') && !OTHERS.test(path));
const KEY = /^(handlers|collectors|plugins|interval|hostname|labels|host|log|status|health):/m;

/** Configurations that pages show; a part of one begins with no key of its own. */
const shown = PAGES.flatMap((page) =>
  [...read(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)]
    .map(([, yaml = '']) => yaml)
    .filter((yaml) => KEY.test(yaml))
    .map((yaml, i) => ({ name: `${page} ${i + 1}`, yaml })),
);

describe('an editor with the schema', () => {
  test('has configurations to look at', () => expect(shown.length).toBeGreaterThan(20));

  test.each(shown)('finds nothing wrong with what $name shows', ({ yaml }) => {
    expect(underlined(yaml)).toEqual([]);
  });

  test('finds nothing wrong with the configuration that packages install', () => {
    expect(underlined(read('packaging/cullinan.yaml'))).toEqual([]);
  });

  test.each([
    ['a number', `handlers: { graphite: { port: "\${PORT}" } }`],
    ['a choice', `collectors: { cpu: { enabled: "\${CPU}" } }`],
    ['a duration', `interval: "\${INTERVAL}"`],
  ])('finds nothing wrong with %s that is elsewhere', (_, yaml) => {
    expect(underlined(yaml)).toEqual([]);
  });

  test('is told by its first line where the schema is', () => {
    expect(read('packaging/cullinan.yaml').split('\n', 1)[0]).toBe(
      '# yaml-language-server: $schema=/usr/share/cullinan/cullinan.schema.json',
    );
  });

  test.each([
    ['a key that is none', 'intervall: 10s'],
    ['an option that is none', 'handlers: { graphite: { hots: a } }'],
    ['an option that an instance does not have', 'collectors: { a: { type: exec, hots: a } }'],
    ['a value that an instance does not take', 'collectors: { a: { type: exec, command: a } }'],
    ['an instance of nothing', 'handlers: { a: { port: 5 } }'],
    ['a value of the wrong kind', 'handlers: { graphite: { port: many } }'],
    ['a number out of its bounds', 'handlers: { graphite: { port: 70000 } }'],
  ])('underlines %s', (_, yaml) => expect(underlined(yaml)).not.toEqual([]));
});
