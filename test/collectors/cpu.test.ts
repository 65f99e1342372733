import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import cpu, { countCores, parse } from '../../collectors/cpu.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(cpu);
describeCollector(cpu, { options: { perCpu: false }, variant: 'total' });

const processor = (cpu: number, chip: number, core: number) =>
  `processor\t: ${cpu}\nphysical id\t: ${chip}\nsiblings\t: 4\ncore id\t\t: ${core}\n\n`;

/** A host with these CPUs online, each a core of its own unless said otherwise. */
const hostOf = (cpus: readonly number[], cpuinfo = cpus.map((n) => processor(n, 0, n)).join('')) =>
  hostWith({
    'proc/stat': ['cpu ', ...cpus.map((n) => `cpu${n}`), ''].join(' 1 2 3 4 5 6 7 8 9 10\n'),
    'proc/cpuinfo': cpuinfo,
  });

test('does not observe the states that an old kernel does not count', () => {
  const [total] = parse('cpu  10 20 30 40\n').times;
  expect(total).toMatchObject({ cpu: '', ticks: { idle: 40, iowait: undefined } });
});

test('a malformed line costs that CPU only, and the CPU is still counted', () => {
  const { online, times } = parse('cpu  1 2 3 4\ncpu0 1 2 3 4\ncpu1 1 2 x 4\ncpu3 1 2 3 4\n');
  expect(online).toEqual(['0', '1', '3']);
  expect(times.filter((line) => !(line instanceof Error))).toHaveLength(3);
  expect(times[2]).toEqual(
    new ParseError('/proc/stat line 3: column 3 of 10 (system) is "x", not a whole number'),
  );
});

test('a malformed line is told of, a /proc/cpuinfo that is not there is not', async () => {
  const host = hostWith({ 'proc/stat': 'cpu  1 2 3 4\ncpu0 1 2 x 4\n' });
  const run = await collecting(cpu)(0, { host });
  expect(run.errors.map(String)).toEqual([expect.stringContaining('/proc/stat line 2')]);
  expect(text(run)).toContain('system.cpu.logical.count{} 1 count');
  expect(text(run)).not.toContain('physical');
});

test.each([
  ['an empty file', '', '/proc/stat has no cpu line'],
  ['a file of something else', 'intr 1 2 3\n', '/proc/stat has no cpu line'],
])('rejects %s', (_, stat, message) => {
  expect(() => parse(stat)).toThrow(new ParseError(message));
});

test.each(['cpu', 'cpufreq 1 2 3 4', 'cpu-1 1 2 3 4'])('"%s" is no cpu line', (line) => {
  expect(parse(`${line}\n`).times).toEqual([
    new ParseError(`/proc/stat line 1: "${line}" is no cpu line`),
  ]);
});

test('counts a core once, however many threads it runs and however many chips use its number', () => {
  const two = processor(0, 0, 0) + processor(1, 0, 0) + processor(2, 1, 0) + processor(3, 1, 0);
  expect(countCores(two, 4)).toBe(2);
});

test('does not count cores where the kernel says nothing of them', () => {
  expect(countCores('processor\t: 0\nBogoMIPS\t: 108.00\n\n', 1)).toBeUndefined();
});

test('does not count cores that do not account for every CPU', () => {
  expect(() => countCores(processor(0, 0, 0), 2)).toThrow(
    new ParseError('/proc/cpuinfo has core ids for 1 CPUs, but /proc/stat has 2 CPUs'),
  );
});

const counts = /(logical|physical)\.count.*|! .*/g;

test('counts again when a CPU goes offline, and only then', async () => {
  const collect = collecting(cpu);
  const read = async (host = hostOf([0, 1, 2])) => text(await collect(0, { host })).match(counts);
  expect(await read()).toEqual(['logical.count{} 3 count gauge', 'physical.count{} 3 count gauge']);
  expect(await read(hostOf([0, 1, 2], 'not read'))).toEqual(await read());
  expect(await read(hostOf([0, 2]))).toEqual([
    'logical.count{} 2 count gauge',
    'physical.count{} 2 count gauge',
  ]);
});

test('goes on saying why there are no cores, without reading again', async () => {
  const collect = collecting(cpu);
  const short = hostOf([0, 1], processor(0, 0, 0));
  const first = text(await collect(0, { host: short })).match(counts);
  expect(first).toEqual([
    'logical.count{} 2 count gauge',
    '! ParseError: /proc/cpuinfo has core ids for 1 CPUs, but /proc/stat has 2 CPUs',
  ]);
  expect(text(await collect(10, { host: hostOf([0, 1]) })).match(counts)).toEqual(first);
});
