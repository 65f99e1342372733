import { type AgentStatus, DROP_REASONS, type DropReason } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import agent from '../../collectors/agent.ts';
import { collecting, expectDistinct, expectSound, idleAgent, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

const NOTHING = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<
  DropReason,
  number
>;

const busy: AgentStatus = {
  collectors: [
    {
      name: 'cpu',
      outcomes: { ok: 120, partial: 3, 'no-data': 0, failed: 1, 'timed-out': 0, skipped: 2 },
      seconds: 0.25,
      series: 52,
      refused: 0,
    },
    {
      name: 'network',
      outcomes: { ok: 126, partial: 0, 'no-data': 0, failed: 0, 'timed-out': 0, skipped: 0 },
      seconds: 1.5,
      series: 10_000,
      refused: 480,
    },
  ],
  handlers: [
    {
      name: 'graphite',
      type: 'graphite',
      observed: 5000,
      delivered: 4700,
      queued: 180,
      spooled: 0,
      dropped: { ...NOTHING, overflow: 100, unsendable: 20 },
      resent: 360,
      failures: 2,
      connected: true,
      counts: { malformed: 3 },
    },
    {
      name: 'central',
      type: 'amqp',
      observed: 4010,
      delivered: 0,
      queued: 10,
      spooled: 4000,
      dropped: NOTHING,
      resent: 0,
      failures: 7,
      connected: false,
    },
  ],
  schedule: { clockSteps: 1, suspends: 2, lateTicks: 3 },
  counterResets: 4,
  eventLoopLag: 0.0125,
  residentMemory: 64 * 1024 * 1024,
  cpu: { user: 1.75, system: 0.5 },
  problem: 'collector cpu failed',
};

const observe = async (status: AgentStatus) => {
  const run = await collecting(agent)(0, { host: hostWith({}), agent: status });
  expectSound(agent, run);
  expectDistinct(run);
  return text(run);
};

test('tells of every collector and every handler, and of itself', async () => {
  await expect(await observe(busy)).toMatchFileSnapshot('../golden/collectors/agent/busy.txt');
});

test('tells of itself before anything runs', async () => {
  await expect(await observe(idleAgent)).toMatchFileSnapshot('../golden/collectors/agent/idle.txt');
});
