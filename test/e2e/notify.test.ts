import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { NotifySocket } from '../support/notify-socket.ts';
import { describeWithPeer } from '../support/peers.ts';
import { cullinan, PROGRAM } from '../support/program.ts';
import { withUs } from '../support/with-us.ts';

const CONFIG = `interval: 200ms
shutdown: { timeout: 3s }
status: { enabled: false }
handlers: { file: { path: FOLDER/points } }
`;

/** A folder as the packages have it: the launcher, a runtime, the program. */
async function installed(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'installed-'));
  await promisify(execFile)('gcc', [
    ...['-Wall', '-Wextra', '-Werror', '-DNODE_FLAGS="--no-flush-bytecode", "--expose-gc",'],
    ...['-DENVIRONMENT="MALLOC_ARENA_MAX=1",', '-o', join(folder, 'cullinan')],
    'packaging/launcher.c',
  ]);
  symlinkSync(process.execPath, join(folder, 'node'));
  for (const name of readdirSync(dirname(PROGRAM))) {
    if (name.endsWith('.cjs')) copyFileSync(join(dirname(PROGRAM), name), join(folder, name));
  }
  return folder;
}

/** Runs an agent that systemd would have started like this. */
function started(command: readonly string[], socket: NotifySocket, config = CONFIG) {
  const folder = mkdtempSync(join(tmpdir(), 'notify-agent-'));
  const file = join(folder, 'cullinan.yaml');
  writeFileSync(file, config.replaceAll('FOLDER', folder));
  const [program, words] = withUs(command[0] ?? '', [...command.slice(1), 'run', '-c', file]);
  const child = spawn(program, words, {
    stdio: 'ignore',
    env: { ...process.env, NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '400000' },
  });
  return {
    child,
    pid: child.pid ?? 0,
    reconfigure: (text: string) => writeFileSync(file, text.replaceAll('FOLDER', folder)),
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

describeWithPeer(['python3', 'gcc'], 'started by the launcher, under systemd', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await installed();
  });

  test('the agent itself says all that sd_notify(3) knows', async () => {
    using socket = await NotifySocket.open();
    using agent = started([join(folder, 'cullinan')], socket);
    await socket.line('READY=1');
    expect(await socket.line('STATUS=')).toMatch(/^\d+ collectors, \d+ series; file /);
    await socket.line('WATCHDOG=1');

    socket.told.length = 0;
    agent.child.kill('SIGHUP');
    await socket.line('RELOADING=1');
    // On the clock that systemd compares it by.
    const [seconds, nanoseconds] = process.hrtime();
    const since = seconds * 1e6 + nanoseconds / 1000 - Number(await socket.line('MONOTONIC_USEC='));
    expect(since).toBeGreaterThanOrEqual(0);
    expect(since).toBeLessThan(60e6);
    await socket.line('READY=1');

    socket.told.length = 0;
    await agent.stop();
    await socket.line('STOPPING=1');
    expect(await socket.line('EXTEND_TIMEOUT_USEC=')).toBe('13000000');
    // Of each message the kernel says that the main process has sent it.
    expect(new Set(socket.told.map(({ pid }) => pid))).toEqual(new Set([agent.pid]));
  });

  test('a reload that fails is over, too', async () => {
    using socket = await NotifySocket.open();
    using agent = started([join(folder, 'cullinan')], socket);
    await socket.line('READY=1');
    socket.told.length = 0;
    agent.reconfigure('intervall: 1s\n');
    agent.child.kill('SIGHUP');
    await socket.line('RELOADING=1');
    await socket.line('READY=1');
    await agent.stop();
  });

  test('cullinan reload says what is wrong, and changes nothing then', async () => {
    using socket = await NotifySocket.open();
    const control = join(mkdtempSync(join(tmpdir(), 'control-')), 'socket');
    const config = CONFIG.replace('{ enabled: false }', `{ socket: ${control} }`);
    using agent = started([join(folder, 'cullinan')], socket, config);
    await socket.line('READY=1');
    socket.told.length = 0;
    const reload = () => cullinan(['reload', '--socket', control]);
    expect(await reload()).toMatchObject({ code: 0, stderr: '' });
    await socket.line('RELOADING=1');
    await socket.line('READY=1');

    agent.reconfigure('intervall: 1s\n');
    socket.told.length = 0;
    const { code, stderr } = await reload();
    expect(code).toBe(78);
    expect(stderr).toContain('unknown option "intervall"');
    expect(stderr).toContain('The configuration before goes on.');
    await socket.line('WATCHDOG=1');
    expect(socket.lines).not.toContain('RELOADING=1');
    await agent.stop();

    // Nobody answers any more: it says so, or sends the signal where it knows to whom.
    expect((await reload()).code).toBe(1);
    using other = started([join(folder, 'cullinan')], socket);
    await socket.line('READY=1');
    socket.told.length = 0;
    const words = ['reload', '--socket', control, '--pid', `${other.pid}`];
    expect(await cullinan(words)).toMatchObject({ code: 0 });
    await socket.line('RELOADING=1');
    await other.stop();
  });

  test('a process that is stopped feeds no watchdog, and feeds it again when it goes on', async () => {
    using socket = await NotifySocket.open();
    using agent = started([join(folder, 'cullinan')], socket);
    await socket.line('WATCHDOG=1');
    agent.child.kill('SIGSTOP');
    // Whatever was on its way has come when the kernel has stopped it.
    await promisify(execFile)('sh', [
      '-c',
      `until grep -q '^State:\\sT' /proc/${agent.pid}/status; do sleep 0.05; done; sleep 0.1`,
    ]);
    socket.told.length = 0;
    await promisify(execFile)('sleep', ['1']);
    expect(socket.lines).toEqual([]);
    agent.child.kill('SIGCONT');
    await socket.line('WATCHDOG=1');
    await agent.stop();
  });

  test('where ticks come seldom, the watchdog is asked for patience', async () => {
    using socket = await NotifySocket.open();
    const config = CONFIG.replace('200ms', '1h');
    using agent = started([join(folder, 'cullinan')], socket, config);
    await socket.line('READY=1');
    expect(await socket.line('WATCHDOG_USEC=')).toBe('10800000000');
    await agent.stop();
  });

  test('systemd that has gone keeps nobody from collecting', async () => {
    using socket = await NotifySocket.open();
    using agent = started([join(folder, 'cullinan')], socket);
    await socket.line('READY=1');
    await socket.close();
    agent.child.kill('SIGHUP');
    await agent.stop();
  });
});

describeWithPeer(['python3', 'systemd-notify'], 'started by Node, under systemd', () => {
  test('systemd-notify says it for the agent, in the same order', async () => {
    using socket = await NotifySocket.open();
    using agent = started([process.execPath, PROGRAM], socket);
    await socket.line('READY=1');
    await socket.line('WATCHDOG=1');
    await agent.stop();
    await socket.line('STOPPING=1');
    const order = ['READY=1', 'STOPPING=1'].map((line) => socket.lines.indexOf(line));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });
});
