import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Files, liveFiles, type Stat } from '../../src/logs/files.ts';
import { startOf } from '../../src/logs/identity.ts';
import { Search } from '../../src/logs/search.ts';

test('a folder that never holds still is not searched for ever', async () => {
  let listings = 0;
  const stat = (inode: number): Stat => {
    return { device: 1, inode, born: inode, bytes: 9, modified: inode, kind: 'file' };
  };
  const files: Files = {
    ...liveFiles,
    async list() {
      listings += 1;
      await turn();
      return [`a.log.${listings}`];
    },
    stat: async () => stat(listings),
    open: async () => undefined,
  };
  const search = new Search({ path: '/log/a.log', files, lost: () => {} });
  const position = startOf('/log/a.log.0', stat(0), Buffer.from('x'));
  expect(await search.find(position, undefined, [position])).toBe(undefined);
  expect(listings).toBeGreaterThan(5);
});
