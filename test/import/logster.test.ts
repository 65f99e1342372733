import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { convert } from '../../src/import/index.ts';
import { logster } from '../../src/import/logster/importer.ts';
import { commandsOf, quoted } from '../../src/import/logster/shell.ts';

const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-logster-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a command line becomes, without its newline. */
const imported = (...words: readonly string[]) => convert(logster, words).owners.trimEnd();

describe('a crontab comes out with cullinan cull in logster’s place, and nothing else changed', () => {
  test.each(['crontab', 'cron.d'])('%s', async (name) => {
    const path = `test/fixtures/import/logster/${name}`;
    const { owners, left, configuration } = convert(logster, [path]);
    expect(configuration).toBe(false);
    await expect(owners).toMatchFileSnapshot(`../golden/import/logster-${name}.txt`);
    await expect(left.map(({ line, why }) => `${line}\n    ${why}\n`).join('')).toMatchFileSnapshot(
      `../golden/import/logster-${name}.left.txt`,
    );
    // Lines that are no comments of ours are as many as before, and those without logster the same.
    const before = readFileSync(path, 'utf8').split('\n');
    const after = owners
      .split('\n')
      .filter((line) => before.includes(line) || !line.startsWith('#'));
    expect(after).toHaveLength(before.length);
    before.forEach((line, i) => {
      if (!/logster/i.test(line)) expect(after[i]).toBe(line);
    });
  });
});

describe('a command line', () => {
  test('as one word or as several', () => {
    const line = "logster -o stdout --parser-options '-l A,B' Log4jLogster '/var/log/my app'";
    const made = "cullinan cull -o stdout --parser-options '-l A,B' Log4jLogster '/var/log/my app'";
    expect(imported(line)).toBe(made);
    const words = ['logster', '-o', 'stdout', '--parser-options', '-l A,B', 'Log4jLogster'];
    expect(imported(...words, '/var/log/my app')).toBe(made);
  });

  test.each([
    [
      'flags are needless',
      'logster -t pygtail --logtail /x -o stdout SampleLogster /l',
      'cullinan cull -o stdout SampleLogster /l',
    ],
    [
      'a value is logster',
      'logster -p logster -o stdout SampleLogster /var/log/logster',
      'cullinan cull -p logster -o stdout SampleLogster /var/log/logster',
    ],
    [
      'a backslash continues',
      'logster -o stdout \\\n  SampleLogster /l',
      'cullinan cull -o stdout \\\n  SampleLogster /l',
    ],
    [
      'another program runs it',
      'sudo -u x /usr/bin/logster -o stdout SampleLogster /l',
      'sudo -u x cullinan cull -o stdout SampleLogster /l',
    ],
    [
      'a class is named in full',
      'logster -o logster.outputs.stdout.StdoutOutput logster.parsers.SampleLogster.SampleLogster /l',
      'cullinan cull -o logster.outputs.stdout.StdoutOutput SampleLogster /l',
    ],
    [
      'two in a line',
      'logster -o stdout SampleLogster /a && logster -o stdout SquidLogster /b',
      'cullinan cull -o stdout SampleLogster /a && cullinan cull -o stdout SquidLogster /b',
    ],
  ])('%s', (_, line, made) => {
    const lines = imported(line)
      .split('\n')
      .filter((each) => !each.startsWith('#'));
    expect(lines.join('\n')).toBe(made);
  });

  test.each([
    ['logster -o stdout my.own.Parser /l', 'the parser my.own.Parser is your own'],
    ['logster -o nsca SampleLogster /l', 'does not send to NSCA'],
    ['logster SampleLogster /l', 'it has no --output'],
    ['logster -o stdout --frobnicate SampleLogster /l', '--frobnicate is no option of logster'],
    ['logster -o stdout "SampleLogster /l', 'a quote in it is not closed'],
    ['logster -o stdout', 'takes a parser and a log; here it has neither'],
  ])('%s is left as it is, with the reason', (line, why) => {
    const { owners, left } = convert(logster, [line]);
    expect(left).toEqual([
      { line: expect.stringContaining('command line:1'), why: expect.stringContaining(why) },
    ]);
    expect(owners).toContain(`\n${line}\n`);
    expect(owners.split('\n')[0]).toContain(why);
  });

  test('what is not there is said', () => {
    expect(() => convert(logster, ['/nowhere/crontab'])).toThrow('/nowhere/crontab: is not there');
    expect(() => convert(logster, [])).toThrow('name a crontab, or a command');
  });
});

describe('a line is split as sh splits it', () => {
  const run = promisify(execFile);

  test('words', async () => {
    const word = fc.string({ unit: fc.constantFrom(...'ab-=/\'"\\ '), maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 4 }), async (words) => {
        const line = `x${words.map((each) => ` ${each}`).join('')}`;
        const commands = commandsOf(line, false);
        const { stdout } = await run('sh', ['-c', line.replace(/^x/, "printf '%s\\0' x")]).catch(
          () => ({ stdout: undefined }),
        );
        if (stdout === undefined) expect(commands).toBeUndefined();
        // A backslash at the very end is one shell's, and not another's.
        else if (commands !== undefined && !/(?<!\\)(?:\\\\)*\\$/.test(line)) {
          expect(commands.flat().map(({ text }) => text)).toEqual(stdout.split('\0').slice(0, -1));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('what was quoted is one word', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), (words) => {
        const line = words.map(quoted).join(' ');
        expect((commandsOf(line, false) ?? []).flat().map(({ text }) => text)).toEqual(words);
      }),
    );
  });
});

describe('whatever a crontab holds', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...[
        'logster',
        '/usr/bin/logster',
        '* * * * *',
        '@hourly',
        'root',
        '-o',
        'stdout',
        '|',
        '&&',
        ';',
      ],
      ...[
        'SampleLogster',
        '/var/log/x',
        '"',
        "'",
        '\\',
        '%',
        '>',
        '$X',
        '#',
        '\n',
        '-d',
        '--tailer=x',
        '(',
        ')',
      ],
    ),
    fc.string({ maxLength: 5 }),
  );
  const crontab = fc.array(piece).map((pieces) => pieces.join(' ').replaceAll('\0', ''));

  test('each line is answered for, and what is not logster stays', () => {
    const path = join(folder, 'fuzzed');
    fc.assert(
      fc.property(crontab, (text) => {
        writeFileSync(path, text);
        const { owners, lines, left } = convert(logster, [path]);
        expect(left.length).toBeLessThanOrEqual(lines);
        const made = owners.split('\n');
        for (const line of text.replace(/^\ufeff/, '').split('\n')) {
          if (line.trim() !== '' && !/logster/i.test(line)) expect(made).toContain(line);
        }
        // Every reason stands in what is written, beside its line.
        expect(
          made.filter((line) => line.includes(' not carried over: ')).length,
        ).toBeGreaterThanOrEqual(left.length);
      }),
      { numRuns: 300 },
    );
  });
});
