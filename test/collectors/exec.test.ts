import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import exec from '../../collectors/exec.ts';
import { scratch } from '../support/agent.ts';
import { collecting, describeCollector } from '../support/collector.ts';
import { collectorAt } from '../support/foreign-programs.ts';
import { hostWith } from '../support/host.ts';
import { runs } from '../support/processes.ts';

describeCollector(exec);

const sh = (script: string) => ['/bin/sh', '-c', script];
const running = (options: Readonly<Record<string, unknown>>) => collectorAt('exec', options);

/** Waits until something is so, which does not take long. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

describe('at each tick', () => {
  test('a command is run, and its numbers are what it says', async () => {
    const { values, lines } = running({ command: sh('echo example.1 42; echo "example.2 24"') });
    expect(await values()).toEqual({ 'example.1': 42, 'example.2': 24 });
    expect(lines('diamond')).toEqual(['servers.web01.example.1 42', 'servers.web01.example.2 24']);
  });

  test('its names may stand behind one of your own', async () => {
    const { values } = running({ command: ['echo', 'a 1'], as: 'site.app' });
    expect(await values()).toEqual({ 'site.app.a': 1 });
  });

  test('no shell reads its words, and it is told what its environment is', async () => {
    const { values } = running({
      command: ['printenv', 'COLLECTD_HOSTNAME', 'A', 'HOME_OF'],
      environment: { A: 'x 1', HOME_OF: 'web01 $(id) 2' },
      format: 'json',
    });
    expect(await values()).toEqual({});
    const { values: told } = running({
      command: sh(
        'echo "$COLLECTD_HOSTNAME.interval $COLLECTD_INTERVAL"; echo secrets $(env | grep -c VITEST)',
      ),
    });
    expect(await told()).toEqual({ 'web01.interval': 10, secrets: 0 });
  });

  test('counters have a growth, though a tick went by without them', async () => {
    const folder = scratch();
    const page = (n: number) =>
      writeFileSync(join(folder, 'it'), `# TYPE a_total counter\na_total ${n}\nb 1\n`);
    page(100);
    const { tick } = running({ command: ['cat', join(folder, 'it')], format: 'prometheus' });
    const growth = async () =>
      (await tick()).find(({ series }) => series.metric.name === 'a_total')?.growth;
    expect(await growth()).toBeUndefined();
    page(150);
    expect(await growth()).toMatchObject({ amount: 50, seconds: 10 });
    writeFileSync(join(folder, 'it'), 'b 1\n');
    expect(await growth()).toBeUndefined();
    page(250);
    expect(await growth()).toMatchObject({ amount: 100, seconds: 20 });
  });

  test('a time that it gives is kept', async () => {
    const { tick } = running({ command: ['echo', 'a 1 1700000000'] });
    expect((await tick()).map(({ time }) => time)).toEqual([1_700_000_000]);
  });

  test('what fails is said, with its last words, and what was told before is kept', async () => {
    const { values, troubles } = running({ command: sh('echo a 1; echo no disk >&2; exit 3') });
    expect(await values()).toEqual({ a: 1 });
    expect(troubles()).toEqual(['sh ended with status 3. It said: no disk']);
  });

  test.each([{}, { format: 'nagios' as const }, { persistent: true }])(
    'where the agent may not become its user it says what to do: %j',
    async (how) => {
      // As setpriv says it, which the kernel refuses root nothing of.
      const words = 'echo "setpriv: initgroups failed: Operation not permitted" >&2; exit 127';
      const { tick, troubles } = running({ command: sh(words), ...how });
      while (troubles().length === 0) await tick();
      expect(troubles()[0]).toMatch(
        /^sh ended with status 127.* It said: setpriv: .*takes the drop-in exec\.conf \(docs\/systemd\.md\)/,
      );
    },
  );

  test('its standard error is information where nothing failed', async () => {
    const { values, report, troubles } = running({ command: sh('echo a 1; echo careful >&2') });
    expect(await values()).toEqual({ a: 1 });
    expect(troubles()).toEqual(['sh said on its standard error: careful']);
    expect(report.said[0]?.trouble.absent).toBe(true);
  });

  test.each([
    [['/nowhere/to/be/found'], {}, 'cannot be started in / (ENOENT)'],
    [['true'], { folder: '/nowhere' }, 'cannot be started in /nowhere (ENOENT)'],
    [['true'], { user: 'nobody-of-this-name' }, 'knows no user nobody-of-this-name'],
    [sh('head -c 2000000 /dev/zero'), { output: '1MiB' }, 'said more than 1048576 bytes'],
    [sh('yes a b'), { output: '64KiB' }, 'said more than 65536 bytes'],
    [sh('echo a b'), {}, '"a b" has no number behind the name'],
    [[], {}, 'no command is configured'],
  ])('what cannot be is said once: %j', async (command, options, message) => {
    const { values, troubles } = running({ command, ...options });
    expect(await values()).toEqual({});
    expect(troubles().join()).toContain(message);
  });

  test('a million samples are refused, and counted', async () => {
    const { values, troubles } = running({
      command: ['awk', 'BEGIN { for (i = 0; i < 1000000; i++) print "a" i, i }'],
      ...{ output: '64MiB', series: 100 },
    });
    expect(Object.keys(await values())).toHaveLength(100);
    expect(troubles().join()).toContain('999900 values belong to more series than the 100');
    // Seconds of work: the longest of these tests where a machine is busy.
  });

  test('at the deadline all that it started is killed', async () => {
    const folder = scratch();
    const command = sh(`sleep 1000 & echo $! $$ > ${folder}/pids; wait`);
    const collect = collecting(exec);
    const aborter = new AbortController();
    const run = collect(0, { host: hostWith({}), options: { command }, signal: aborter.signal });
    await until(
      () =>
        existsSync(join(folder, 'pids')) &&
        readFileSync(join(folder, 'pids'), 'utf8').endsWith('\n'),
    );
    aborter.abort();
    const { errors } = await run;
    expect(errors.join()).toContain('had not ended at the deadline');
    const pids = readFileSync(join(folder, 'pids'), 'utf8').trim().split(' ');
    await until(() => !pids.some(runs));
  });

  test('what it leaves behind does not hold up the tick, and is killed', async () => {
    const folder = scratch();
    const { values } = running({ command: sh(`sleep 1000 & echo $! > ${folder}/pid; echo a 1`) });
    expect(await values()).toEqual({ a: 1 });
    await until(() => !runs(readFileSync(join(folder, 'pid'), 'utf8').trim()));
  });

  test('its processes have the address space that they are given', async () => {
    const { values } = running({
      command: sh('awk \'/Max address space/ { print "limit", $4 }\' /proc/self/limits'),
      memory: '256MiB',
    });
    expect(await values()).toEqual({ limit: 256 * 1024 ** 2 });
  });

  test.runIf(process.getuid?.() === 0)(
    'it runs as another user, with his groups and home',
    async () => {
      const home = 'if [ "$HOME" = ~daemon ]; then echo home 1; else echo home 0; fi';
      const { values } = running({
        command: sh(`echo uid $(id -u); echo gid $(id -g); echo groups $(id -G | wc -w); ${home}`),
        ...{ user: 'daemon', memory: '256MiB' },
      });
      expect(await values()).toEqual({ uid: 1, gid: 1, groups: 1, home: 1 });
      const { values: other } = running({
        command: sh('echo uid $(id -u); echo gid $(id -g)'),
        ...{ user: '4242', group: '4343' },
      });
      expect(await other()).toEqual({ uid: 4242, gid: 4343 });
    },
  );
});

describe('for as long as the agent runs', () => {
  const SAYING = 'i=0; while true; do i=$((i+1)); echo "n $i"; read -r line || exit; done';

  /** Ticks until a value comes that is wanted; on a busy machine an answer may come a tick later. */
  const wanted = async (
    values: () => Promise<Record<string, number>>,
    holds: (seen: Record<string, number>) => boolean,
  ): Promise<Record<string, number>> => {
    for (;;) {
      const seen = await values();
      if (holds(seen)) return seen;
      await sleep(5);
    }
  };

  test('a program is started once, and asked at each tick', async () => {
    const { values } = running({ command: sh(SAYING), persistent: true, trigger: 'stdin' });
    let [last, ticks] = [0, 0];
    const each = () => {
      ticks += 1;
      return values();
    };
    for (let i = 0; i < 3; i += 1) {
      const { n = 0 } = await wanted(each, (seen) => seen['n'] !== undefined);
      expect(n).toBeGreaterThan(last);
      // It speaks once by itself.
      expect(n).toBeLessThanOrEqual(1 + ticks);
      last = n;
    }
  });

  test.each(['SIGHUP', 'SIGUSR1', 'SIGUSR2'])('it may be asked by %s', async (trigger) => {
    const name = trigger.replace('SIG', '');
    const command = sh(
      `i=0; trap 'i=$((i+1)); echo "n $i"' ${name}; echo ready 1; while true; do sleep 0.01; done`,
    );
    const { values } = running({ command, persistent: true, trigger });
    await wanted(values, ({ ready, n }) => ready === 1 || n !== undefined);
    const { n: first = 0 } = await wanted(values, ({ n }) => n !== undefined);
    const { n: next = 0 } = await wanted(values, ({ n }) => n !== undefined);
    expect(next).toBeGreaterThan(first);
  });

  test('what it says when it likes is there at the next tick', async () => {
    const folder = scratch();
    const command = sh(
      `echo a 1; until [ -e ${folder}/go ]; do sleep 0.01; done; echo b 2; exec sleep 1000`,
    );
    const { values } = running({ command, persistent: true });
    expect(await wanted(values, ({ a }) => a !== undefined)).toEqual({ a: 1 });
    expect(await values()).toEqual({});
    writeFileSync(join(folder, 'go'), '');
    expect(await wanted(values, ({ b }) => b !== undefined)).toEqual({ b: 2 });
  });

  test('one that ends well is started at the next tick, as collectd does', async () => {
    const { values, troubles } = running({ command: ['echo', 'a 1'], persistent: true });
    for (let i = 0; i < 3; i += 1) {
      expect(await wanted(values, ({ a }) => a !== undefined)).toEqual({ a: 1 });
    }
    expect(troubles()).toEqual([]);
  });

  test('one that fails is said, and started again after a pause', async () => {
    const folder = scratch();
    const command = sh(`echo x >> ${folder}/starts; echo bad >&2; exit 1`);
    const { tick, troubles } = running({ command, persistent: true });
    const starts = () =>
      existsSync(join(folder, 'starts')) ? readFileSync(join(folder, 'starts'), 'utf8') : '';
    while (troubles().length === 0) await tick();
    expect(troubles()).toEqual(['sh ended with status 1. It said: bad']);
    expect(starts()).toBe('x\n');
    await tick();
    expect(starts()).toBe('x\n');
    await sleep(1000);
    while (starts() === 'x\n') await tick();
    expect(starts()).toBe('x\nx\n');
  });

  test('it ends with the agent, and what it started too', async () => {
    const folder = scratch();
    const command = sh(
      `trap '' TERM; sleep 1000 & echo $! $$ > ${folder}/pids; echo a 1; wait; wait`,
    );
    const { values, agent } = running({ command, persistent: true });
    expect(await wanted(values, ({ a }) => a !== undefined)).toEqual({ a: 1 });
    await agent.stop(0);
    const pids = readFileSync(join(folder, 'pids'), 'utf8').trim().split(' ');
    await until(() => !pids.some(runs));
  });

  /** Starts what leaves its group and holds the output of who has started it, until the test is over. */
  const leavesBehind = (): string => {
    const left = join(scratch(), 'left');
    onTestFinished(() => {
      for (const pid of readFileSync(left, 'utf8').trim().split('\n')) process.kill(Number(pid));
    });
    return `setsid sh -c 'echo $$ >> ${left}; exec sleep 1000' & until [ -s ${left} ]; do sleep 0.01; done`;
  };

  test('one that ends is started again, whatever it has left behind', async () => {
    const command = sh(`${leavesBehind()}; echo "pid $$"`);
    const { values, troubles } = running({ command, persistent: true });
    const { pid: first } = await wanted(values, ({ pid }) => pid !== undefined);
    await wanted(values, ({ pid }) => pid !== undefined && pid !== first);
    expect(troubles()).toEqual([]);
  });

  test('one that is silent for too long is started anew', async () => {
    const command = sh(`${leavesBehind()}; echo "pid $$"; exec sleep 1000`);
    const { values, troubles } = running({ command, persistent: true, silence: '1s' });
    const { pid: first } = await wanted(values, ({ pid }) => pid !== undefined);
    await sleep(1100);
    const { pid: next } = await wanted(values, ({ pid }) => pid !== undefined);
    expect(next).not.toBe(first);
    expect(troubles()).toEqual(['sh has said nothing for 1 s, and is started anew']);
  });

  test('one that never stops talking is read in bounds, and does not hold up the others', async () => {
    const command = sh('while true; do echo "a $((i=i+1))"; yes b 1 | head -n 100000; done');
    const { values, troubles, agent } = running({ command, persistent: true, series: 10 });
    await wanted(values, ({ b }) => b === 1);
    while (!troubles().join().includes('says more than is read in a tick')) {
      await values();
      await sleep(20);
    }
    await agent.stop(0);
  });

  test('one that says little in many bytes is read in bounds, too', async () => {
    const command = sh('yes "# $(head -c 60000 /dev/zero | tr "\\000" x)"');
    const { tick, troubles } = running({ command, persistent: true, series: 100_000 });
    // However fast this machine is, in the end it is enough.
    for (let ms = 50; !troubles().join().includes('says more than is read in a tick'); ms *= 2) {
      await sleep(ms);
      await tick();
    }
  });

  test('a line that is too long, and bytes that are no text, cost themselves', async () => {
    const command = sh(
      "echo a 1; head -c 300000 /dev/urandom | tr -d '\\n'; echo; printf '\\000\\377\\n'; echo b 2",
    );
    const { values, troubles } = running({ command });
    expect(await values()).toEqual({ a: 1, b: 2 });
    expect(troubles().join()).toContain('has not two or three words');
    expect(troubles().join()).toContain('a line was longer than 65536 characters, and left out');
  });
});

test.each([
  [{ command: [''] }, 'must begin with a program'],
  [{ command: ['a'], group: 'x' }, 'needs user beside it'],
  [{ command: ['a'], user: '12' }, 'needs group beside it'],
  [{ command: ['a'], trigger: 'stdin' }, 'needs persistent: true'],
  [{ command: ['a'], format: 'munin', persistent: true }, 'must not be true for munin'],
  [{ command: 'a' }, 'expected array'],
])('is refused: %j', (given, message) => {
  expect(exec.options.safeParse(given).error?.message).toContain(message);
});
