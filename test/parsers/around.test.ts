import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { choose, parsers } from '../../src/parsers/index.ts';
import { encoded } from '../../src/wire/bytes.ts';
import { fixture, handing, linesOf, said } from '../support/parsers.ts';

const GOLDEN = new URL('../golden/parsers/', import.meta.url);
const TIME = '2026-11-21T08:38:12.123456789Z';

/** Every parser with the options of each of its samples. */
const SAMPLES = readdirSync(GOLDEN).map((file) => {
  const [head = ''] = readFileSync(new URL(file, GOLDEN), 'utf8').split('\n', 1);
  const [, name = '', options = '{}'] = /^# (\S+) with (.*)$/.exec(head) ?? [];
  return { sample: file.replace(/\.txt$/, ''), name, options: JSON.parse(options) };
});

function chosen(name: string, options: Readonly<Record<string, unknown>>) {
  const parser = parsers.get(name);
  if (parser === undefined) throw new Error(`no parser ${name}`);
  const choice = choose(parser, options);
  if ('issues' in choice) throw new Error(choice.issues.map(({ message }) => message).join());
  return choice;
}

/** What a parser says of lines, of which none is kept from it. */
function report(
  name: string,
  options: Readonly<Record<string, unknown>>,
  lines: readonly Uint8Array[],
) {
  const { parser, options: own } = chosen(name, options);
  const open = parser.open(own);
  const line = handing();
  let known = 0;
  for (const bytes of lines) if (open.parse(line(bytes))) known += 1;
  return said({ observations: [...open.report(60)], known, lines: lines.length });
}

test('every parser that is built in has a sample', () => {
  expect(new Set(SAMPLES.map(({ name }) => name))).toEqual(new Set(parsers.keys()));
});

describe.each(SAMPLES)('what containers write: $sample', ({ sample, name, options }) => {
  const lines = linesOf(fixture(sample)).map((bytes) => Buffer.from(bytes));
  const plain = report(name, options, lines);
  // Docker's JSON is text.
  const text = lines.map((bytes) => bytes.toString());
  const plainText = report(name, options, text.map(encoded));

  it('comes to the same in Docker’s JSON, whole or cut', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.constantFrom('docker', 'auto'), (longest, wrapper) => {
        const wrapped = text.flatMap((line) => {
          const cut = line.match(new RegExp(`[^]{1,${longest + 1}}`, 'gu')) ?? [''];
          return cut.map((log, i) =>
            encoded(
              JSON.stringify({
                log: i === cut.length - 1 ? `${log}\n` : log,
                stream: 'stdout',
                time: TIME,
              }),
            ),
          );
        });
        expect(report(name, { ...options, wrapper }, wrapped)).toEqual(plainText);
      }),
      { numRuns: 20 },
    );
  });

  it('comes to the same in what CRI makes of it, whole or cut', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.constantFrom('cri', 'auto'), (longest, wrapper) => {
        const wrapped = lines.flatMap((line) => {
          const parts: Buffer[] = [];
          let from = 0;
          do {
            const to = Math.min(line.length, from + longest + 1);
            const head = `${TIME} stderr ${to === line.length ? 'F' : 'P'} `;
            parts.push(Buffer.concat([Buffer.from(head), line.subarray(from, to)]));
            from = to;
          } while (from < line.length);
          return parts;
        });
        expect(report(name, { ...options, wrapper }, wrapped)).toEqual(plain);
      }),
      { numRuns: 20 },
    );
  });

  it('takes any bytes, wrapped and joined', () => {
    const { parser, options: own } = chosen(name, {
      ...options,
      wrapper: 'auto',
      join: 'indented',
    });
    const declared = new Set(parser.metrics(own).map((metric) => metric.name));
    const head = fc.constantFrom('', '{"log":"', `${TIME} stdout F `, `${TIME} stdout P `, ' ');
    const tail = fc.constantFrom('', `\\n","stream":"stdout","time":"${TIME}"}`, '"}');
    const middle = fc.oneof(fc.constantFrom(...text), fc.string());
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 100 }),
            fc.tuple(head, middle, tail).map((words) => encoded(words.join(''))),
          ),
        ),
        (any) => {
          const open = parser.open(own);
          const line = handing();
          for (const bytes of any) {
            open.parse(line(bytes));
            open.timeOf?.(line(bytes), 1_795_250_000);
          }
          for (const { metric, value } of open.report(1)) {
            expect(declared.has(metric.name) && Number.isFinite(value)).toBe(true);
          }
        },
      ),
    );
  });
});

describe('lines that belong together', () => {
  const log = [
    '2026-11-21 08:38:12,007 ERROR [main] org.example.Orders - cannot store',
    'java.sql.SQLException: ERROR in the statement',
    '\tat org.example.Orders.store(Orders.java:88)',
    'Caused by: java.io.IOException: ERROR',
    '2026-11-21 08:38:13,000 INFO [main] org.example.Orders - stored',
  ];
  const levels = (join: string | undefined, lines: readonly string[] = log) =>
    report('log4j', { join }, lines.map(encoded)).filter((line) => /ERROR|INFO/.test(line));

  it.each(['time', '^\\d{4}-\\d\\d-\\d\\d '])('are one record, by %s', (join) => {
    expect(levels(join)).toEqual([
      'log4j.lines{level="INFO"} 1 count delta',
      'log4j.lines{level="ERROR"} 1 count delta',
    ]);
  });

  it('are each by itself, unless it is said', () => {
    expect(levels(undefined)).toContain('log4j.lines{level="ERROR"} 3 count delta');
    expect(levels('indented')).toContain('log4j.lines{level="ERROR"} 3 count delta');
  });

  it('begin with a time that stands in brackets, too', () => {
    const lines = log.map((line) => line.replace(/^2026[^ ]* [^ ]*/, '[$&]'));
    expect(levels('time', lines)).toEqual(levels('time'));
  });

  it('are joined within what wraps them', () => {
    const wrapped = log.map((line) =>
      JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: TIME }),
    );
    const lines = report('log4j', { wrapper: 'docker', join: 'time' }, wrapped.map(encoded));
    expect(lines).toContain('log4j.lines{level="ERROR"} 1 count delta');
    expect(lines).toContain('log4j.exceptions{exception="java.sql.SQLException"} 1 count delta');
  });
});

test.each([
  [{ wrapper: 'podman' }, ['wrapper']],
  [{ join: '(' }, ['join']],
  [{ join: '(?=a)' }, ['join']],
  [{ join: '' }, ['join']],
  [{ nothing: 1, wrapper: 'no' }, ['wrapper', 'nothing']],
])('%j is refused', (options, paths) => {
  const choice = choose(parsers.get('access') as never, options);
  const issues = 'issues' in choice ? choice.issues : [];
  expect(issues.map(({ path }) => path.join('.'))).toEqual(paths);
});

test('a parser that cannot tell the time of a line cannot join by it', () => {
  const choice = choose(parsers.get('JsonLogster') as never, { join: 'time' });
  expect('issues' in choice && choice.issues[0]?.message).toBe(
    'must be another: the parser JsonLogster cannot tell the time of a line',
  );
});
