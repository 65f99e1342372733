import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'cullinan-sample-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

async function check(...words: readonly string[]) {
  let out = '';
  let err = '';
  const code = await main(['check', ...words], {
    environment: {},
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    outIsTerminal: false,
    errIsTerminal: false,
  });
  return { out, err, code };
}

const MAIL = file(
  'mail.log',
  [
    'Nov 21 10:00:00 mail postfix/smtp[8]: 3F2A1: to=<a@example.net>, relay=mx, delay=0.5, delays=0/0/0/0.5, dsn=2.0.0, status=sent (ok)',
    'Nov 21 10:00:04 mail postfix/qmgr[9]: 3F2A1: removed',
    'Nov 21 10:00:10 mail postfix/smtp[8]: 3F2A2: to=<b@example.net>, relay=mx, delay=2, delays=0/0/0/2, dsn=4.0.0, status=deferred (\x1b[2J',
  ].join('\n'),
);

describe('check --sample', () => {
  test('a log that was packed is unpacked; one that is damaged says so', async () => {
    const options = ['--parser', 'regex', '--parser-options', 'rules: [{ name: n, match: line }]'];
    const packed = file('packed.log.1.gz', gzipSync('line\n'.repeat(20_000)));
    const { out, err } = await check('--sample', packed, ...options);
    expect(out).toContain('n 20000 count delta');
    expect(err).toContain('20000 of 20000 lines known');
    const damaged = file('damaged.log.2.gz', 'line\n');
    const { err: why, code } = await check('--sample', damaged, ...options);
    expect([why, code]).toEqual([expect.stringContaining(`${damaged} cannot be read: `), 1]);
  });

  test('an expression of which no text is known that every line must have is tried on each line', async () => {
    const path = file('words.log', 'abc\nDEF\n123\n');
    const rules = "rules: [{ name: words, match: '(?i)[a-z]+' }]";
    const { out } = await check('--sample', path, '--parser', 'regex', '--parser-options', rules);
    expect(out).toContain('words 2 count delta');
  });

  test('shows of each line whether it is known and what it makes, and what all of them amount to', async () => {
    const { out, err, code } = await check('--sample', MAIL, '--parser', 'PostfixLogster');
    expect(code).toBe(0);
    expect(out.replaceAll(/Nov.*(status=\w+|removed).*/g, '… $1').split('\n')).toEqual([
      '     1 + … status=sent',
      '         numSent 1, pctSent 100, mailTxnsSec 1, mailSentSec 1, avgDelay 0.5',
      '     2 - … removed',
      '     3 + … status=deferred',
      '         numDeferred 1, pctDeferred 100, mailTxnsSec 1',
      ...['numSent 1 count gauge', 'pctSent 50 count gauge'],
      ...['numDeferred 1 count gauge', 'pctDeferred 50 count gauge'],
      ...['numBounced 0 count gauge', 'pctBounced 0 count gauge'],
      ...['mailTxnsSec 0.2 count gauge', 'mailSentSec 0.1 count gauge'],
      ...['avgDelay 0.5 seconds gauge', ''],
    ]);
    expect(err).toContain('2 of 3 lines known (+), 1 not (-). In a run of 10 s they amount to:');
    // What a terminal would take for a command is shown as what it is.
    expect(out).not.toContain('\x1b');
  });

  test('tells of a run that was shorter than a second how long it was', async () => {
    const at = (time: string) => `${time} 1 h TCP_HIT/200 10 GET http://h/ - HIER_NONE/- -\n`;
    const log = file('squid.log', at('1795221130.176') + at('1795221130.420'));
    const { err } = await check('--sample', log, '--parser', 'SquidLogster');
    expect(err).toContain('In a run of 0.24 s they amount to:');
  });

  test('takes the options of the parser', async () => {
    const rules = "rules: [{ name: mail, match: 'status=(?P<status>sent)', labels: [status] }]";
    const { out } = await check('--sample', MAIL, '--parser', 'regex', '--parser-options', rules);
    expect(out.match(/^ {5}\d [+-]/gm)).toEqual(['     1 +', '     2 -', '     3 -']);
    expect(out).toMatch(/^mail\{status="sent"\} 1 count delta$/m);
  });

  test('shows as many lines as asked for, and counts the others', async () => {
    const log = file('long.log', 'other\n'.repeat(250));
    const { out, err, code } = await check(
      ...['--sample', log, '--parser', 'MetricLogster', '--lines', '2'],
    );
    expect(out).toBe('     1 - other\n     2 - other\n');
    expect(err).toContain('… and 248 lines more; not known: 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …\n');
    // None is known: it is hardly the parser for this log.
    expect(code).toBe(1);
  });

  test('is bounded, whatever the sample is', async () => {
    const log = file(
      'huge.log',
      Buffer.concat([Buffer.alloc(70 * 2 ** 20, 'x'), Buffer.from('\ny\n')]),
    );
    const { err } = await check('--sample', log, '--parser', 'MetricLogster');
    expect(err).toContain('The sample is longer than 64 MiB: the rest was not read.');
    expect(err).toContain('0 of 1 lines known');
  });

  test('asks the parsers that the configuration has for this log', async () => {
    const config = file(
      'cullinan.yaml',
      `collectors:
  logs:
    enabled: true
    files:
      - { path: ${MAIL}, parser: PostfixLogster, as: old }
      - { path: ${MAIL}, parser: postfix }
      - { path: /var/log/other.log, parser: syslog }
`,
    );
    const { err } = await check('--sample', MAIL, '--config', config, '--lines', '0');
    expect(err.match(/^Parser .*/gm)).toEqual([
      `Parser PostfixLogster, as collectors.logs has it for ${MAIL}`,
      `Parser postfix, as collectors.logs has it for ${MAIL}`,
    ]);
    const other = file('other.log', 'x\n');
    const all = await check('--sample', other, '--config', config);
    expect(all.err.match(/^Parser /gm)).toHaveLength(3);
  });

  test('is one object a parser for a machine', async () => {
    const { out } = await check('--sample', MAIL, '--parser', 'PostfixLogster', '--json');
    const said = JSON.parse(out);
    expect(said).toMatchObject({ parser: 'PostfixLogster', lines: 3, known: 2, seconds: 10 });
    expect(said.shown[0].numbers).toContainEqual({
      ...{ name: 'numSent', labels: {}, value: 1, unit: 'count', kind: 'gauge' },
    });
  });

  test.each([
    [['--sample', '/no/such.log', '--parser', 'postfix'], 1, '/no/such.log cannot be read: ENOENT'],
    [['--sample', folder, '--parser', 'postfix'], 1, 'cannot be read: EISDIR'],
    [['--sample', MAIL, '--parser', 'postfx'], 64, 'Did you mean "postfix"?'],
    [['--sample', MAIL, '--parser', 'postfix', '--lines', 'x'], 64, '--lines is "x"'],
    [
      ['--sample', MAIL, '--config', file('empty.yaml', '')],
      64,
      'no parser: name one with --parser',
    ],
  ])('%j', async (words, exit, message) => {
    const { out, err, code } = await check(...words);
    expect([out, code]).toEqual(['', exit]);
    expect(err).toContain(message);
  });
});
