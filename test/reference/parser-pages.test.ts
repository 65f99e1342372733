import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { registry } from '../../src/agent/index.ts';
import { parserOption, parsers } from '../../src/parsers/index.ts';

const DOCS = new URL('../../docs/parsers/', import.meta.url);
const GOLDEN = new URL('../golden/parsers/', import.meta.url);
const page = (name: string) => readFileSync(new URL(`${name}.md`, DOCS), 'utf8');
const blocks = (text: string): readonly unknown[] =>
  [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, yaml = '']) => parse(yaml));

describe.each([...parsers.values()])('the page of $name', ({ name }) => {
  const text = page(name);
  const samples = readdirSync(GOLDEN).filter((file) => file.split('.')[0] === name);

  it('shows every sample, with the options that made it', () => {
    for (const file of samples) {
      expect(text).toContain(`[${file.replace(/txt$/, 'log')}]`);
      const golden = readFileSync(new URL(file, GOLDEN), 'utf8');
      const options = JSON.parse(/^# \S+ with (.*)$/m.exec(golden)?.[1] ?? '');
      if (Object.keys(options).length > 0) expect(blocks(text)).toContainEqual(options);
    }
  });

  it('shows configurations that work', () => {
    for (const block of blocks(text)) {
      const { collectors } = block as {
        readonly collectors?: { readonly logs: { readonly files: readonly { parser: unknown }[] } };
      };
      for (const { parser } of collectors?.logs.files ?? []) {
        expect(parserOption().safeParse(parser).error).toBe(undefined);
      }
    }
  });

  it('is found from the list of them all', () => {
    expect(page('README')).toContain(`](${name}.md)`);
  });
});

test('every metric of every parser says what it is', () => {
  for (const parser of registry.parsers.values()) {
    const usual = parser.options.safeParse({});
    for (const { help } of usual.success ? parser.metrics(usual.data) : []) {
      expect(help).toMatch(/\.$/);
    }
  }
});
