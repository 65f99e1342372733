import { AccessDenied, Foreseen, type Host, NoData } from 'cullinan/plugin';
import { describe, expect, test, vi } from 'vitest';
import process from '../../collectors/process.ts';
import { collecting, describeCollector, line, type Run } from '../support/collector.ts';
import { hostWith, refusing } from '../support/host.ts';

const groups = {
  web: { name: ['^(nginx|httpd)$'] },
  database: { exe: ['/mysqld$'], cgroup: ['^/system\\.slice/system-postgresql'] },
  search: { exe: ['/java$'] },
  sessions: { name: ['^tmux'], cgroup: ['^/user\\.slice/'] },
};
// Some dozens of files a host, each cut short in two hundred places.
vi.setConfig({ testTimeout: 30_000 });
describeCollector(process, { options: { groups, pss: true } });

/** The files of one process. */
interface Given {
  readonly name?: string;
  readonly started?: number;
  readonly user?: number;
  readonly read?: number;
  readonly state?: string;
  readonly cmdline?: string;
}

const filesOf = (pid: number, given: Given): Record<string, string> => {
  const { name = 'app', started = 100, user = 0, read = 0, state = 'S', cmdline } = given;
  const zeros = (n: number) => Array.from({ length: n }, () => 0).join(' ');
  return {
    [`proc/${pid}/stat`]: `${pid} (${name}) ${state} 1 ${pid} ${pid} 0 -1 ${zeros(5)} ${user} 0 0 0 20 0 1 0 ${started} 0 0\n`,
    [`proc/${pid}/status`]: `Name:\t${name}\nVmSize:\t 80 kB\nVmRSS:\t 40 kB\nVmSwap:\t 0 kB\nThreads:\t2\nvoluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n`,
    [`proc/${pid}/io`]: `read_bytes: ${read}\nwrite_bytes: 0\n`,
    [`proc/${pid}/fd/0`]: '',
    ...(cmdline === undefined ? {} : { [`proc/${pid}/cmdline`]: cmdline }),
  };
};

const hostOf = (processes: Readonly<Record<number, Given>>): Host =>
  hostWith(
    Object.assign(
      { 'proc/uptime': '61.50 90.00\n' },
      filesOf(1, { name: 'init' }),
      ...Object.entries(processes).map(([pid, given]) => filesOf(Number(pid), given)),
    ),
  );

const app = { groups: { app: { name: ['^app$'] } } };

/** One figure of a run, such as `cpu.time` and `user`. */
const figure = ({ observations }: Run, name: string, label?: string): number | undefined =>
  observations.find(
    ({ metric, labels }) =>
      metric.name === `system.process_group.${name}` &&
      (label === undefined || Object.values(labels).includes(label)),
  )?.value;

/** CPU seconds in user mode, at one collection for each host. */
async function userTimes(hosts: readonly Host[]): Promise<readonly (number | undefined)[]> {
  const collect = collecting(process);
  const times: (number | undefined)[] = [];
  for (const [i, host] of hosts.entries()) {
    times.push(figure(await collect(10 * i, { host, options: app }), 'cpu.time', 'user'));
  }
  return times;
}

describe('what a group has used', () => {
  test('begins with the collector, whatever its members had used before', async () => {
    const times = await userTimes([
      hostOf({ 7: { user: 90_000 } }),
      hostOf({ 7: { user: 90_050 } }),
    ]);
    expect(times).toEqual([0, 0.5]);
  });

  test('does not go back when a member ends', async () => {
    const both = hostOf({ 7: { user: 100 }, 8: { user: 100 } });
    const later = hostOf({ 7: { user: 150 }, 8: { user: 400 } });
    const times = await userTimes([both, later, hostOf({ 7: { user: 175 } }), hostOf({})]);
    expect(times).toEqual([0, 3.5, 3.75, 3.75]);
  });

  test('has all that a member used which was born since the collection before', async () => {
    const times = await userTimes([hostOf({}), hostOf({ 7: { user: 25 } })]);
    expect(times).toEqual([0, 0.25]);
  });

  test('does not leap when an old process becomes a member', async () => {
    const shell = hostOf({ 7: { name: 'sh', user: 5000 } });
    const times = await userTimes([
      shell,
      hostOf({ 7: { user: 5010 } }),
      hostOf({ 7: { user: 5030 } }),
    ]);
    expect(times).toEqual([0, 0, 0.2]);
  });

  test('does not leap when a process becomes a member long after its birth', async () => {
    const shell = (user: number) => hostOf({ 7: { name: 'sh', user } });
    const before = [hostOf({}), ...Array.from({ length: 4 }, (_, i) => shell(1000 * i))];
    const members = Array.from({ length: 10 }, (_, i) => hostOf({ 7: { user: 5000 + 10 * i } }));
    expect(Math.max(...(await userTimes([...before, ...members])).map(Number))).toBeLessThan(1);
  });

  test('takes the same number with another start for another process', async () => {
    const times = await userTimes([
      hostOf({ 7: { user: 5000 } }),
      hostOf({ 7: { started: 900, user: 30 } }),
      hostOf({ 7: { started: 900, user: 40 } }),
    ]);
    expect(times).toEqual([0, 0.3, 0.4]);
  });
});

test('a group without a process is still told of', async () => {
  const run = await collecting(process)(0, { host: hostOf({}), options: app });
  expect(figure(run, 'count')).toBe(0);
  expect(figure(run, 'memory.usage', 'rss')).toBe(0);
  expect(figure(run, 'uptime')).toBeUndefined();
});

test('the oldest member says how long a group is up', async () => {
  const host = hostOf({ 7: { started: 5000 }, 8: { started: 1150 } });
  expect(figure(await collecting(process)(0, { host, options: app }), 'uptime')).toBe(50);
});

test('where nobody says how long the host is up, a group is told of without it', async () => {
  const denied = new AccessDenied('/proc/uptime');
  for (const [why, said] of [
    [new NoData('/proc/uptime'), []],
    [denied, [denied]],
  ] as const) {
    const host = refusing(hostOf({ 7: {} }), (question) =>
      question === 'read proc/uptime' ? why : undefined,
    );
    const run = await collecting(process)(0, { host, options: app });
    expect([figure(run, 'count'), figure(run, 'uptime')]).toEqual([1, undefined]);
    expect(run.errors).toEqual(said);
  }
});

test('what one member does not tell its group does not have, until that one has ended', async () => {
  const collect = collecting(process);
  const silent = hostWith({
    ...{ ...filesOf(1, { name: 'init' }), ...filesOf(7, {}), ...filesOf(8, {}) },
    'proc/8/status': 'Name:\tapp\nVmRSS:\t 40 kB\nThreads:\t2\n',
    'proc/8/io': 'rchar: 1\n',
  });
  const seen = await collect(0, { host: silent, options: app });
  expect(seen.errors.map(({ message }) => message)).toEqual([
    'group app has no I/O: /proc/8/io is not as the kernel prints it',
  ]);
  expect([figure(seen, 'context_switches'), figure(seen, 'io')]).toEqual([undefined, undefined]);
  const later = await collect(10, { host: hostOf({ 7: {} }), options: app });
  expect(later.errors).toEqual([]);
  expect([figure(later, 'context_switches'), figure(later, 'io')]).toEqual([0, 0]);
});

test('a process without memory of its own leaves its group the pss of the others', async () => {
  const switches = 'voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n';
  const host = hostWith({
    ...filesOf(1, { name: 'init' }),
    ...{ ...filesOf(7, {}), 'proc/7/smaps_rollup': 'Pss:                  24 kB\n' },
    ...{ ...filesOf(8, {}), 'proc/8/smaps_rollup': '' },
    'proc/8/status': `Name:\tapp\nThreads:\t1\n${switches}`,
  });
  const run = await collecting(process)(0, { host, options: { ...app, pss: true } });
  expect(run.errors).toEqual([]);
  expect(figure(run, 'count')).toBe(2);
  expect(figure(run, 'memory.usage', 'pss')).toBe(24 * 1024);
});

test('a command line is matched as a person writes it', async () => {
  const options = { groups: { vm: { cmdline: ['^qemu .*-name guest=web01'] } } };
  const host = hostOf({
    7: { name: 'qemu', cmdline: 'qemu\0-S\0-name\0guest=web01\0' },
    8: { name: 'qemu', cmdline: 'qemu\0-S\0-name\0guest=db01\0' },
  });
  expect(figure(await collecting(process)(0, { host, options }), 'count')).toBe(1);
});

test('a process may belong to several groups', async () => {
  const options = { groups: { a: { name: ['app'] }, b: { name: ['^a'] } } };
  const run = await collecting(process)(0, { host: hostOf({ 7: {} }), options });
  const counts = run.observations.filter(({ metric }) => metric.name.endsWith('group.count'));
  expect(counts.map(line)).toEqual([
    'system.process_group.count{group="a"} 1 count gauge',
    'system.process_group.count{group="b"} 1 count gauge',
  ]);
});

test('a process that ends while it is looked at costs nothing', async () => {
  const gone = (question: string) =>
    question === 'read proc/8/status' ? new NoData('') : undefined;
  const host = refusing(hostOf({ 7: {}, 8: {} }), gone);
  const run = await collecting(process)(0, { host, options: app });
  expect(run).toMatchObject({ errors: [], thrown: undefined });
  expect(figure(run, 'count')).toBe(1);
});

test('the proportional set size, which is dear, is read only where it is wanted', async () => {
  const asked: string[] = [];
  const host = refusing(hostOf({ 7: {} }), (question) => {
    asked.push(question);
    return undefined;
  });
  await collecting(process)(0, { host, options: app });
  expect(asked).not.toContain('read proc/7/smaps_rollup');
  await collecting(process)(0, { host, options: { ...app, pss: true } });
  expect(asked).toContain('read proc/7/smaps_rollup');
});

test('a zombie has no descriptors that would have to be counted', async () => {
  const asked: string[] = [];
  const host = refusing(hostOf({ 7: { state: 'Z' } }), (question) => {
    asked.push(question);
    return undefined;
  });
  const run = await collecting(process)(0, { host, options: app });
  expect(figure(run, 'open_files')).toBe(0);
  expect(asked).not.toContain('list proc/7/fd');
});

describe('what may not be read of one member', () => {
  const secret = (question: string) =>
    /^(read proc\/8\/io|list proc\/8\/fd)$/.test(question) ? new AccessDenied(question) : undefined;

  test('is absent for its whole group, and nothing else is', async () => {
    const host = refusing(hostOf({ 7: { read: 5 }, 8: {} }), secret);
    const run = await collecting(process)(0, { host, options: app });
    expect(figure(run, 'io', 'read')).toBeUndefined();
    expect(figure(run, 'open_files')).toBeUndefined();
    expect(figure(run, 'threads')).toBe(4);
  });

  test('is asked for once, and said in one line for each figure', async () => {
    const asked: string[] = [];
    const collect = collecting(process);
    const host = refusing(hostOf({ 7: {}, 8: {} }), (question) => {
      asked.push(question);
      return secret(question);
    });
    for (const time of [0, 10, 20]) {
      const { errors } = await collect(time, { host, options: app });
      expect(errors.map(String)).toEqual([
        'AccessDenied: group app has no I/O: read proc/8/io',
        'AccessDenied: group app has no open files: list proc/8/fd',
      ]);
    }
    expect(asked.filter((question) => question === 'read proc/8/io')).toHaveLength(1);
  });
});

describe('a process of no group', () => {
  const asking = async (collections: number, names: (i: number) => string) => {
    const asked: string[] = [];
    const collect = collecting(process);
    let last: Run | undefined;
    for (let i = 0; i < collections; i += 1) {
      const host = refusing(hostOf({ 9: { name: names(i) } }), (question) => {
        asked.push(question);
        return undefined;
      });
      last = await collect(10 * i, { host, options: app });
    }
    return { stats: asked.filter((it) => it === 'read proc/9/stat').length, last };
  };

  test('is looked at twice, and then every eighth time', async () => {
    const { stats } = await asking(18, () => 'other');
    expect(stats).toBe(4);
  });

  test('is found when it has become another program', async () => {
    const { last } = await asking(12, (i) => (i < 3 ? 'sh' : 'app'));
    expect(last && figure(last, 'count')).toBe(1);
  });
});

describe('a process that becomes another program under the same name', () => {
  const words = { one: { cmdline: ['argone'] }, two: { cmdline: ['argtwo'] } };
  const run = (cmdline: string, user: number) => hostOf({ 7: { name: 'bash', cmdline, user } });

  test('changes its group, and brings nothing of what it used before', async () => {
    const collect = collecting(process);
    const counts: (readonly [number | undefined, number | undefined])[] = [];
    let times: readonly (number | undefined)[] = [];
    for (let i = 0; i < 16; i += 1) {
      const host = i < 4 ? run('bash\0argone\0', 100 * i) : run('bash\0argtwo\0', 100 * i);
      const seen = await collect(10 * i, { host, options: { groups: words } });
      counts.push([figure(seen, 'count', 'one'), figure(seen, 'count', 'two')]);
      const ofTwo = seen.observations.filter(({ labels }) => labels['group'] === 'two');
      times = [...times, figure({ ...seen, observations: ofTwo }, 'cpu.time', 'user')];
    }
    expect(counts[3]).toEqual([1, 0]);
    expect(counts.at(-1)).toEqual([0, 1]);
    // It was a member of the other group until then; a second for each collection since.
    const joined = counts.findIndex(([, two]) => two === 1);
    expect(joined).toBeLessThanOrEqual(12);
    expect(times.at(-1)).toBe(16 - joined);
  });
});

describe('where one process cannot be read', () => {
  test('no group has levels, as a part would pass for the whole', async () => {
    const host = refusing(hostOf({ 7: {}, 8: {} }), (question) =>
      question === 'read proc/8/stat' ? new AccessDenied('/proc/8/stat') : undefined,
    );
    const seen = await collecting(process)(0, { host, options: app });
    expect(figure(seen, 'count')).toBeUndefined();
    expect(figure(seen, 'memory.usage', 'rss')).toBeUndefined();
    expect(figure(seen, 'cpu.time', 'user')).toBe(0);
    expect(seen.errors.map(String)).toEqual(['AccessDenied: /proc/8/stat']);
  });
});

test('where the processes of others are hidden, no group has levels', async () => {
  const seen = await collecting(process)(0, { host: hostWith(filesOf(7, {})), options: app });
  expect(figure(seen, 'count')).toBeUndefined();
  expect(figure(seen, 'cpu.time', 'user')).toBe(0);
  expect(seen.errors.map(String)).toEqual([expect.stringContaining('hidepid')]);
});

test.each([
  ['may not be asked', new AccessDenied('/proc/7/exe'), AccessDenied],
  ['could not be read', new Error('/proc/7/exe cannot be read: EIO'), Foreseen],
])('who %s is spoken of until it has ended', async (_, why, kind) => {
  const options = { groups: { java: { exe: ['/java$'] } } };
  const collect = collecting(process);
  const spoken: boolean[] = [];
  for (let i = 0; i < 20; i += 1) {
    const host = refusing(hostOf(i < 10 ? { 7: {} } : {}), (question) => {
      if (question === 'link proc/7/exe') return why;
      return question.startsWith('link') ? new NoData(question) : undefined;
    });
    const { errors } = await collect(10 * i, { host, options });
    const said = `group java may lack members: ${why.message}`;
    spoken.push(errors.some((error) => error instanceof kind && error.message === said));
  }
  expect(spoken.slice(0, 10)).not.toContain(false);
  expect(spoken.at(-1)).toBe(false);
});

test('a command line holds nothing up, whatever its owner makes of it', async () => {
  const options = {
    groups: { app: { cmdline: ['java.*-jar.*app\\.jar'] }, not: { cmdline: ['^(?!java)'] } },
  };
  const collect = collecting(process);
  const cmdline = 'java\0-jar\0'.repeat(5000);
  const began = performance.now();
  const run = await collect(0, { host: hostOf({ 7: { cmdline }, 8: { cmdline: 'x' } }), options });
  expect(performance.now() - began).toBeLessThan(5000);
  const counts = run.observations.filter(({ metric }) => metric.name.endsWith('.count'));
  expect(counts.map(({ value, labels }) => [labels, value])).toEqual([
    [{ group: 'app' }, 0],
    [{ group: 'not' }, 1],
  ]);
});

describe('options', () => {
  test.each([
    ['no group', { groups: {} }, 'must name at least one group'],
    ['no regular expression', { groups: { a: { name: ['('] } } }, 'Unterminated group'],
    [
      'a group that nothing can belong to',
      { groups: { a: { name: [] } } },
      'at least one expression',
    ],
    ['a rule that does not exist', { groups: { a: { user: ['root'] } } }, 'user'],
    ['a name that could not be a label', { groups: { 'a b': {} } }, 'groups'],
  ])('refuse %s', (_, options, message) => {
    expect(process.options.safeParse(options).error?.message).toContain(message);
  });
});
