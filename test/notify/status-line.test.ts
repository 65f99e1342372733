import { expect, test } from 'vitest';
import { statusLine } from '../../src/notify/index.ts';
import type { AgentStatus, CollectorStatus, HandlerStatus } from '../../src/plugin/index.ts';

const collector = (name: string, series: number) => ({ name, series }) as CollectorStatus;
const handler = (name: string, more: Partial<HandlerStatus>): HandlerStatus =>
  ({ name, connected: true, failures: 0, queued: 0, spooled: 0, ...more }) as HandlerStatus;

function line(more: Partial<AgentStatus>): string {
  const collectors = [collector('cpu', 52), collector('disk', 17)];
  return statusLine({ collectors, handlers: [], problem: undefined, ...more } as AgentStatus);
}

test('tells of collectors and series, and of each handler', () => {
  const handlers = [handler('graphite', {}), handler('archive', { queued: 3, spooled: 4 })];
  expect(line({ handlers })).toBe('2 collectors, 69 series; graphite fine; archive with 7 waiting');
});

test('tells which peer cannot be reached', () => {
  const handlers = [handler('graphite', { connected: false, failures: 2, queued: 447 })];
  expect(line({ handlers })).toContain('graphite NOT connected, 447 waiting');
});

test('a peer that has not been called yet is no trouble', () => {
  const handlers = [handler('graphite', { connected: false, queued: 447 })];
  expect(line({ handlers })).not.toContain('NOT');
});

test('is one line, of bounded length, whatever the problem says', () => {
  const said = line({ problem: `collector cpu: no\nREADY=1\r\n${'x'.repeat(1000)}` });
  expect(said).toMatch(/^2 collectors, 69 series; problem: collector cpu: no READY=1 x+…$/);
  expect(said).toHaveLength(240);
});
