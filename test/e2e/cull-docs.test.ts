import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { PROGRAM } from '../support/program.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cullinan-docs-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a page says that a command prints, as a pattern: any time, and anything where it has an ellipsis. */
const pattern = (text: string): RegExp => {
  const escaped = text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  const lines = escaped.replaceAll(/^…\n/gm, '(?:.*\\n)*').replaceAll(/^…/gm, '.*');
  return new RegExp(`^${lines.replaceAll(/\b1\d{9}\b/g, '\\d{10}')}$`);
};

/** Commands of a page with what they print, in order; and its files, which begin with their name. */
function examples(page: string) {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  const files = blocks.flatMap(([, , body = '']) => {
    const name = /^\/\/ (\S+\.ts)\n/.exec(body)?.[1];
    return name === undefined ? [] : [{ name, body }];
  });
  const commands = blocks
    .filter(([, kind, body = '']) => kind === '' && body.startsWith('$ '))
    .flatMap(([, , body = '']) => body.split(/^\$ /m).slice(1))
    .map((each) => {
      const end = each.indexOf('\n');
      return { command: each.slice(0, end), output: each.slice(end + 1) };
    });
  return { files, commands };
}

test('what docs/cull.md shows is what happens', async () => {
  symlinkSync(join(root, 'test'), join(folder, 'test'));
  const { files, commands } = examples('docs/cull.md');
  for (const { name, body } of files) writeFileSync(join(folder, name), body);
  expect(commands.length).toBeGreaterThan(6);
  for (const { command, output } of commands) {
    const script = `cullinan() { "${process.execPath}" "${PROGRAM}" "$@"; }; { ${command}\n} 2>&1`;
    const { stdout } = await run('sh', ['-c', script], { cwd: folder });
    expect(stdout, command).toMatch(pattern(output));
  }
});
