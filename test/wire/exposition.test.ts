import { type Exposed, encodeExposition } from 'cullinan/wire/exposition';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const gauge = (path: string, value: number): Exposed => ({
  path,
  value,
  time: undefined,
  type: 'gauge',
  help: 'A level.',
});
const counter = (path: string, value: number): Exposed => ({
  ...gauge(path, value),
  type: 'counter',
  help: 'A \\ total\nof "things".',
});

test('series of one name stand together, under its type and help', () => {
  const page = encodeExposition(
    [counter('a_total{b="1"}', 1), gauge('load1', 0.5), counter('a_total{b="2"}', 2)],
    'text',
  );
  expect(page).toBe(
    [
      '# HELP a_total A \\\\ total\\nof "things".',
      '# TYPE a_total counter',
      'a_total{b="1"} 1',
      'a_total{b="2"} 2',
      '# HELP load1 A level.',
      '# TYPE load1 gauge',
      'load1 0.5',
      '',
    ].join('\n'),
  );
});

test('OpenMetrics names a counter without its end, and nothing a counter that is none', () => {
  const page = encodeExposition(
    [counter('a_total', 1), counter('node_vmstat_pgfault', 2), gauge('b_total', 3)],
    'openmetrics',
  );
  expect(page.match(/^# TYPE.*$/gm)).toEqual([
    '# TYPE a counter',
    '# TYPE node_vmstat_pgfault unknown',
    '# TYPE b_total unknown',
  ]);
  expect(page).toContain('# HELP a A \\\\ total\\nof \\"things\\".\n');
  expect(page.endsWith('# EOF\n')).toBe(true);
});

test('times are milliseconds in one format and seconds in the other', () => {
  const point = { ...gauge('a', 1), time: 1.5 };
  expect(encodeExposition([point], 'text')).toContain('a 1 1500\n');
  expect(encodeExposition([point], 'openmetrics')).toContain('a 1 1.5\n');
});

test('every series is there once, whatever its value', () => {
  const value = fc.double();
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(500)), value, (ids, number) => {
      const series = ids.map((id) => gauge(`m${id % 7}{id="${id}"}`, number));
      const lines = encodeExposition(series, 'text').split('\n');
      const samples = lines.filter((line) => line.startsWith('m'));
      expect(new Set(samples).size).toBe(ids.length);
      for (const sample of samples)
        expect(sample).toMatch(/^m\d\{id="\d+"\} (NaN|[+-]Inf|-?[\d.e+-]+)$/);
    }),
  );
});
