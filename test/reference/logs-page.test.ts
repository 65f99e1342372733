import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import logs from '../../collectors/logs.ts';
import { registry } from '../../src/agent/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { scratch } from '../support/agent.ts';

const page = readFileSync(new URL('../../docs/logs.md', import.meta.url), 'utf8');

test('what docs/logs.md configures, works', () => {
  const [yaml, ...others] = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, it]) => it);
  expect(others).toEqual([]);
  const path = join(scratch(), 'cullinan.yaml');
  writeFileSync(path, yaml ?? '');
  const config = loadConfig({ path, registry, environment: {}, defaultHandlers: {} });
  const it = config.collectors.find(({ instance }) => instance === 'logs');
  const names = it?.collector.moreMetrics?.(it.options) ?? [];
  expect(names.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['shop.orders', 'shop.order.time']),
  );
});

test('it names every metric of its own', () => {
  for (const { name } of Object.values(logs.metrics)) {
    expect(page).toContain(`.${name.split('.').at(-1)}`);
  }
});
