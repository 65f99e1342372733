import { describe, expect, test } from 'vitest';
import type { Changes } from '../../src/agent/index.ts';
import { agentWith } from '../support/agent.ts';

const only = (...collectors: string[]): string =>
  `shutdown: { timeout: 1h }\ncollectors:\n  default: { enabled: false }\n${collectors
    .map((name) => `  ${name}: { enabled: true }\n`)
    .join('')}`;

// Real files take real time, so their deadlines lie beyond what the simulated clock runs through.
describe('an agent', () => {
  test('collects on the tick and hands every sample to every handler under its own name', async () => {
    const { agent, clock, lines } = agentWith(`${only('load')}handlers:
  archive: { type: file, timeout: 1h, path: DIR/archive, dialect: diamond }
  inner: { type: file, timeout: 1h, path: DIR/inner, dialect: otel, format: json }
`);
    await agent.start();
    await clock.run(25_000);
    expect(await agent.stop(1)).toBe(0);
    const noon = Date.UTC(2026, 0, 1, 12) / 1000;
    const archive = lines('archive').filter((line) => line.startsWith('servers.web01.loadavg.01 '));
    expect(archive.map((line) => line.split(' ')[2])).toEqual(
      [noon, noon + 10, noon + 20].map(String),
    );
    const inner = lines('inner').map((line) => JSON.parse(line) as { name: string; time: number });
    expect(inner.filter(({ name }) => name === 'system.cpu.load_average.1m')).toHaveLength(3);
  });

  test('routes by inner name, by path, and by the path below the host', async () => {
    const { agent, clock, lines } = agentWith(`${only('load', 'memory', 'uptime')}handlers:
  below: { type: file, timeout: 1h, path: DIR/below, dialect: diamond, only: ["loadavg.*"] }
  inner: { type: file, timeout: 1h, path: DIR/inner, dialect: diamond, only: ["re:^system\\\\.uptime$"] }
  except: { type: file, timeout: 1h, path: DIR/except, dialect: diamond, only: ["memory.*"], except: ["*.MemFree"] }
`);
    await agent.start();
    await clock.run(1000);
    await agent.stop(1);
    expect(lines('below').every((line) => line.startsWith('servers.web01.loadavg.'))).toBe(true);
    expect(lines('below').length).toBe(8);
    expect(lines('inner').map((line) => line.split(' ')[0])).toEqual([
      'servers.web01.uptime.minutes',
    ]);
    const except = lines('except').map((line) => line.split(' ')[0]);
    expect(except).toContain('servers.web01.memory.MemTotal');
    expect(except).not.toContain('servers.web01.memory.MemFree');
  });

  test('reports on itself, and its books balance', async () => {
    const { agent, clock } = agentWith(`${only('load', 'agent')}handlers:
  inner: { type: file, timeout: 1h, path: DIR/inner, dialect: otel, format: json }
`);
    await agent.start();
    await clock.run(60_000);
    const [books] = agent.status.handlers;
    expect(books?.observed).toBeGreaterThan(100);
    expect(books?.observed).toBe((books?.delivered ?? 0) + (books?.queued ?? 0));
    const load = agent.status.collectors.find(({ name }) => name === 'load');
    expect(load?.outcomes.ok).toBe(7);
    await agent.stop(1);
    const [after] = agent.status.handlers;
    expect(after?.observed).toBe(after?.delivered);
  });
});

describe('a reload', () => {
  const config = (archive: string, memory: boolean): string =>
    `${only('load', ...(memory ? ['memory'] : []))}handlers:
  kept: { type: file, timeout: 1h, path: DIR/kept, dialect: diamond }
  ${archive}
`;

  test('touches only what changed', async () => {
    const { agent, clock, configured, lines } = agentWith(
      config('old: { type: file, timeout: 1h, path: DIR/old, dialect: diamond }', false),
    );
    await agent.start();
    await clock.run(12_000);
    const before = agent.status.collectors.find(({ name }) => name === 'load')?.outcomes.ok;
    const changes = agent.reload(
      configured(
        config(
          'new: { type: file, timeout: 1h, path: DIR/new, dialect: diamond, prefix: hosts }',
          true,
        ),
      ),
    );
    await clock.run(20_000);
    expect(await changes).toEqual({
      started: ['new', 'memory'],
      stopped: ['old'],
      kept: ['kept', 'load'],
    });
    expect(agent.status.collectors.find(({ name }) => name === 'load')?.outcomes.ok).toBe(
      (before ?? 0) + 2,
    );
    await agent.stop(1);
    expect(lines('new').every((line) => line.startsWith('hosts.web01.'))).toBe(true);
    expect(lines('kept').filter((line) => line.includes('.loadavg.01 '))).toHaveLength(4);
    expect(lines('old').filter((line) => line.includes('.loadavg.01 '))).toHaveLength(2);
  });

  test('leaves nothing behind of what it ended', async () => {
    const kept = 'kept: { type: file, timeout: 1h, path: DIR/kept }';
    const { agent, clock, configured, said } =
      agentWith(`${only('load')}  memory: { enabled: true, interval: 1s }
handlers:
  ${kept}
  old: { type: file, timeout: 1h, path: DIR/none/old }
`);
    await agent.start();
    await expect.poll(() => agent.status.problem).toContain('handler old');
    const next = `${only('load')}handlers:\n  ${kept}\n`.replace('timeout: 1h', 'timeout: 5s');
    let changes: Changes | undefined;
    void agent.reload(configured(next)).then((it) => {
      changes = it;
    });
    while (changes === undefined) await clock.run(1000);
    expect(changes).toEqual({ started: [], stopped: ['old', 'memory'], kept: ['kept', 'load'] });
    expect(agent.status.problem).toBeUndefined();
    // It wakes up for what is left alone.
    const wakes = () => said().split('handler kept: ').length;
    const before = wakes();
    await clock.run(30_000);
    expect(wakes() - before).toBe(3);
    await agent.stop(1);
  });
});

describe('disturbed time', () => {
  test('is said and counted', async () => {
    const { agent, clock, said } = agentWith(`${only('load')}handlers:
  inner: { type: file, timeout: 1h, path: DIR/inner }
`);
    await agent.start();
    await clock.run(10_000);
    clock.step(-3_600_000);
    await clock.run(60_000);
    expect(agent.status.schedule).toEqual({ clockSteps: 1, suspends: 0, lateTicks: 0 });
    expect(said()).toContain('the clock was set back by 3600 s');
    clock.suspend(7_200_000);
    await clock.run(60_000);
    expect(agent.status.schedule).toEqual({ clockSteps: 1, suspends: 1, lateTicks: 0 });
    expect(said()).toContain('the machine was suspended for 7200 s');
    clock.stall(30_000);
    await clock.run(10_000);
    expect(agent.status.schedule).toEqual({ clockSteps: 1, suspends: 1, lateTicks: 1 });
    expect(said()).toMatch(/a tick ran \d+(\.\d)? s late and 2 were missed/);
    await agent.stop(1);
  });
});
