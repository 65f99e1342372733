import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Snapshot } from '../../src/status/index.ts';
import { PROGRAM } from '../support/program.ts';
import { RunningAgent } from '../support/running.ts';

const run = promisify(execFile);

test('the running agent tells its books, and they balance', async () => {
  await using agent = new RunningAgent({ lost: '{ type: graphite, host: 127.0.0.1, port: 9 }' });
  await agent.ticks(3);
  const { stdout } = await run(PROGRAM, ['status', '--socket', agent.socket, '--json']);
  const { handlers, collectors } = JSON.parse(stdout) as Snapshot;
  expect(handlers.map(({ name }) => name)).toEqual(['file', 'lost']);
  for (const { observed, delivered, queued, spooled, dropped } of handlers) {
    const lost = Object.values(dropped).reduce((sum, points) => sum + points, 0);
    expect(observed).toBe(delivered + queued + spooled + lost);
    expect(observed).toBeGreaterThan(100);
  }
  expect(collectors.find(({ name }) => name === 'cpu')?.outcomes.ok).toBeGreaterThan(1);
  const shown = await run(PROGRAM, ['status', '--socket', agent.socket]);
  expect(shown.stdout).toMatch(
    /^handler +observed +delivered +queued +spooled +dropped +connected$/m,
  );
  expect(shown.stdout).toMatch(/^lost +\d+ +0 +\d+ +0 +0 +no$/m);
});

test('without an agent it says where it looked, and what to do', async () => {
  const asked = run(PROGRAM, ['status', '--socket', '/nonexistent/status.sock']);
  await expect(asked).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /no agent answers\.\n {2}\/nonexistent\/status\.sock: there is no such socket\nStart one with/,
    ),
  });
});
