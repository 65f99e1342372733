import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { CulledLog } from '../support/cull.ts';
import { Journal } from '../support/journal.ts';
import { describeWithPeer } from '../support/peers.ts';
import { cullinan, PROGRAM } from '../support/program.ts';
import { RunningAgent } from '../support/running.ts';

const delivered = (i: number, status = 'sent') => ({
  ...{ SYSLOG_IDENTIFIER: 'postfix/smtp', _PID: 812, SYSLOG_FACILITY: 2, PRIORITY: 6 },
  _SYSTEMD_UNIT: 'postfix@-.service',
  MESSAGE: `3F2A${i}: to=<a@example.net>, relay=mx.example.net[192.0.2.1]:25, delay=0.5, delays=0.1/0/0.2/0.2, dsn=2.0.0, status=${status} (ok)`,
});
const refused = (user: string) => ({
  ...{ SYSLOG_IDENTIFIER: 'sshd', _PID: 99, SYSLOG_FACILITY: 10, PRIORITY: 6 },
  _SYSTEMD_UNIT: 'ssh.service',
  MESSAGE: `Failed password for ${user} from 192.0.2.9 port 4242 ssh2`,
});
const request = (status: number) => ({
  ...{ SYSLOG_IDENTIFIER: 'nginx', _SYSTEMD_UNIT: 'nginx.service', PRIORITY: 6 },
  MESSAGE: `192.0.2.7 - - [21/Sep/2026:14:13:20 +0000] "GET / HTTP/1.1" ${status} 512`,
});

/** `name value` of each line that was printed: what is printed begins with a time. */
const numbers = (stdout: string): Record<string, number> =>
  Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([, name = '', value]) => [name, Number(value)]),
  );

interface Report {
  readonly time: number;
  readonly numbers: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

describeWithPeer('journal', 'cullinan cull, over the journal', () => {
  test('reads on where it stopped', async () => {
    using it = new CulledLog();
    const journal = new Journal(mkdtempSync(join(it.folder, 'journal-')));
    await journal.write(delivered(1));
    const log = `journal:directory=${journal.folder},unit=postfix@-.service`;
    const line = ['-o', 'stdout', 'PostfixLogster', log] as const;
    expect((await it.cull(...line)).stderr).toMatch(/: first run: what is in it already/);
    await journal.write(delivered(2), refused('root'), delivered(3, 'bounced'));
    const second = await it.cull(...line);
    expect(second.stderr).toBe('');
    expect(numbers(second.stdout)).toMatchObject({ numSent: 1, numBounced: 1, avgDelay: 0.5 });
    expect(numbers((await it.cull(...line)).stdout)).toMatchObject({ numSent: 0, numBounced: 0 });
  });

  test('every parser knows its lines, and when they were written', async () => {
    using it = new CulledLog();
    const minute = 1_790_000_040;
    const journal = new Journal(mkdtempSync(join(it.folder, 'journal-')), minute);
    await journal.write(
      refused('root'),
      refused('admin'),
      request(200),
      request(404),
      delivered(1),
    );
    journal.now = (minute + 60) * 1e6;
    await journal.write(refused('root'));
    const words = ['--from-start', '--json', '-o', 'stdout'];
    const culled = async (parser: string) => {
      const log = `journal:directory=${journal.folder}`;
      const { stdout } = await it.cull(...words, parser, log);
      // What is to be printed comes first.
      const { found } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
        readonly found: readonly Report[];
      };
      return found.flatMap(({ time, numbers }) =>
        numbers.map(({ name, labels, value }) =>
          [time - minute, name, ...Object.values(labels), value].join(' '),
        ),
      );
    };
    expect(await culled('auth')).toEqual(
      expect.arrayContaining(['60 auth.ssh.failed password 2', '120 auth.ssh.failed password 1']),
    );
    expect(await culled('PostfixLogster')).toContain('60 numSent 1');
    expect(await culled('access')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^60 access\.\S+ 4xx 1$/)]),
    );
    expect(await culled('syslog')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^60 syslog\.\S+ sshd 2$/)]),
    );
    expect(await culled('journald')).toEqual(
      expect.arrayContaining([
        '60 journald.units ssh.service 2',
        '120 journald.units ssh.service 1',
        '60 journald.lines info 5',
      ]),
    );
  });

  test('what cannot be asked for is said', async () => {
    using it = new CulledLog();
    const { code, stderr } = await it.cull('-o', 'stdout', 'auth', 'journal:ssh.service');
    expect(code).toBe(1);
    expect(stderr).toMatch(/"ssh\.service" is nothing that the journal can be asked for/);
  });

  test('a journal without entries is said to be one', async () => {
    using it = new CulledLog();
    const folder = join(it.folder, 'empty');
    mkdirSync(folder);
    const { code, stderr } = await it.cull('-o', 'stdout', 'auth', `journal:directory=${folder}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/the journal has no entries/);
  });

  test('every entry is counted once, through runs that are killed at any moment', async () => {
    using it = new CulledLog();
    const journal = new Journal(mkdtempSync(join(it.folder, 'journal-')));
    const archive = join(it.folder, 'archive');
    const config = it.file(
      'cullinan.yaml',
      `handlers:\n  kept: { type: file, path: ${archive}, rotate: never, sync: true }\n`,
    );
    const log = `journal:directory=${journal.folder},unit=postfix@-.service`;
    const line = ['--config', config, '-o', 'kept', 'PostfixLogster', log] as const;
    await journal.write(refused('root'));
    await it.cull(...line);
    let written = 0;
    let killed = 0;
    for (let round = 0; round < 10; round += 1) {
      const some = Array.from({ length: 20 }, (_, i) => delivered(written + i));
      written += some.length;
      if (round % 4 === 3) journal.file = `system@${round}`;
      await journal.write(...some, refused('root'));
      if ((await it.culled(60 + Math.random() * 300, ...line)) === 'killed') killed += 1;
    }
    for (const _ of [1, 2]) expect((await it.cull(...line)).stderr).toBe('');
    const points = new Map<string, number>();
    for (const point of readFileSync(archive, 'utf8').trimEnd().split('\n')) {
      const [name, value, time] = point.split(' ');
      if (name === 'numSent') points.set(time ?? '', Number(value));
    }
    expect([...points.values()].reduce((all, one) => all + one, 0)).toBe(written);
    expect(killed).toBeGreaterThan(2);
  });

  test.runIf(process.getuid?.() === 0)('whoever may not read it is told so', async () => {
    using it = new CulledLog();
    const journal = new Journal(mkdtempSync(join(it.folder, 'journal-')));
    await journal.write(refused('root'));
    chmodSync(journal.folder, 0o755);
    // Somebody else's, and readable as journald has it: by its group.
    chmodSync(join(journal.folder, 'system.journal'), 0o640);
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const words = [
      'cull',
      '--dry-run',
      '--from-start',
      'auth',
      `journal:directory=${journal.folder}`,
    ];
    const run = promisify(execFile);
    const failed = run('/usr/bin/setpriv', [...nobody, process.execPath, PROGRAM, ...words]);
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/may not be read by this user\. .* systemd-journal/),
    });
  });

  test('where there is no journalctl, it is said', async () => {
    using it = new CulledLog();
    const { code, stderr } = await cullinan(
      ['cull', '--state-dir', it.state, '-o', 'stdout', 'auth', 'journal:'],
      { environment: { PATH: tmpdir() } },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/there is no program journalctl/);
  });
});

describeWithPeer('journal', 'the collector logs, over the journal', () => {
  test('a journal without entries is said to be one', async () => {
    using it = new CulledLog();
    const folder = join(it.folder, 'empty');
    mkdirSync(folder);
    const files = [{ path: `journal:directory=${folder}`, parser: 'auth' }];
    const collectors = { logs: { enabled: true, state: it.state, files } };
    const config = it.file('cullinan.yaml', JSON.stringify({ collectors }));
    const { stderr } = await cullinan(['once', '--over', '0s', '--config', config, 'logs']);
    expect(stderr).toMatch(/journal:directory=\S+: the journal has no entries/);
  });

  test('every entry is counted once, through kill -9, rotations and a new boot', async () => {
    using it = new CulledLog();
    const journal = new Journal(mkdtempSync(join(it.folder, 'journal-')));
    await journal.write(refused('root'));
    const path = `journal:directory=${journal.folder}`;
    const files = [
      { path, parser: 'journald', from: 'start' },
      { path: `${path},unit=ssh.service`, parser: 'auth', from: 'start' },
    ];
    const collectors = {
      default: { enabled: false },
      logs: { enabled: true, state: join(it.folder, 'state'), files },
    };
    const more = `collectors: ${JSON.stringify(collectors)}`;
    await using agent = new RunningAgent({}, { more, archive: ', counters: deltas' });
    const total = (part: string) => {
      let sum = 0;
      for (const [path, points] of agent.archived()) {
        if (path.includes(part)) for (const value of points.values()) sum += value;
      }
      return sum;
    };
    let all = 1;
    let failures = 1;
    for (let i = 0; i < 8; i += 1) {
      await sleep(300 + Math.random() * 1200);
      if (i % 3 === 1) journal.file = `system@${i}`;
      if (i === 5) journal.boot = 'b'.repeat(32);
      await journal.write(...Array.from({ length: 30 }, (_, n) => delivered(n)), refused('root'));
      all += 31;
      failures += 1;
      if (i % 2 === 0) await agent.crash();
    }
    await vi.waitFor(() => expect(total('journald.lines')).toBe(all), 20_000);
    await vi.waitFor(() => expect(total('ssh.failed')).toBe(failures), 20_000);
    await agent.ticks(2);
    await agent.stop();
    expect([total('journald.lines'), total('ssh.failed')]).toEqual([all, failures]);
  });

  test('what it may not read is said, and what else it follows goes on', async () => {
    using it = new CulledLog();
    const journal = new Journal(mkdtempSync(join(it.folder, 'journal-')));
    it.append(4);
    const files = [
      { path: `journal:directory=${journal.folder}/nowhere`, parser: 'auth' },
      { path: it.log, parser: 'PostfixLogster', from: 'start' },
    ];
    const collectors = {
      default: { enabled: false },
      logs: { enabled: true, state: join(it.folder, 'state'), files },
    };
    const more = `collectors: ${JSON.stringify(collectors)}`;
    await using agent = new RunningAgent({}, { more, archive: ', counters: deltas' });
    await agent.ticks(2);
    expect(agent.log.join('\n')).toMatch(/journalctl ends with 1: Failed to open .*nowhere/);
    const sent = [...agent.archived()].find(([path]) => path.endsWith('numSent'))?.[1];
    expect([...(sent ?? new Map()).values()]).toContain(2);
  });
});
