import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import load, { countCpus, parse } from '../../collectors/load.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(load);

test('reads averages and threads', () => {
  expect(parse('0.50 12.25 100.00 3/1204 88123\n')).toEqual({
    m1: 0.5,
    m5: 12.25,
    m15: 100,
    running: 3,
    threads: 1204,
  });
});

test.each([
  '',
  '0.50 12.25',
  '0.50 12.25 x 3/1204 88',
  '0.50 12.25 1.00 3 88',
  '0.50 1.00 2.00 3/',
])('rejects "%s"', (line) => {
  expect(() => parse(line)).toThrow(
    new ParseError(`/proc/loadavg line 1: "${line}" is not "LOAD1 LOAD5 LOAD15 RUNNING/ALL PID"`),
  );
});

test('counts the CPUs that are online, not their numbers and not their sum', () => {
  expect(countCpus('cpu  9 9 9 9\ncpu0 1 1 1 1\ncpu2 1 1 1 1\ncpu11 1 1 1 1\nintr 5\n')).toBe(3);
});

const loadavg = '1.00 2.00 4.00 3/1204 88123\n';
const perCpu = /.*per_cpu.*|! .*/g;

test('divides the load by the CPUs that are online', async () => {
  const host = hostWith({
    'proc/loadavg': loadavg,
    'proc/stat': 'cpu  9 9 9 9\ncpu0 1 1 1 1\ncpu2 1 1 1 1\n',
  });
  expect(text(await collecting(load)(0, { host })).match(perCpu)).toEqual([
    'system.cpu.load_average.1m.per_cpu{} 0.5 count gauge',
    'system.cpu.load_average.5m.per_cpu{} 1 count gauge',
    'system.cpu.load_average.15m.per_cpu{} 2 count gauge',
  ]);
});

test.each([
  ['absent', {}, null],
  [
    'without CPUs',
    { 'proc/stat': 'intr 5\n' },
    ['! ParseError: /proc/stat has no cpuN line to divide the load by'],
  ],
])('observes the load where /proc/stat is %s', async (_, files, seen) => {
  const host = hostWith({ 'proc/loadavg': loadavg, ...files });
  const all = text(await collecting(load)(0, { host }));
  expect(all).toContain('system.cpu.load_average.1m{} 1 count gauge');
  expect(all.match(perCpu)).toEqual(seen);
});
