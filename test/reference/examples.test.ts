import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { scratch } from '../support/agent.ts';

const root = new URL('../../', import.meta.url);
/** Guides have plugins of their own in theirs: test/e2e/guides.test.ts follows them. */
const pages = ['docs', 'docs/handlers', 'docs/dialects'].flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith('.md') && !name.startsWith('write-a-'))
    .map((name) => `${folder}/${name}`),
);

/** What an example is part of: the whole file, what stands under `handlers`, or options of one. */
function whole(yaml: string, page: string): string {
  const name = basename(page, '.md');
  const handler = registry.handlers.has(name) ? name : 'graphite';
  if (yaml.startsWith('  ')) return `handlers:\n  ${handler}:\n${yaml}`;
  if (/^(collectors|handlers|health|host|interval|plugins|status):/m.test(yaml)) return yaml;
  return `handlers:\n${yaml.replace(/^/gm, '  ')}`;
}

const examples = ['README.md', ...pages].flatMap((page) => {
  const text = readFileSync(new URL(page, root), 'utf8');
  return [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(({ 1: yaml = '', index }) => ({
    at: `${page}:${text.slice(0, index).split('\n').length}`,
    // Passwords are in files that this machine does not have.
    yaml: whole(yaml, page).replaceAll(/\$\{\w+:[^}]*\}/g, 'secret'),
  }));
});

test('there are examples', () => expect(examples.length).toBeGreaterThan(50));

test.each(examples)('$at configures what there is', ({ yaml }) => {
  const path = join(scratch(), 'cullinan.yaml');
  writeFileSync(path, yaml);
  const config = loadConfig({ path, registry, environment: {}, defaultHandlers: {} });
  expect(config.files).toEqual([path]);
});
