import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readFiles } from '../../src/config/read.ts';
import { scratch } from '../support/agent.ts';

test('a file of conf.d that goes while it is read was not there', async () => {
  const folder = scratch();
  const main = join(folder, 'cullinan.yaml');
  const parts = join(folder, 'conf.d');
  mkdirSync(parts);
  writeFileSync(main, 'interval: 5s\n');
  writeFileSync(join(parts, 'a.yaml'), 'labels: { a: b }\n');
  const comesAndGoes = `const { rmSync, writeFileSync } = require('node:fs');
    for (let i = 0; i < 5000; i += 1) {
      writeFileSync('b.yaml', '');
      rmSync('b.yaml');
    }`;
  const child = spawn(process.execPath, ['-e', comesAndGoes], { cwd: parts, stdio: 'ignore' });
  const ended = once(child, 'exit');
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over) {
    for (let i = 0; i < 50; i += 1) {
      const { problems, tree } = readFiles({ path: main });
      expect(problems).toEqual([]);
      expect([...tree.entries.keys()]).toEqual(['interval', 'labels']);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await ended).toEqual([0, null]);
});

test('a link in conf.d that leads nowhere is said', () => {
  const folder = scratch();
  const main = join(folder, 'cullinan.yaml');
  mkdirSync(join(folder, 'conf.d'));
  writeFileSync(main, '');
  symlinkSync(join(folder, 'nothing.yaml'), join(folder, 'conf.d/a.yaml'));
  const { problems, readable } = readFiles({ path: main });
  expect(problems).toMatchObject([{ message: 'does not exist' }]);
  expect(readable).toBe(false);
});
