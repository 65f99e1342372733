import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/carbon.ts';
import { describeWithPeer } from '../support/peers.ts';
import { cullinan, PROGRAM } from '../support/program.ts';
import { RunningAgent } from '../support/running.ts';
import { Tmux } from '../support/tmux.ts';
import { withUs } from '../support/with-us.ts';

const LOST = { lost: '{ type: graphite, host: 127.0.0.1, port: 9, prefix: here }' };

const LOAD = 'system.cpu.load_average.1m';

test('tap shows points as they pass, by any of their names', async () => {
  await using agent = new RunningAgent(LOST);
  await agent.ticks(2);
  const tap = (...words: string[]) => cullinan(['tap', '--socket', agent.socket, ...words]);
  // The inner name, the rendered path, the path below the host, a label, a collector, an expression.
  const patterns: [pattern: string, shown: RegExp][] = [
    [LOAD, /^system\.cpu\.load_average\.1m \S+ count \d+$/],
    ['here.*.loadavg.01', /^system\.cpu\.load_average\.1m /],
    ['loadavg.01', /^system\.cpu\.load_average\.1m /],
    ['label:state=idle & collector:cpu', /^system\.cpu\.\S*time\{.*state="idle"/],
    ['collector:uptime', /^system\.(?:uptime|boot_time) /],
    ['re:average\\.1m$', /^system\.cpu\.load_average\.1m /],
    ['*c*p*u*time', /^system\.cpu\./],
  ];
  for (const [pattern, shown] of patterns) {
    const { code, stdout, stderr } = await tap(pattern, '--count', '3');
    expect(code, stderr).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines, pattern).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(shown);
  }
  const named = await tap('collector:load', '--handler', 'lost', '--count', '2');
  expect(named.stdout).toMatch(/^(here\.\S+\.loadavg\.\S+ \S+ \d+\n){2}$/);
  const json = await tap(LOAD, '--json', '--count', '1');
  expect(JSON.parse(json.stdout)).toMatchObject({ name: LOAD, unit: 'count', collector: 'load' });
  expect(await tap('re:(')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no pattern'),
  });
  expect(await tap('--handler', 'x')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no handler x; there are file and lost'),
  });
  expect((await tap('--count', 'many')).code).toBe(64);
});

test('a tap that is not read costs no tick, says what it left out, and ends', async () => {
  await using agent = new RunningAgent({});
  await agent.ticks(2);
  const stalled = Array.from({ length: 4 }, () =>
    connect(agent.socket)
      .on('error', () => {})
      .pause(),
  );
  for (const socket of stalled) socket.write('{"ask":"tap"}\n');
  await agent.ticks(3);
  const fifth = await cullinan(['tap', '--socket', agent.socket]);
  expect(fifth).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('4 taps are open already'),
  });
  for (const socket of stalled) socket.destroy();
  const words = ['tap', '--socket', agent.socket, '--count', '1'];
  await expect.poll(() => cullinan(words).then(({ code }) => code), { timeout: 10_000 }).toBe(0);
  const status = await cullinan(['status', '--socket', agent.socket, '--json']);
  expect((JSON.parse(status.stdout) as { schedule: unknown }).schedule).toMatchObject({
    lateTicks: 0,
  });
});

test('tap ends when it is told to, and when the agent ends', async () => {
  const agent = new RunningAgent({});
  await agent.ticks(2);
  const start = () => {
    const words = [PROGRAM, 'tap', '--socket', agent.socket];
    const child = spawn(...withUs(process.execPath, words), { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  const told = start();
  await once(told.stdout, 'data');
  told.kill('SIGINT');
  expect((await once(told, 'exit'))[0]).toBe(0);
  const left = start();
  await once(left.stdout, 'data');
  const ended = once(left, 'exit');
  await agent.stop();
  expect((await ended)[0]).toBe(1);
});

test('the log says more for a while, and goes back by itself', async () => {
  await using agent = new RunningAgent({});
  await agent.ticks(2);
  const log = (...words: string[]) => cullinan(['log', '--socket', agent.socket, ...words]);
  expect((await log()).stdout).toBe('info, as configured\n');
  expect((await log('debug', '--for', '2s')).stdout).toBe('debug for 2 s, then info again\n');
  await expect
    .poll(() => agent.log, { timeout: 10_000 })
    .toContainEqual(expect.stringMatching(/^collector load: ok, \d+ samples$/));
  await expect.poll(async () => (await log()).stdout, { timeout: 10_000 }).toContain('info, as');
  expect((await log('error', '--for', '1h')).stdout).toBe('error for 1 h 0 min, then info again\n');
  expect((await log('configured', '--json')).stdout).toBe('{"level":"info","configured":"info"}\n');
  expect(await log('loud')).toMatchObject({ code: 64 });
});

test('probes are answered over HTTP and by an exit code', async () => {
  const port = await freePort();
  await using agent = new RunningAgent(LOST, { more: `health: { listen: "${port}" }` });
  await agent.ticks(2);
  const health = (...words: string[]) => cullinan(['health', '--socket', agent.socket, ...words]);
  expect(await health()).toMatchObject({ code: 0, stdout: 'ok\n' });
  expect(await health('--ready')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^handler lost is not connected, and \d+ points wait\n$/),
  });
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  expect((await ask('/healthz')).status).toBe(200);
  const ready = await ask('/readyz');
  expect([ready.status, await ready.text()]).toEqual([
    503,
    expect.stringContaining('handler lost'),
  ]);
  await agent.stop();
  await expect(ask('/healthz')).rejects.toThrow();
  expect(await health()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no agent answers'),
  });
});

test('who may not know the secrets of a configuration may ask its agent', async () => {
  await using agent = new RunningAgent({});
  await agent.ticks(2);
  const config = join(mkdtempSync(join(tmpdir(), 'cullinan-asking-')), 'cullinan.yaml');
  const secret = `handlers: { web: { type: http, url: "http://x/", token: "\${credential:token}" } }`;
  writeFileSync(config, `status: { socket: ${agent.socket} }\n${secret}\n`);
  expect(await cullinan(['health', '--config', config])).toMatchObject({ code: 0, stdout: 'ok\n' });
});

test('an agent that stands still is not alive', async () => {
  const port = await freePort();
  await using agent = new RunningAgent({}, { more: `health: { listen: "${port}" }` });
  await agent.ticks(2);
  agent.signal('SIGSTOP');
  const asked = fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1000) });
  await expect(asked).rejects.toThrow();
  agent.signal('SIGCONT');
  await agent.ticks(2);
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
});

test('top, where no terminal is, is one page', async () => {
  await using agent = new RunningAgent(LOST);
  await agent.ticks(2);
  const words = ['top', '--socket', agent.socket, '--every', '1s', '--sort', 'series,waiting'];
  const { code, stdout } = await cullinan(words);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ Handler +rate +waiting .*\n lost .*\n file /m);
  expect(stdout).toMatch(/^ Collector +time .*\n agent /m);
  expect((await cullinan([...words, '--sort', 'beauty'])).code).toBe(64);
});

describeWithPeer('tmux', 'top on a real terminal', () => {
  test('is sorted by a key, pauses, and leaves the terminal as it was', async () => {
    await using agent = new RunningAgent(LOST);
    await agent.ticks(2);
    const terminal = new Tmux(120, 30);
    try {
      await terminal.until(/^\$/m);
      const words = `top --socket ${agent.socket} --every 500ms`;
      terminal.type(`${process.execPath} ${PROGRAM} ${words}`, 'Enter');
      await terminal.until(/^ file +[1-9]\d*\/s[\s\S]*sorted by time, rate/m);
      expect(terminal.state()).toMatchObject({ alternate: true, cursor: false });
      terminal.type('n', 'f');
      await terminal.until(
        /^ lost .*\n file .*[\s\S]*^ Collector .*\n agent [\s\S]*sorted by series, failures/m,
      );
      terminal.type('Space');
      await terminal.until(/space goes on/);
      terminal.resize(80, 20);
      await terminal.until(/^ Handler/m);
      terminal.type('q');
      await terminal.until(/^\$ *$/m);
      expect(terminal.state()).toEqual({ alternate: false, cursor: true, wrap: true });
    } finally {
      terminal.close();
    }
  });
});
