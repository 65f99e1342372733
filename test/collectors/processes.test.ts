import { AccessDenied, type Host, ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import processes, { parseStatus } from '../../collectors/processes.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith, refusing } from '../support/host.ts';

describeCollector(processes);

const STAT = [
  'cpu  1 2 3 4',
  'intr 12 0 0 7 1',
  'ctxt 34',
  'btime 1700000000',
  'processes 56',
  'procs_running 7',
  'procs_blocked 8',
  'softirq 90 1 2',
  '',
].join('\n');

const stat = (pid: number, letter: string) => `${pid} (some name) ${letter} 1 1 0\n`;

/** A host with processes in these states, by PID from 1. */
const hostOf = (letters: string): Host =>
  hostWith({
    'proc/stat': STAT,
    ...Object.fromEntries(
      [...letters].map((letter, i) => [`proc/${i + 1}/stat`, stat(i + 1, letter)]),
    ),
  });

/** The counts above zero, such as `running 2`. */
const counts = (seen: string) =>
  [...seen.matchAll(/processes\.count\{status="(\w+)"\} (\d+)/g)]
    .filter(([, , n]) => n !== '0')
    .map(([, status, n]) => `${status} ${n}`);

test('does not count what it sees where hidepid hides the rest', async () => {
  const host = hostWith({ 'proc/stat': STAT, 'proc/700/stat': stat(700, 'S') });
  const { observations, errors } = await collecting(processes)(0, { host });
  const names = observations.map(({ metric }) => metric.name);
  expect(names).toContain('system.processes.running');
  expect(names).not.toContain('system.processes.count');
  expect(errors).toEqual([expect.any(AccessDenied)]);
  expect(String(errors[0])).toContain('hidepid');
});

test('a line of /proc/stat that makes no sense costs its own number, and is told of', async () => {
  const host = hostWith({ 'proc/stat': STAT.replace('ctxt 34', 'ctxt many') });
  const { observations, errors } = await collecting(processes)(0, { host });
  const names = observations.map(({ metric }) => metric.name);
  expect(names).toContain('system.interrupts');
  expect(names).not.toContain('system.context_switches');
  expect(errors).toEqual([expect.any(ParseError)]);
  expect(String(errors[0])).toContain('/proc/stat line 3');
});

test('observes what /proc/stat and /proc/sys say', async () => {
  const host = hostWith({
    'proc/stat': STAT,
    'proc/sys/kernel/pid_max': '4194304\n',
    'proc/sys/kernel/threads-max': '126772\n',
    'proc/sys/kernel/random/entropy_avail': '256\n',
    'proc/sys/fs/file-nr': '1632\t0\t9223372036854775807\n',
    'proc/sys/fs/inode-nr': '60288\t11\n',
  });
  expect(text(await collecting(processes)(0, { host }))).toBe(
    [
      'system.processes.running{} 7 count gauge',
      'system.processes.blocked{} 8 count gauge',
      'system.processes.created{} 56 count counter',
      'system.context_switches{} 34 count counter',
      'system.interrupts{} 12 count counter',
      'system.softirqs{} 90 count counter',
      'system.processes.limit{} 4194304 count gauge',
      'system.threads.limit{} 126772 count gauge',
      'system.entropy.available{} 256 count gauge',
      'system.files.open{} 1632 count gauge',
      'system.files.limit{} 9223372036854776000 count gauge',
      'system.inodes.allocated{} 60288 count gauge',
      'system.inodes.free{} 11 count gauge',
      '',
    ].join('\n'),
  );
});

test('counts processes by state, with the ones that there are none of', async () => {
  const seen = text(await collecting(processes)(0, { host: hostOf('RSSDTtZIIPX') }));
  expect(seen.match(/(?<=status=")\w+"\} \d+/g)).toEqual([
    'running"} 1',
    'sleeping"} 2',
    'blocked"} 1',
    'stopped"} 2',
    'zombie"} 1',
    'idle"} 2',
    'other"} 2',
  ]);
});

test('reads few again at a tick, longest unread first, and forgets at once what ended', async () => {
  const collect = collecting(processes);
  const options = { statesPerTick: 2 };
  const after = async (seconds: number, letters: string) =>
    counts(text(await collect(seconds, { host: hostOf(letters), options })));
  expect(await after(0, 'SSSSS')).toEqual(['sleeping 5']);
  expect(await after(10, 'ZZZZZ')).toEqual(['sleeping 3', 'zombie 2']);
  expect(await after(20, 'ZZZZZRR')).toEqual(['running 2', 'sleeping 1', 'zombie 4']);
  expect(await after(30, 'ZZZZ')).toEqual(['zombie 4']);
  expect(await after(40, 'S')).toEqual(['sleeping 1']);
});

test.each([
  [undefined, 25],
  [60, 25],
  [10, 25],
  [5, 13],
  [1, 3],
  [0.1, 1],
])('with %j s from tick to tick, reads %i again', async (interval, again) => {
  const collect = collecting(processes);
  const given = interval === undefined ? {} : { interval };
  await collect(0, { host: hostOf('S'.repeat(30)), ...given });
  const seen = text(await collect(1, { host: hostOf('Z'.repeat(30)), ...given }));
  expect(counts(seen)).toEqual([`sleeping ${30 - again}`, `zombie ${again}`]);
});

test('reads nothing of processes where nothing of them is wanted', async () => {
  const host = refusing(hostOf('SS'), (question) =>
    question.startsWith('list') ? new Error(question) : undefined,
  );
  const options = { statesPerTick: 0 };
  expect(text(await collecting(processes)(0, { host, options }))).not.toMatch(/processes\.count|!/);
});

test('takes a command for what it is, parentheses and all', () => {
  expect(parseStatus('7', '7 (a) R (b) S 1 7 7 0\n')).toBe('sleeping');
});

test.each(['', '7 (a', '7 (a)', '7 (a) ', '7 (a) S', '7 (a) 5 1', '7 (a) SS 1'])(
  'rejects "%s"',
  (line) => {
    expect(() => parseStatus('7', line)).toThrow(
      new ParseError('/proc/7/stat has no state behind "(COMMAND)"'),
    );
  },
);

test('a malformed process costs itself', async () => {
  const host = hostWith({ 'proc/stat': STAT, 'proc/1/stat': '', 'proc/2/stat': stat(2, 'S') });
  const seen = text(await collecting(processes)(0, { host }));
  expect(counts(seen)).toEqual(['sleeping 1']);
  expect(seen).toContain('! ParseError: /proc/1/stat has no state');
});

test('counts none where it may not see them all', async () => {
  const host = refusing(hostOf('SSS'), (question) =>
    question === 'read proc/2/stat' ? new AccessDenied('/proc/2/stat') : undefined,
  );
  const seen = text(await collecting(processes)(0, { host }));
  expect(counts(seen)).toEqual([]);
  expect(seen).toContain('! AccessDenied: /proc/2/stat');
});

test('looks again for a process that could not be read, though none has begun or ended since', async () => {
  const collect = collecting(processes);
  const files = { 'proc/stat': STAT, 'proc/loadavg': '0.01 0.02 0.03 1/3 77\n' };
  const hostOf = (second: string) =>
    hostWith({
      ...files,
      ...{ 'proc/1/stat': stat(1, 'S'), 'proc/2/stat': second, 'proc/3/stat': stat(3, 'R') },
    });
  const whole = hostOf(stat(2, 'S'));
  const refused = refusing(whole, (question) =>
    question === 'read proc/2/stat' ? new AccessDenied('/proc/2/stat') : undefined,
  );
  const after = async (seconds: number, host: Host) =>
    counts(text(await collect(seconds, { host })));
  expect(await after(0, refused)).toEqual([]);
  expect(await after(10, refused)).toEqual([]);
  expect(await after(20, whole)).toEqual(['running 1', 'sleeping 2']);
  expect(await after(30, hostOf(''))).toEqual(['running 1', 'sleeping 1']);
  expect(await after(40, whole)).toEqual(['running 1', 'sleeping 2']);
});

test('lists processes only after one has begun or ended', async () => {
  let lists = 0;
  const counting = (host: Host) =>
    refusing(host, (question) => {
      if (question.startsWith('list')) lists += 1;
      return undefined;
    });
  const collect = collecting(processes);
  const after = async (forks: number, threads: number, letters: string) => {
    const files = {
      'proc/stat': STAT.replace('processes 56', `processes ${forks}`),
      'proc/loadavg': `0.01 0.02 0.03 1/${threads} 77\n`,
    };
    const stats = [...letters].map((letter, i) => [`proc/${i + 1}/stat`, stat(i + 1, letter)]);
    const host = counting(hostWith({ ...files, ...Object.fromEntries(stats) }));
    return counts(text(await collect(0, { host })));
  };
  expect(await after(9, 3, 'SSS')).toEqual(['sleeping 3']);
  expect(await after(9, 3, 'SSZ')).toEqual(['sleeping 2', 'zombie 1']);
  expect(lists).toBe(1);
  expect(await after(10, 4, 'SSZR')).toEqual(['running 1', 'sleeping 2', 'zombie 1']);
  expect(await after(10, 3, 'SSZ')).toEqual(['sleeping 2', 'zombie 1']);
  expect(await after(11, 3, 'SSR')).toEqual(['running 1', 'sleeping 2']);
  expect(lists).toBe(4);
});
