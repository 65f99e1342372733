import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { allFacts, builtinSource, fill, table } from '../../src/reference/index.ts';

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const namesIn = (folder: string) =>
  readdirSync(new URL(`../../${folder}`, import.meta.url))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.replace('.ts', ''))
    .sort();

const files = {
  collectors: namesIn('collectors'),
  handlers: namesIn('handlers'),
  parsers: namesIn('parsers'),
};
test('every plugin is built in, under the name of its file', () => {
  expect([...registry.collectors.keys()]).toEqual(files.collectors);
  expect([...registry.handlers.keys()]).toEqual(files.handlers);
  expect(registry.parsers.size).toBe(files.parsers.length);
});

test('the collectors’ page accounts for every name of Diamond’s that is ever sent', () => {
  const paths = allFacts(registry)
    .flatMap((facts) => (facts.type === 'collector' ? facts.diamond : []))
    .map(({ path }) => path.split(/<\w+>/).map(escaped).join('[^.]+'));
  const listed = new RegExp(`^servers\\.web01\\.(${paths.join('|')})$`);
  const sent = textOf('test/golden/diamond-names.txt').match(/^servers\.\S+/gm) ?? [];
  expect(sent.length).toBeGreaterThan(100);
  expect(sent.filter((name) => !listed.test(name))).toEqual([]);
});

const escaped = (text: string) => text.replace(/[.()]/g, '\\$&');

describe('a table', () => {
  test('keeps its cells apart', () => {
    expect(table(['Value'], [['a | b'], ['two\nlines']])).toBe(
      '| Value |\n| --- |\n| a \\| b |\n| two lines |\n',
    );
  });

  test('without rows is none', () => expect(table(['Value'], [])).toBe(''));
});

describe('a marked section', () => {
  const marked = 'before\n<!-- generated: list -->\nold\n<!-- /generated -->\nafter\n';

  test('is filled, again and again, and the rest is left alone', () => {
    const once = fill(marked, { list: 'new\n' });
    expect(once).toBe('before\n<!-- generated: list -->\nnew\n<!-- /generated -->\nafter\n');
    expect(fill(once, { list: 'new\n' })).toBe(once);
  });

  test('of an unknown name is an error that names the known ones', () => {
    expect(() => fill(marked, { other: '' })).toThrow('under the name "list"; there are other');
  });

  test('without an end is an error', () => {
    expect(() => fill('<!-- generated: list -->\n', { list: '' })).toThrow('has no <!-- /gen');
  });
});

test('a file name of several words becomes one variable', () => {
  const source = builtinSource({ collectors: ['log-files'], handlers: [] });
  expect(source).toContain("import logFiles from '../../collectors/log-files.ts';");
  expect(source).toContain('export const collectors: readonly Collector[] = [logFiles];');
});
