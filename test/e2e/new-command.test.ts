import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { put, scratchFolder } from '../support/plugins.ts';
import { cullinan } from '../support/program.ts';

const KINDS = ['collector', 'handler', 'parser'];

describe('cullinan new', () => {
  test.concurrent.each(
    KINDS.flatMap((kind) => [
      [kind, 'ts'],
      [kind, 'js'],
    ]),
  )('writes a %s (%s) that passes as it is, under any name', async (kind, ending) => {
    const folder = scratchFolder();
    const words = ['new', kind, 'my-own-1', '--in', join(folder, 'plugins')];
    const made = await cullinan(ending === 'js' ? [...words, '--js'] : words);
    expect(made.code, made.stderr).toBe(0);
    const files = made.stdout.trimEnd().split('\n');
    expect(files[0]).toBe(join(folder, `plugins/my-own-1.${ending}`));
    const tested = await cullinan(['test', files[0] ?? '']);
    expect(tested.code, tested.stdout + tested.stderr).toBe(0);
    expect(tested.stdout).toContain(`${kind} my-own-1\n`);
    expect(tested.stdout).toContain(`my-own-1.test.${ending}\nok   `);
    // Nothing was written down that was not there.
    expect(tested.stderr).toBe('9 passed, 0 failed\n');
    const text = files.map((file) => readFileSync(file, 'utf8')).join('');
    expect(text).not.toMatch(/\b(softnet|plain|sales)\b/);
    if (kind !== 'handler') expect(text).toContain("'my_own_1.");
  });

  test('writes nothing over what is there, and then nothing at all', async () => {
    const folder = scratchFolder();
    const mine = put(folder, 'mine.test/web01.txt', 'mine\n');
    const { code, stdout, stderr } = await cullinan(['new', 'collector', 'mine', '--in', folder]);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toContain(`${mine} is there already, and is not written over`);
    expect(readFileSync(mine, 'utf8')).toBe('mine\n');
    expect(existsSync(join(folder, 'mine.ts'))).toBe(false);
  });

  test.each([
    ['parsr', 'mine', /"parsr" is no kind of plugin\. Did you mean "parser"\?/],
    ['handler', '../mine', /"\.\.\/mine" is no name for a handler: lower-case letters/],
    ['handler', 'Mine', /"Mine" is no name/],
    ['handler', 'a--b', /"a--b" is no name/],
    ['handler', 'a'.repeat(41), /40 at most/],
    ['collector', 'cpu', /a collector called "cpu" is built in: choose another name/],
  ])('%s %s: is refused in a sentence', async (kind, name, said) => {
    const { code, stderr } = await cullinan(['new', kind, name, '--in', scratchFolder()]);
    expect(code).toBe(64);
    expect(stderr).toMatch(said);
  });
});

describe('cullinan describe --markdown', () => {
  const pageOf = async (kind: string) => {
    const folder = scratchFolder();
    await cullinan(['new', kind, 'mine', '--in', folder]);
    const config = put(folder, 'cullinan.yaml', `plugins: { folders: [${folder}] }\n`);
    const { code, stdout, stderr } = await cullinan([
      ...['describe', 'mine', '--markdown', '--config', config],
    ]);
    expect(code, stderr).toBe(0);
    return stdout;
  };

  test('makes a page of a collector, as the reference has of those built in', async () => {
    const page = await pageOf('collector');
    expect(page).toMatch(/^# mine\n/);
    expect(page).toContain('**Source.** /proc/net/softnet_stat');
    expect(page).toContain('| `mine.packets` | count | counter | `cpu` |');
    expect(page).toContain('([all of it](mine.test/web01.txt))');
    expect(page).toMatch(
      /\| `mine\.packets\{cpu=0\}` \| \d+ \| `servers\.web01\.mine\.packets\.0` \| `web01\.mine\.derive-packets\.0` \| `mine_packets_total\{cpu="0"\}` \|/,
    );
  });

  test('makes one of a parser, by the log of its test', async () => {
    const page = await pageOf('parser');
    expect(page).toContain('[mine.log](mine.test/mine.log) begins with these lines:');
    expect(page).toContain('Of its 5 lines 4 are known.');
    expect(page).toContain('| `mine.orders` | `state=placed` | 2 | count | delta |');
    expect(page).toContain('| `wrapper` |');
  });

  test('makes one of a handler', async () => {
    const page = await pageOf('handler');
    expect(page).toContain('Speaks `diamond` unless told otherwise.');
    expect(page).toContain('**Delivery.** Nothing is acknowledged');
  });

  test('has none of a dialect', async () => {
    const { code, stderr } = await cullinan(['describe', 'otel', '--markdown']);
    expect(code).toBe(64);
    expect(stderr).toContain('the dialect otel has no page');
  });
});

describe('tests beside a plugin', () => {
  const plugin = async (tests: string) => {
    const folder = scratchFolder();
    await cullinan(['new', 'parser', 'mine', '--in', folder]);
    put(folder, 'mine.test.ts', tests);
    return cullinan(['test', join(folder, 'mine.ts')]);
  };

  test('fail with what they threw, or rejected with', async () => {
    const { code, stdout } = await plugin(
      `export default { 'is so'() { throw new Error('not so'); }, async 'is late'() { await null; throw new Error('late'); } };`,
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL is so\n {5}Error: not so \(.*mine\.test\.ts:1:\d+\)/);
    expect(stdout).toMatch(/FAIL is late\n {5}Error: late/);
  });

  test.each([
    ['export const a = 1;', 'has no tests: what it exports by default must be'],
    ['export default { a: 1 };', '"a" must be a function'],
    ['export default {', 'this is no TypeScript or JavaScript'],
  ])('are refused in a sentence where they are none: %s', async (text, said) => {
    const { code, stderr } = await plugin(text);
    expect(code).toBe(1);
    expect(stderr).toContain(said);
  });
});
