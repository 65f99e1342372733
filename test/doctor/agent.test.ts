import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { meet } from '../../src/doctor/agent.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { DROP_REASONS, type HandlerStatus, OUTCOMES } from '../../src/plugin/index.ts';
import { type Snapshot, serve } from '../../src/status/index.ts';
import { forsaken } from '../support/processes.ts';

const zeros = <K extends string>(keys: readonly K[]) =>
  Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;

const books = (more: Partial<HandlerStatus> = {}): HandlerStatus => ({
  ...{ name: 'graphite', type: 'graphite', connected: true, resent: 0, failures: 0 },
  ...{ observed: 100, delivered: 90, queued: 6, spooled: 4, dropped: zeros(DROP_REASONS) },
  ...more,
});

const agent = (more: Partial<Snapshot> = {}): Snapshot => ({
  ...{ version: '1.2.3', host: 'web01', pid: 4711, uptime: 61, counterResets: 0 },
  ...{ eventLoopLag: 0, residentMemory: 60e6, cpu: { user: 1, system: 1 }, problem: undefined },
  schedule: { clockSteps: 0, suspends: 0, lateTicks: 0 },
  collectors: [{ name: 'disk', outcomes: zeros(OUTCOMES), seconds: 0, series: 3, refused: 0 }],
  handlers: [books()],
  ...more,
});

/** What is found of an agent that says this of itself. */
async function found(said: Snapshot, version = '1.2.3'): Promise<readonly Finding[]> {
  const socket = join(mkdtempSync(join(tmpdir(), 'cullinan-doctor-')), 'status.sock');
  const serving = await serve(socket, { answer: () => said });
  try {
    const { findings, agent: met } = await meet([socket], version);
    expect(met?.pid).toBe(said.pid);
    return findings;
  } finally {
    await serving.close();
  }
}

test('one that has ended without a word, and one that was never started', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-doctor-'));
  const left = join(folder, 'left.sock');
  await forsaken(left);
  const { agent, findings } = await meet([join(folder, 'none.sock'), left], '1.2.3');
  expect(agent).toBeUndefined();
  expect(findings).toMatchObject([
    { verdict: 'warning', subject: left, found: 'the agent that made it has ended' },
  ]);
  expect((await meet([join(folder, 'none.sock')], '1.2.3')).findings).toMatchObject([
    { verdict: 'warning', found: 'none runs, or none answers' },
  ]);
});

describe('an agent that answers', () => {
  test('is fine, and nothing else is said', async () => {
    expect(await found(agent())).toEqual([
      {
        check: 'agent',
        subject: 'process 4711',
        verdict: 'ok',
        found: 'version 1.2.3 runs for 61 s',
      },
    ]);
  });

  test.each<[string, Partial<Snapshot>, Finding['verdict'], RegExp]>([
    [
      'late ticks',
      { schedule: { clockSteps: 0, suspends: 0, lateTicks: 3 } },
      'warning',
      /^3 ticks/,
    ],
    [
      'a clock that is set',
      { schedule: { clockSteps: 2, suspends: 0, lateTicks: 0 } },
      'warning',
      /2 times/,
    ],
    ['a problem', { problem: 'disk is on fire' }, 'warning', /disk is on fire/],
    [
      'books that do not balance',
      { handlers: [books({ delivered: 80 })] },
      'problem',
      /off by 10 /,
    ],
    [
      'points that were dropped',
      { handlers: [books({ delivered: 80, dropped: { ...zeros(DROP_REASONS), overflow: 10 } })] },
      'warning',
      /10 overflow/,
    ],
    [
      'series that were refused',
      {
        collectors: [
          { name: 'disk', outcomes: zeros(OUTCOMES), seconds: 0, series: 3, refused: 7 },
        ],
      },
      'warning',
      /^7 observations/,
    ],
  ])('%s', async (_, said, verdict, what) => {
    const [, ...others] = await found(agent(said));
    expect(others).toEqual([
      expect.objectContaining({ verdict, found: expect.stringMatching(what) }),
    ]);
    expect(others[0]?.remedy).toMatch(/\w/);
  });

  test('of another version than is installed', async () => {
    const [, other] = await found(agent(), '2.0.0');
    expect(other).toMatchObject({ verdict: 'warning', found: expect.stringContaining('2.0.0') });
  });
});
