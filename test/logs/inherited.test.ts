import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cullHeld } from '../../src/logs/cull.ts';
import { liveFiles } from '../../src/logs/files.ts';
import { statePath } from '../../src/logs/state.ts';
import { scratch } from '../support/agent.ts';
import { SimulatedClock } from '../support/clock.ts';
import { watched } from '../support/memory-files.ts';

test('a state that another parser of one’s own takes over at the same moment is that one’s', async () => {
  const folder = scratch();
  const log = join(folder, 'it.log');
  const mine = join(folder, 'mine.js');
  writeFileSync(log, 'one\n');
  let lines = 0;
  const run = (files = liveFiles) =>
    cullHeld({
      ...{ log, parser: 'mine', own: { file: mine, inherits: true }, folder, files },
      parsing: {
        parse: () => {
          lines += 1;
          return true;
        },
        *report() {},
      },
      clock: new SimulatedClock(1_790_000_000_000),
      send: async () => {},
    });
  await run();
  const former = statePath(folder, 'mine', log);
  renameSync(statePath(folder, 'mine', log, mine), former);
  const meanwhile = watched(liveFiles, (operation) => {
    if (operation === 'rename') rmSync(former, { force: true });
  });
  // It begins anew, at the end.
  await run(meanwhile);
  expect(existsSync(former)).toBe(false);
  expect(lines).toBe(0);
  writeFileSync(log, 'two\n', { flag: 'a' });
  await run();
  expect(lines).toBe(1);
});
