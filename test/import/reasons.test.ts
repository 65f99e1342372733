import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { OBSERVERS } from '../../src/import/collectd/observers.ts';
import { COUNTERPARTS } from '../../src/import/diamond/collectors.ts';
import { INPUTS, NO_INPUT } from '../../src/import/telegraf/inputs.ts';

const ROOM = 'src/import';
const sources = readdirSync(ROOM, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => [name, readFileSync(join(ROOM, name), 'utf8')] as const);

/** What stands behind "the collector" where none is named. */
const VERBS = /^(?:that|ask|asks|at|observe|observes|make|makes|says|is|of)$/;

test('what reasons name is there: collectors, handlers, pages', () => {
  const gone: string[] = [];
  let seen = 0;
  const look = (name: string, what: string, there: boolean): void => {
    seen += 1;
    if (!there) gone.push(`${name}: ${what}`);
  };
  for (const [name, text] of sources) {
    for (const [, kind, ...found] of text.matchAll(
      /\bthe (collector|handler)s? ([a-z]+)\b(?: and ([a-z]+)\b)?/gi,
    )) {
      const all = kind?.toLowerCase() === 'collector' ? registry.collectors : registry.handlers;
      if (VERBS.test(found[0] ?? '')) continue;
      const [first = '', second] = found;
      look(name, `${kind} ${first}`, all.has(first));
      // "the collectors chrony and ntpd"
      if (second !== undefined && text.includes(`${kind}s ${first} and ${second}`))
        look(name, `${kind} ${second}`, all.has(second));
    }
    for (const [, plugin = ''] of text.matchAll(/cullinan describe (?!shows|has)([a-z]+)/g))
      look(name, plugin, registry.collectors.has(plugin) || registry.handlers.has(plugin));
    for (const [page] of text.matchAll(/\bdocs\/[a-z/-]+\.md/g)) look(name, page, existsSync(page));
  }
  expect(gone).toEqual([]);
  expect(seen).toBeGreaterThan(60);
});

test('collectors that take the place of others are there', () => {
  const named = [
    ...Object.values(INPUTS).flatMap(({ collectors }) => collectors),
    ...Object.values(OBSERVERS).flatMap(({ collectors }) => collectors),
    ...Object.values(COUNTERPARTS).map(({ collector }) => collector),
  ];
  expect(named.filter((name) => !registry.collectors.has(name))).toEqual([]);
});

test('of what a collector is called like, nobody says that there is nothing', () => {
  const others = Object.keys(NO_INPUT).filter((name) => registry.collectors.has(name));
  // Telegraf's http reads numbers in pages, and the collector checks them.
  expect(others).toEqual(['http']);
  expect(Object.keys(NO_INPUT).filter((name) => Object.hasOwn(INPUTS, name))).toEqual([]);
});
