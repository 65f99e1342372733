import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { cullinan, PROGRAM } from '../support/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What logster's PostfixLogster is called, in its order, by its stdout output. */
const BEFORE = [
  ...['numSent', 'pctSent', 'numDeferred', 'pctDeferred', 'numBounced', 'pctBounced'],
  ...['mailTxnsSec', 'mailSentSec', 'avgDelay'],
].map((name) => `servers.web01_${name}`);

test('an imported line, run by sh as cron runs it, yields the names that it had', async () => {
  const log = join(folder, 'mail.log');
  const bin = join(folder, 'cullinan');
  writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`);
  chmodSync(bin, 0o755);
  const crontab = join(folder, 'crontab');
  writeFileSync(
    crontab,
    `* * * * * logster -s ${folder}/state -p servers.web01 -o stdout PostfixLogster ${log} 2>${folder}/err\n`,
  );
  const { stdout } = await cullinan(['import', 'logster', crontab]);
  const line = stdout.trimEnd().split('\n').at(-1);
  const command = line?.replace(/^(?:\S+ ){5}/, '') ?? '';
  const cron = async () => {
    const env = { PATH: `${folder}:/usr/bin:/bin`, HOME: folder };
    return (await promisify(execFile)('/bin/sh', ['-c', command], { env })).stdout;
  };
  copyFileSync('test/fixtures/logs/PostfixLogster.log', log);
  expect(await cron()).toBe('');
  writeFileSync(log, readFileSync('test/fixtures/logs/PostfixLogster.log'), { flag: 'a' });
  const lines = (await cron()).trim().split('\n');
  expect(lines.map((each) => each.split(' ')[1])).toEqual(BEFORE);
  for (const each of lines) expect(each).toMatch(/^\d{10} \S+ [\d.]+$/);
});
