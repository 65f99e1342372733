import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { examples, printed } from '../support/pages.ts';
import { PROGRAM } from '../support/program.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cullinan-docs-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('what docs/cull.md shows is what happens', async () => {
  symlinkSync(join(root, 'test'), join(folder, 'test'));
  const { files, commands } = examples('docs/cull.md');
  for (const { name, body } of files) writeFileSync(join(folder, name), body);
  expect(commands.length).toBeGreaterThan(6);
  for (const { command, output } of commands) {
    const script = `cullinan() { "${process.execPath}" "${PROGRAM}" "$@"; }; { ${command}\n} 2>&1`;
    const { stdout } = await run('sh', ['-c', script], { cwd: folder });
    expect(stdout, command).toMatch(printed(output));
  }
});
