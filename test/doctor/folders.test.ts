import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { checkFolders } from '../../src/doctor/folders.ts';
import { scratch } from '../support/agent.ts';

test('a folder whose name has letters beyond ASCII is asked for in its bytes', async () => {
  const folder = join(scratch(), 'größe');
  mkdirSync(folder);
  const log = join(folder, 'a.log');
  writeFileSync(log, 'x\n');
  const path = join(folder, 'cullinan.yaml');
  const files = `[{ path: ${log}, parser: syslog }]`;
  writeFileSync(path, `collectors: { logs: { state: ${log}, files: ${files} } }\n`);
  const config = loadConfig({ path, registry, environment: {}, defaultHandlers: {} });
  expect(await checkFolders(config, undefined)).toMatchObject([
    { verdict: 'problem', found: expect.stringMatching(/^it cannot be written/) },
    { verdict: 'ok', subject: `log of logs: ${log}`, found: 'can be read' },
  ]);
});
