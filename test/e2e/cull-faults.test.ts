import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { decodeLine } from 'cullinan/wire/graphite';
import { describe, expect, test, vi } from 'vitest';
import { statePath } from '../../src/logs/index.ts';
import { holdFile } from '../../src/store/index.ts';
import { Carbon, freePort } from '../support/carbon.ts';
import { CulledLog } from '../support/cull.ts';
import { noMounting, smallDisk } from '../support/disk.ts';
import { describeWithPeer } from '../support/peers.ts';
import { PROGRAM } from '../support/program.ts';
import { withUs } from '../support/with-us.ts';

const run = promisify(execFile);

/** Numbers of a file of points, each once: the same point may stand there twice. */
function archived(path: string, name: string): readonly number[] {
  const points = new Map<number, number>();
  for (const line of readFileSync(path, 'utf8').trimEnd().split('\n')) {
    const { path: its, value, time } = decodeLine(line);
    if (its !== name) continue;
    expect(points.get(time) ?? value, `${name} at ${time}`).toBe(value);
    points.set(time, value);
  }
  return [...points.values()];
}

const sum = (values: Iterable<number>): number => [...values].reduce((all, it) => all + it, 0);

describeWithPeer('carbon-cache', 'every line is counted once, in Carbon and in a file', () => {
  test('through runs that are killed at any moment, while the log grows', async () => {
    await using carbon = await Carbon.start();
    let killed = 0;
    const life = async (name: string) => {
      using it = new CulledLog(`${name}.log`);
      const archive = join(it.folder, 'archive');
      const config = it.file(
        'cullinan.yaml',
        `handlers:\n  kept: { type: file, path: ${archive}, rotate: never, sync: true }\n`,
      );
      const words = ['--config', config, '-o', 'kept', '-o', 'graphite', '-p', name];
      const to = [`--graphite-host=127.0.0.1:${carbon.port}`, 'PostfixLogster', it.log];
      await it.cull(...words, ...to);
      for (let round = 0; round < 12; round += 1) {
        it.append(50);
        // A start takes a tenth of a second, and a run that follows one at once waits for its second.
        const running = it.culled(
          60 + Math.random() * (round % 2 === 0 ? 150 : 1200),
          ...words,
          ...to,
        );
        await sleep(80);
        it.append(7);
        if ((await running) === 'killed') killed += 1;
      }
      for (const _ of [1, 2]) expect((await it.cull(...words, ...to)).stderr).toBe('');
      expect(sum(archived(archive, `${name}.numSent`))).toBe(it.sent);
      await vi.waitFor(
        () => expect(sum(carbon.read(`${name}.numSent`).values())).toBe(it.sent),
        5000,
      );
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(life));
    expect(killed).toBeGreaterThan(8);
  });

  test('while Carbon is away, and when it is back', async () => {
    await using carbon = await Carbon.start();
    using it = new CulledLog();
    const to = ['-o', 'graphite', `--graphite-host=127.0.0.1:${carbon.port}`];
    const line = [...to, '--timeout=1s', 'PostfixLogster', it.log];
    await it.cull(...line);
    await carbon.kill('SIGTERM');
    for (let round = 0; round < 3; round += 1) {
      it.append(10);
      const { code, stderr } = await it.cull(...line);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^cullinan: graphite: 127\.0\.0\.1:\d+: .*ECONNREFUSED.*\. What was found in .*mail\.log is kept, and the next run sends it first\.\n$/,
      );
    }
    await carbon.start();
    it.append(10);
    expect(await it.cull(...line)).toMatchObject({ code: 0, stderr: '' });
    await vi.waitFor(() => {
      const sent = [...carbon.read('numSent').values()];
      // Each run's number at its own time.
      expect(sent).toHaveLength(4);
      expect(sum(sent)).toBe(it.sent);
    }, 5000);
  });
});

describe('a peer that takes a connection and does not read', () => {
  /** Somebody who listens where Carbon should. */
  async function listening(heard: (socket: Socket) => void, port = 0) {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      sockets.add(socket.on('error', () => {}));
      heard(socket);
    });
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return {
      port: (server.address() as AddressInfo).port,
      async [Symbol.asyncDispose]() {
        if (!server.listening) return;
        const closed = once(server.close(), 'close');
        // Who reads nothing does not see an end, either.
        for (const socket of sockets) socket.destroy();
        await closed;
      },
    };
  }

  test.each<readonly [string, (socket: Socket) => void, RegExp]>([
    ['hangs up at once', (socket) => socket.destroy(), /closed the connection|ECONNRESET|EPIPE/],
    [
      'hangs up after a part of it',
      (socket) => void socket.resume().once('data', () => socket.destroy()),
      /closed the connection|ECONNRESET|EPIPE/,
    ],
    ['resets it', (socket) => socket.resetAndDestroy(), /ECONNRESET|EPIPE|closed/],
    ['hangs', () => {}, /reading everything took longer than|not taken within 1 s/],
  ])('%s: nothing counts as delivered before somebody reads it', async (_, heard, said) => {
    using it = new CulledLog();
    await using deaf = await listening(heard);
    const { port } = deaf;
    // More than anybody reads at once: who hangs up after a part of it leaves the rest unread.
    const prefix = `${'x'.repeat(100)}.`.repeat(300);
    const line = ['-o', 'graphite', `--graphite-host=127.0.0.1:${port}`, '--timeout=1s'];
    const words = [...line, '-p', prefix, 'PostfixLogster', it.log];
    await it.cull(...words);
    it.append(10);
    const { code, stderr } = await it.cull(...words);
    expect(code).toBe(1);
    expect(stderr).toMatch(said);
    expect(stderr).toContain('is kept, and the next run sends it first.');
    await deaf[Symbol.asyncDispose]();
    it.append(10);
    let text = '';
    await using _well = await listening((socket) => {
      socket.setEncoding('latin1').on('data', (more: string) => {
        text += more;
      });
      socket.on('end', () => socket.end()).resume();
    }, port);
    expect(await it.cull(...words)).toMatchObject({ code: 0, stderr: '' });
    const points = new Map(
      text.split('\n').flatMap((each): [number, number][] => {
        const found = /\.numSent (\d+) (\d+)$/.exec(each);
        return found === null ? [] : [[Number(found[2]), Number(found[1])]];
      }),
    );
    expect(points.size).toBe(2);
    expect(sum(points.values())).toBe(it.sent);
  });
});

describe('an output that fails', () => {
  test('keeps none from the others, which get nothing twice', async () => {
    using it = new CulledLog();
    const to = [
      '-o',
      'stdout',
      '-o',
      'statsd',
      '--statsd-host=nosuch.invalid:8125',
      '--timeout=1s',
    ];
    const line = [...to, 'PostfixLogster', it.log];
    await it.cull(...line);
    it.append(8);
    const first = await it.cull(...line);
    expect(first.stdout).toMatch(/ numSent 4\n/);
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(
      /^cullinan: statsd: nosuch\.invalid:8125: .*\. What was found in /,
    );
    it.append(4);
    const second = await it.cull(...line);
    expect(second.stdout.match(/ numSent .*/g)).toEqual([' numSent 2']);
  });
});

describe.runIf(noMounting() === undefined)('a state that cannot be written', () => {
  const words = (it: CulledLog, state: string) => [
    ...['--state-dir', state, '-o', 'stdout', 'PostfixLogster', it.log],
  ];
  const sent = (stdout: string) => Number(/ numSent (\d+)/.exec(stdout)?.[1] ?? 0);

  test.each(['fill', 'readOnly'] as const)('counts nothing before it can be: %s', async (how) => {
    using disk = smallDisk('256k');
    using it = new CulledLog();
    const line = words(it, disk.path);
    await it.cull(...line);
    let counted = 0;
    for (let round = 0; round < 2; round += 1) {
      it.append(10);
      disk[how]();
      const failed = await it.cull(...line);
      expect(failed.code).toBe(1);
      expect(failed.stdout).toBe('');
      expect(failed.stderr).toMatch(
        how === 'fill'
          ? /^cullinan: \S+: no space left on device, so that .* Make room\.\n$/
          : /^cullinan: \S+: read-only file system, so that .* --state-dir\.\n$/,
      );
      if (how === 'fill') disk.free();
      else disk.writable();
      it.append(4);
      counted += sent((await it.cull(...line)).stdout);
    }
    expect(counted).toBe(it.sent);
  });
});

describe('parsers of one’s own', () => {
  /** In a folder of its own, so that several can have one name. */
  const own = (it: CulledLog, folder: string, word: string, name = 'mine') => {
    mkdirSync(join(it.folder, folder));
    return it.file(
      join(folder, `${name}.js`),
      `export default class {
        n = 0;
        parseLine(line) { this.n += line.includes('status=${word}') ? 1 : 0; }
        report() { return [{ name: '${word}', value: this.n }]; }
      }`,
    );
  };

  test('may import the codecs that those of the agent do', async () => {
    using it = new CulledLog();
    const parser = it.file(
      'counts.ts',
      `import { count, defineParser, delta, type Line, type Piece, pieceOf, z } from 'cullinan/plugin';
      import { indexIn, Word } from 'cullinan/wire/fours';
      import { Tally } from 'cullinan/wire/tally';
      const status = delta('counts.status', { unit: 'count', labels: ['is'], help: 'By status.' });
      const IS = new Word('status=');
      export default defineParser({
        name: 'counts', summary: 'Counts.', source: 'here', options: z.strictObject({}),
        metrics: () => [status],
        open() {
          const found = new Tally();
          const parseAt = ({ view }: Piece, from: number, to: number): boolean => {
            const at = IS.behind(view, from, to);
            if (at >= 0) found.addIn(view, at, indexIn(view, 32, at, to));
            return at >= 0;
          };
          return {
            parse: ({ bytes }: Line) => parseAt(pieceOf(bytes), 0, bytes.length),
            parseAt,
            *report() {
              for (const [is, n] of found.take()) yield status.observe(count(n), { is });
            },
          };
        },
      });`,
    );
    const line = ['--from-start', '--dry-run', '-o', 'stdout', parser, it.log];
    it.append(8);
    const { stdout, stderr } = await it.cull(...line);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/counts\W+status\W+sent/);
  });

  test('keep a state each, whatever they are called', async () => {
    using it = new CulledLog();
    const parsers = [own(it, 'a', 'sent'), own(it, 'b', 'bounced')];
    for (const parser of parsers) await it.cull('-o', 'stdout', parser, it.log);
    it.append(8);
    const said: string[] = [];
    for (const parser of parsers) said.push((await it.cull('-o', 'stdout', parser, it.log)).stdout);
    expect(said[0]).toMatch(/ sent 4\n$/);
    expect(said[1]).toMatch(/ bounced 2\n$/);
  });

  test.each([
    ['take over what was kept under their name alone', 'mine', /\bsent 4\b/],
    ['leave alone what is of a parser that is built in', 'postfix', /^$/],
  ])('%s', async (_, name, expected) => {
    using it = new CulledLog();
    const parser = own(it, 'a', 'sent', name);
    await it.cull('-o', 'stdout', parser, it.log);
    const former = statePath(it.state, name, it.log);
    renameSync(statePath(it.state, name, it.log, parser), former);
    it.append(8);
    const line = ['-o', 'stdout', parser, it.log];
    expect((await it.cull('--dry-run', ...line)).stdout).toMatch(expected);
    expect((await it.cull(...line)).stdout).toMatch(expected);
    expect(existsSync(former)).toBe(name === 'postfix');
  });
});

describe('another run at the same log', () => {
  const held = (it: CulledLog) => statePath(it.state, 'PostfixLogster', it.log);

  test('is named by its process, and can be waited for', async () => {
    using it = new CulledLog();
    const line = ['-o', 'stdout', 'PostfixLogster', it.log];
    await it.cull(...line);
    it.append(8);
    const hold = await holdFile(held(it), async () => false);
    const { code, stderr } = await it.cull(...line);
    expect(code).toBe(1);
    expect(stderr).toContain(`process ${process.pid} is at work on it`);
    const waiting = it.cull('--wait=20s', ...line);
    await sleep(500);
    await hold.release();
    expect((await waiting).stdout).toMatch(/ numSent 4\n/);
  });

  test('that was killed is not waited for', async () => {
    using it = new CulledLog();
    const script = `import { holdFile } from ${JSON.stringify(new URL('../../dist/src/store/index.js', import.meta.url))};
      await holdFile(${JSON.stringify(held(it))}, async () => false); console.log('held'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const line = ['-o', 'stdout', '--from-start', 'PostfixLogster', it.log];
    it.append(8);
    expect((await it.cull(...line)).stderr).toContain(`process ${child.pid} is at work on it`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await it.cull(...line)).stdout).toMatch(/ numSent 4\n/);
  });

  test('at the same time loses and doubles nothing', async () => {
    using it = new CulledLog();
    const line = ['--wait=30s', '-o', 'stdout', 'PostfixLogster', it.log];
    await it.cull(...line);
    it.append(40);
    const runs = await Promise.all(Array.from({ length: 4 }, () => it.cull(...line)));
    expect(runs.map(({ stderr }) => stderr)).toEqual(['', '', '', '']);
    const sent = runs.map(({ stdout }) => Number(/ numSent (\d+)/.exec(stdout)?.[1]));
    expect(sent.sort()).toEqual([0, 0, 0, 20]);
  });
});

describe.runIf(process.getuid?.() === 0)('whatever a log is', () => {
  /** As a user who may do next to nothing. */
  async function asNobody(it: CulledLog, ...words: readonly string[]) {
    mkdirSync(it.state, { recursive: true });
    chmodSync(it.state, 0o777);
    const user = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const cull = [PROGRAM, 'cull', '--state-dir', it.state, '-o', 'stdout', ...words];
    const all = [...user, process.execPath, ...cull];
    return await run('/usr/bin/setpriv', all).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) =>
        ({ code, stdout, stderr }) as Awaited<ReturnType<CulledLog['cull']>>,
    );
  }

  /** What is refused, each with what is said of it behind its path. */
  async function refused(
    it: CulledLog,
  ): Promise<readonly (readonly [path: string, said: RegExp])[]> {
    const fifo = join(it.folder, 'fifo');
    await run('mkfifo', [fifo]);
    const secret = it.file('secret.log', 'x');
    chmodSync(secret, 0o600);
    return [
      [it.folder, /^is no file but a folder/],
      [fifo, /^is no file but a FIFO/],
      ['/dev/zero', /^is no file but a device/],
      [
        it.file('mail.log.2.gz', gzipSync('x\n')),
        /^it is packed, so that nothing was read\. Name /,
      ],
      ['/proc/self/mem', /^i\/o error, so that nothing of it was counted\./],
      [
        secret,
        /^permission denied, so that nothing of it was counted\. Run as a user who may read it/,
      ],
      [join(it.folder, 'missing.log'), /^there is no such file, so that nothing was read\. Name /],
    ];
  }

  test('what is no log says so in a sentence, and is no harm to the others', async () => {
    using it = new CulledLog();
    it.append(8);
    const cases = await refused(it);
    for (const [path, said] of cases) {
      const { code, stdout, stderr } = await asNobody(it, '--from-start', 'PostfixLogster', path);
      expect([code, stdout], path).toEqual([1, '']);
      expect(stderr).toMatch(/^cullinan: .*\n$/);
      expect(stderr.slice(`cullinan: ${path}: `.length)).toMatch(said);
    }
    const paths = cases.map(([path]) => path);
    const all = await asNobody(it, '--from-start', 'PostfixLogster', ...paths, it.log);
    expect(all.code).toBe(1);
    expect(all.stderr.match(/^cullinan: /gm)).toHaveLength(cases.length);
    expect(all.stdout).toMatch(/ mail_numSent 4\n/);
  });

  test('a rotated log that may not be read is named, and counts once it may', async () => {
    using it = new CulledLog();
    it.append(4);
    await asNobody(it, '--from-start', 'PostfixLogster', it.log);
    it.append(8);
    const rotated = `${it.log}.1`;
    renameSync(it.log, rotated);
    chmodSync(rotated, 0o600);
    it.append(4);
    const { code, stdout, stderr } = await asNobody(it, 'PostfixLogster', it.log);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      `cullinan: ${rotated}: permission denied, so that nothing of it was counted. Run as a user who may read it`,
    );
    chmodSync(rotated, 0o644);
    const next = await asNobody(it, 'PostfixLogster', it.log);
    expect([next.code, next.stderr]).toEqual([0, '']);
    expect(next.stdout).toMatch(/ numSent 6\n/);
  });

  test('a log that is rotated to another folder is found there once it is named', async () => {
    using it = new CulledLog();
    const line = ['-o', 'stdout', 'PostfixLogster', it.log];
    await it.cull(...line);
    const old = join(it.folder, 'old');
    mkdirSync(old);
    it.append(8);
    renameSync(it.log, join(old, 'mail.log.1'));
    it.append(4);
    const { code: without, stdout, stderr } = await it.cull('--dry-run', ...line);
    // Nothing is to be done again, and yet not all is well: cron's mail and systemd's state say so.
    expect(without).toBe(65);
    expect(stdout).toMatch(/numSent 2 /);
    expect(stderr).toMatch(/nowhere to be found: .* name that folder with --archive\.\n$/);
    const { code, ...said } = await it.cull('--archive', old, ...line);
    expect([code, said.stderr]).toEqual([0, '']);
    expect(said.stdout).toMatch(/ numSent 6\n/);
  });

  test('a log that was cut off, as by a power failure, is not read anew', async () => {
    using it = new CulledLog();
    const line = ['--from-start', '-o', 'stdout', 'PostfixLogster', it.log];
    const sent = async () => {
      const { code, stdout, stderr } = await it.cull(...line);
      return [code, Number(/numSent (\d+)/.exec(stdout)?.[1]), stderr];
    };
    it.append(40);
    expect(await sent()).toEqual([0, 20, '']);
    const before = statSync(it.log).size;
    truncateSync(it.log, before - 1000);
    const cut = [65, 0, expect.stringMatching(/^\S+: .* after a power failure\. .* is lost\.\n$/)];
    expect(await sent()).toEqual(cut);
    // Within a line: what is written next stands behind the rest of it.
    it.append(2);
    expect(await sent()).toEqual([0, 2, '']);
    // Written to beyond that place since, nobody knows which of its lines are new.
    truncateSync(it.log, statSync(it.log).size - 1010);
    it.append(40);
    const [code, n, said] = await sent();
    expect([code, said]).toEqual([65, cut[2]]);
    expect(n).toBeGreaterThan(15);
    expect(n).toBeLessThan(20);
    it.append(8);
    expect(await sent()).toEqual([0, 4, '']);
  });

  test('lines that are no text are lines, and those behind them count', async () => {
    using it = new CulledLog();
    const bytes = Buffer.concat([
      Buffer.from('\xff\xfe\xc3( status=sent\n', 'latin1'),
      Buffer.from('a\0b delay=1, status=sent\r\n'),
      Buffer.alloc(5_000_000, 'x'),
      Buffer.from('\ndelay=2, status=sent (\xff)\r\ndelay=9, status=sent and no end', 'latin1'),
    ]);
    const log = it.file('odd.log', bytes);
    const { code, stdout, stderr } = await asNobody(it, '--from-start', 'PostfixLogster', log);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ numSent 2\n/);
    expect(stdout).toMatch(/ avgDelay 1\.5\n/);
    expect(stderr).toBe(`${log}: a line was longer than 1 MiB and left out.\n`);
  });

  test('a log of which the parser knows nothing asks for another', async () => {
    using it = new CulledLog();
    const log = it.file('binary', readFileSync(process.execPath).subarray(0, 3_000_000));
    const { code, stderr } = await asNobody(it, '--from-start', 'MetricLogster', log);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /MetricLogster knows none of its \d+ lines\. Is it the parser for this log\?/,
    );
    const own = it.file(
      'own.js',
      'module.exports = class { parseLine() { return false; } report() { return []; } };',
    );
    const { stderr: said } = await it.cull('-o', 'stdout', '--from-start', own, log);
    expect(said).toContain(`Try: cullinan check --parser ${own} --sample ${log}\n`);
  });

  test('a log of which no line is as young as is asked for is not taken for another', async () => {
    using it = new CulledLog();
    const old = it.file(
      'old.log',
      Buffer.from('2020-01-01 00:00:00 METRIC_COUNT metric=a value=1\n'),
    );
    const { code, stderr } = await it.cull('-o', 'stdout', '--since', '2h', 'MetricLogster', old);
    expect(code).toBe(0);
    expect(stderr).toContain('none of its 1 lines counts: they are from before --since, or');
  });

  test('a log on a mount that hangs is given up, and the others are read', async () => {
    using it = new CulledLog();
    it.append(8);
    const mountpoint = join(it.folder, 'hung');
    mkdirSync(mountpoint);
    // A file system in user space of which nobody answers for anything.
    const options = 'fd=3,rootmode=040000,user_id=0,group_id=0,allow_other';
    const script = `exec 3<>/dev/fuse; mount -i -t fuse -o ${options} hung ${mountpoint}; echo done; exec sleep 60`;
    const server = spawn(...withUs('bash', ['-c', script]), {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(server.stdout, 'data');
    try {
      const there = join(mountpoint, 'app.log');
      const words = ['-o', 'stdout', '--from-start', 'PostfixLogster', there, it.log];
      const { code, stdout, stderr } = await it.cull(...words);
      expect(code).toBe(1);
      expect(stderr).toBe(
        `cullinan: ${there}: ${mountpoint} does not answer: the logs there are not read. The next run counts what is new in it.\n`,
      );
      expect(stdout).toMatch(/ mail_numSent 4\n/);
    } finally {
      server.kill('SIGKILL');
      await run('umount', ['-l', mountpoint]);
    }
  });

  test('nobody listens: what was found is kept', async () => {
    using it = new CulledLog();
    it.append(8);
    const port = await freePort();
    const words = [
      '-o',
      'statsd',
      `--statsd-host=127.0.0.1:${port}`,
      '--timeout=1s',
      '--from-start',
    ];
    const { code, stderr } = await asNobody(it, ...words, 'PostfixLogster', it.log);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^cullinan: statsd: .*\. What was found in .* is kept/);
  });
});
