import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Listener } from '../../src/programs/listener.ts';
import { scratch } from '../support/agent.ts';

test('a connection without a word is closed after a while', async () => {
  const path = join(scratch(), 'it.sock');
  const bounds = { connections: 1, bytes: 1000, mode: 0o600 };
  const listener = await Listener.open({ kind: 'unix', path }, () => undefined, bounds, 20);
  onTestFinished(() => listener.close());
  await once(connect(path).resume(), 'close');
  // It was not turned away.
  expect([...listener.turn()]).toEqual([]);
});
