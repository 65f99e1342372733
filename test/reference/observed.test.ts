import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { counter, gauge } from '../../src/plugin/index.ts';
import { observedTable, richest, seen } from '../../src/reference/observed.ts';

const metrics = [
  counter('own.packets', { unit: 'count', labels: ['cpu'], help: 'Packets.' }),
  gauge('own.level', { unit: 'ratio', help: 'Level.' }),
];
const golden = (text: string) => ({ link: 'test/golden/own.txt', text });

test('a line of a golden file is read as it was written', () => {
  expect(seen('own.packets{cpu="a\\"b",of="x"} 1.5 count counter')).toEqual({
    metric: 'own.packets',
    labels: { cpu: 'a"b', of: 'x' },
    value: '1.5',
    unit: 'count',
    kind: 'counter',
  });
  expect(seen('! NoData: there is none')).toBe(undefined);
});

describe('what a plugin observes', () => {
  test('is shown with what each dialect calls it, in the last moment', () => {
    const text = '# 10\nown.level{} 1 ratio gauge\n# 20\nown.packets{cpu="0"} 7 count counter\n';
    expect(observedTable(metrics, golden(text), registry.dialects)).toBe(
      '| Observed | Value | Diamond | collectd | Prometheus | Ganglia |\n' +
        '| --- | --- | --- | --- | --- | --- |\n' +
        '| `own.packets{cpu=0}` | 7 | `servers.web01.own.packets.0` | `web01.own.derive-packets.0` | ' +
        '`own_packets_total{cpu="0"}` | `own.packets.0` |\n',
    );
  });

  test('is shown with any value where nothing is known of it', () => {
    const table = observedTable(metrics, undefined, registry.dialects);
    expect(table).toContain('| `own.packets{cpu=<cpu>}` | `servers.web01.own.packets.<cpu>` |');
    expect(table).toContain('`own_packets_total{cpu="<cpu>"}`');
  });

  test('is taken from the host that has most of it', () => {
    const poor = golden('# 1\n! NoData: none\n');
    const rich = golden('# 1\nown.level{} 1 ratio gauge\n');
    expect(richest([poor, rich])).toBe(rich);
    expect(richest([poor])).toBe(undefined);
  });
});

describe('the reference', () => {
  const page = readFileSync(new URL('../../docs/reference/collectors.md', import.meta.url), 'utf8');
  const sections = new Map(page.split(/^## /m).map((text) => [text.split('\n', 1)[0], text]));

  test.each([...registry.collectors.keys()])('says of %s what access it takes', (name) => {
    expect(sections.get(name)).toMatch(/^\*\*Access\.\*\* ./m);
  });

  test.each([...registry.collectors])('says what the metrics of %s are called', (name, it) => {
    const [first] = Object.values(it.metrics);
    const rows =
      sections.get(name)?.split(/^(?:What it observes|What each is called) .*:$/m)[1] ?? '';
    if (first !== undefined) expect(rows).toContain(`\`${first.name.split('.', 1)[0]}.`);
  });
});
