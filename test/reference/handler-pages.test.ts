import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { registry } from '../../src/agent/index.ts';
import { loadConfig } from '../../src/config/index.ts';

const page = (name: string) => new URL(`../../docs/handlers/${name}.md`, import.meta.url);
const BLOCK = /^```yaml\n([\s\S]*?)^```/gm;

test.each([...registry.handlers.keys()])(
  '%s has a page: its options, a configuration that works, what it promises and what it costs',
  (name) => {
    expect(existsSync(page(name))).toBe(true);
    const text = readFileSync(page(name), 'utf8');
    expect(text).toContain(`reference/handlers.md#${name}`);
    expect(text).toMatch(/^##+ What it promises$/m);
    expect(text).toMatch(/^##+ What it costs$/m);
    const [, first = ''] = BLOCK[Symbol.matchAll](text).next().value ?? [];
    // Passwords are in files that this machine does not have.
    const { handlers } = parse(first.replaceAll(/\$\{\w+:[^}]*\}/g, 'secret'));
    const defaultHandlers = handlers as Record<string, Record<string, unknown>>;
    const config = loadConfig({ files: false, registry, environment: {}, defaultHandlers });
    expect(config.handlers.map(({ handler }) => handler.name)).toContain(name);
  },
);
