import { readFileSync } from 'node:fs';
import {
  type Line,
  lineOf,
  type Observation,
  type Parser,
  type Parsing,
  pieceOf,
  type z,
} from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parserChecks } from '../../src/conformance/index.ts';

const LOGS = new URL('../fixtures/logs/', import.meta.url);

const utf8 = new TextEncoder();

/** A log of test/fixtures/logs, by its name without `.log`. */
export const fixture = (name: string): Uint8Array => readFileSync(new URL(`${name}.log`, LOGS));

/** A log's lines as the engine hands them over: bytes without the line's end. */
export function linesOf(log: Uint8Array): readonly Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < log.length; ) {
    const newline = log.indexOf(10, from);
    const end = newline < 0 ? log.length : newline;
    const crlf = end > from && log[end - 1] === 13;
    lines.push(log.subarray(from, crlf ? end - 1 : end));
    from = end + 1;
  }
  return lines;
}

/**
 * Hands over lines as the engine does: each in the same buffer, where the next one takes its place.
 *
 * @returns what makes a line of bytes that holds until it is called again.
 */
export function handing(): (bytes: Uint8Array) => Line {
  let buffer = Buffer.alloc(4096);
  return (bytes) => {
    if (bytes.length > buffer.length) buffer = Buffer.alloc(bytes.length * 2);
    buffer.fill(0xff);
    buffer.set(bytes);
    return lineOf(buffer.subarray(0, bytes.length));
  };
}

/** What one run over a log came to. */
export interface Parsed {
  readonly observations: readonly Observation[];
  /** Lines that the parser knows, and all of them. */
  readonly known: number;
  readonly lines: number;
}

/** A parser as the engine runs it: lines without any of its needles are not given to it. */
export function parsing<O extends z.ZodType>(parser: Parser<O>, given: unknown = {}) {
  const options = parser.options.parse(given);
  const open = parser.open(options);
  const needles = (parser.needles?.(options) ?? []).map((needle) => Buffer.from(needle));
  const line = handing();
  return (log: string | Uint8Array, seconds = 60): Parsed => {
    const lines = linesOf(typeof log === 'string' ? utf8.encode(log) : log);
    let known = 0;
    for (const bytes of lines) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      if (needles.length > 0 && !needles.some((needle) => buffer.includes(needle))) continue;
      if (open.parse(line(bytes))) known += 1;
    }
    return { observations: [...open.report(seconds)], known, lines: lines.length };
  };
}

/** `name{label="text",…} value unit kind`, labels in the order they are declared in. */
export function said({ observations }: Parsed): string[] {
  return observations.map(({ metric, labels, value }) => {
    const pairs = metric.labels.map((label) => `${label}=${JSON.stringify(labels[label])}`);
    const number = Number(value.toPrecision(12));
    return `${metric.name}{${pairs.join(',')}} ${number} ${metric.unit} ${metric.kind}`;
  });
}

/** Only declared metrics with exactly their labels, only finite numbers, no series twice. */
function expectSound({ observations }: Parsed, declared: ReadonlySet<Observation['metric']>): void {
  const series = new Set<string>();
  for (const { metric, labels, value } of observations) {
    const key = JSON.stringify([metric.name, ...metric.labels.map((label) => labels[label])]);
    const labelled = metric.labels.every((label) => typeof labels[label] === 'string');
    const exactly = Object.keys(labels).length === metric.labels.length;
    const known = [...declared].some(
      ({ name, kind }) => name === metric.name && kind === metric.kind,
    );
    if (!known || !labelled || !exactly || !Number.isFinite(value) || series.has(key)) {
      expect.fail(`not sound: ${key} ${value}`);
    }
    series.add(key);
  }
}

interface Variant {
  /** Options other than the defaults, as in the configuration. */
  readonly options?: unknown;
  /** The word that tells its log and its golden file apart. */
  readonly variant?: string;
  /** Series that it may ever report at once. */
  readonly most?: number;
}

/**
 * The suite that every parser passes: over a log in test/fixtures/logs it reports exactly what its
 * golden file says, and no log makes it throw, report what is not sound, or grow.
 */
export function describeParser<O extends z.ZodType>(
  parser: Parser<O>,
  { options = {}, variant, most = 1200 }: Variant = {},
): void {
  const file = variant === undefined ? parser.name : `${parser.name}.${variant}`;
  const log = fixture(file);
  const lines = linesOf(log);
  const declared = new Set(parser.metrics(parser.options.parse(options)));

  describe(variant === undefined ? parser.name : `${parser.name} (${variant})`, () => {
    test('reports exactly this', async () => {
      const run = parsing(parser, options);
      const first = run(log, 60);
      const again = run('', 60);
      for (const parsed of [first, again]) expectSound(parsed, declared);
      const golden =
        `# ${parser.name} with ${JSON.stringify(options)}\n` +
        `# ${first.known} of ${first.lines} lines, 60 seconds\n${said(first).join('\n')}\n` +
        `# no line, 60 seconds\n${said(again).join('\n')}\n`;
      await expect(golden).toMatchFileSnapshot(`../golden/parsers/${file}.txt`);
    });

    for (const check of parserChecks(parser, log, options, most)) {
      test(`cullinan test: ${check.name}`, () => check.run());
    }

    test('says of each line when it was written, or nothing', () => {
      const open = parser.open(parser.options.parse(options));
      const times = lines.map((bytes) => open.timeOf?.(lineOf(bytes), 1_795_250_000));
      for (const time of times) {
        if (time !== undefined) expect(time).toBeGreaterThan(9e8);
      }
    });

    test('takes any bytes for a line at worst unknown', () => {
      fc.assert(
        fc.property(
          fc.array(
            fc.oneof(
              fc.uint8Array({ maxLength: 300 }),
              fc.string().map((s) => utf8.encode(s)),
            ),
          ),
          (any) => {
            const open = parser.open(parser.options.parse(options));
            const line = handing();
            for (const bytes of any) {
              open.parse(line(bytes));
              open.timeOf?.(line(bytes), 1_795_250_000);
            }
            expectSound({ observations: [...open.report(1)], known: 0, lines: 0 }, declared);
          },
        ),
      );
    });

    test('takes its own lines, cut and with bytes changed, for no more', () => {
      const open = parser.open(parser.options.parse(options));
      const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
      fc.assert(
        fc.property(
          fc.nat(),
          fc.nat(),
          fc.array(change, { maxLength: 8 }),
          (which, length, changes) => {
            const line = Uint8Array.from(lines[which % lines.length] ?? []);
            for (const { at, byte } of changes) line[at % line.length] = byte === 10 ? 32 : byte;
            const cut =
              changes.length % 2 === 0 ? line : line.subarray(0, length % (line.length + 1));
            open.parse(lineOf(cut));
            open.timeOf?.(lineOf(cut), 1_795_250_000);
            expectSound({ observations: [...open.report(1)], known: 0, lines: 0 }, declared);
          },
        ),
        { numRuns: 2000 },
      );
    });

    test('reads a line in its place as it reads it by itself', () => {
      const [alone, placed] = [0, 0].map(() => parser.open(parser.options.parse(options)));
      if (alone === undefined || placed?.parseAt === undefined) return;
      const around = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...lines));
      const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
      const changes = fc.array(change, { maxLength: 3 });
      fc.assert(
        fc.property(
          around,
          fc.nat(),
          changes,
          fc.nat(),
          around,
          (before, which, all, cut, behind) => {
            const line = Uint8Array.from(lines[which % lines.length] ?? []);
            for (const { at, byte } of all) line[at % line.length] = byte === 10 ? 32 : byte;
            const own = all.length === 1 ? line.subarray(0, cut % (line.length + 1)) : line;
            const bytes = Buffer.concat([
              before,
              utf8.encode('\n'),
              own,
              utf8.encode('\n'),
              behind,
            ]);
            const piece = pieceOf(bytes);
            const from = before.length + 1;
            const known = placed.parseAt?.(piece, from, from + own.length);
            expect(known).toBe(alone.parse(lineOf(own)));
            const report = (it: Parsing) =>
              said({ observations: [...it.report(1)], known: 0, lines: 0 });
            expect(report(placed)).toEqual(report(alone));
          },
        ),
        { numRuns: 500 },
      );
    });

    test('takes a line as long as any in a time that is as long', () => {
      const longest = 1024 * 1024;
      const fill = (piece: Uint8Array) => {
        const line = Buffer.alloc(longest, piece.length === 0 ? ' ' : piece);
        // A beginning that is known has it look at what comes behind.
        for (const some of lines.slice(0, 5)) line.set(some.subarray(0, some.length / 2), 0);
        return line;
      };
      const pieces = [
        'a',
        ' ',
        '"',
        '\\',
        '{"a":',
        '[',
        '=',
        'a=',
        ': ',
        '/',
        '[1] ',
        '-',
        '1',
        '\0',
      ];
      const long = [...pieces.map((text) => utf8.encode(text)), ...lines.slice(0, 20)].map(fill);
      const open = parser.open(parser.options.parse(options));
      const started = process.cpuUsage();
      for (const bytes of long) {
        open.parse(lineOf(bytes));
        open.timeOf?.(lineOf(bytes), 1_795_250_000);
      }
      expectSound({ observations: [...open.report(1)], known: 0, lines: 0 }, declared);
      // Some nanoseconds a byte; what goes over a line once for each of its bytes takes hours.
      expect(process.cpuUsage(started).user / 1000).toBeLessThan(long.length * 400);
    });

    test('names no more series than it may, whatever the lines call themselves', () => {
      const open = parser.open(parser.options.parse(options));
      let largest = 0;
      for (let round = 0; round < 3; round += 1) {
        for (let i = 0; i < 4000; i += 1) {
          const text = new TextDecoder().decode(lines[i % lines.length]);
          // Each word and each number becomes one that was never there before.
          const at = Math.floor(i / lines.length) % 12;
          let word = 0;
          const other = text.replace(/[A-Za-z]{3,}|\d+/g, (old) => {
            word += 1;
            return word % 12 === at ? `${/\d/.test(old) ? '' : 'x'}${i + round * 4000}` : old;
          });
          open.parse(lineOf(utf8.encode(other)));
        }
        const observations = [...open.report(1)];
        largest = Math.max(largest, observations.length);
        expectSound({ observations, known: 0, lines: 0 }, declared);
      }
      expect(largest).toBeLessThanOrEqual(most);
    });
  });
}
