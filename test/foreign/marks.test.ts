import { expect, test } from 'vitest';
import { Marks } from '../../src/foreign/marks.ts';

/** The agent's, and those of a thread, in the same memory. */
function both() {
  const agent = new Marks();
  return { agent, thread: new Marks(agent.memory) };
}

test('a session that is done lets the agent go on, and sends no message', () => {
  const { agent, thread } = both();
  agent.expect(7);
  expect(thread.letGo(7, true)).toBe(true);
  expect(agent.awaited(7, 60_000)).toBe(true);
});

test('one that takes a while lets the agent go on, too, which expects a message', () => {
  const { agent, thread } = both();
  agent.expect(7);
  expect(thread.letGo(7, false)).toBe(true);
  expect(agent.awaited(7, 60_000)).toBe(false);
});

test('one that is done when nobody waits any more has to send a message', () => {
  const { agent, thread } = both();
  agent.expect(7);
  expect(agent.awaited(7, 0)).toBe(false);
  expect(thread.letGo(7, true)).toBe(false);
});

test('one that nobody waits for lets nobody go', () => {
  const { agent, thread } = both();
  expect(thread.letGo(7, true)).toBe(false);
  agent.expect(8);
  expect(thread.letGo(7, true)).toBe(false);
  expect(agent.awaited(8, 0)).toBe(false);
});
