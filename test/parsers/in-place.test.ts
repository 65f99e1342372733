import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import access from '../../parsers/access.ts';
import postfix from '../../parsers/postfix.ts';
import postfixLogster from '../../parsers/postfix-logster.ts';
import { lineOf, type Parser, pieceOf } from '../../src/plugin/index.ts';
import { fixture, linesOf } from '../support/parsers.ts';
import { rarely } from '../support/rarely.ts';

const NEWLINE = 10;

/** Lines of a log, each with some of its bytes others than they were, cut off, or as they are. */
const changed = (lines: readonly Uint8Array[]) =>
  fc.array(
    fc
      .record({
        line: fc.constantFrom(...lines),
        cut: rarely(fc.nat(200), 3),
        at: fc.nat(200),
        byte: rarely(fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from(' ":,[]=/<\\'))), 2),
      })
      .map(({ line, cut, at, byte }) => {
        const other = new Uint8Array(line.subarray(0, cut));
        if (byte !== undefined && at < other.length) other[at] = byte;
        return other.map((one) => (one === NEWLINE ? 0 : one));
      }),
    { maxLength: 20 },
  );

describe.each<readonly [Parser, object, string]>([
  [access, {}, 'access'],
  [access, { format: 'common', topPaths: 5 }, 'access'],
  [postfix, {}, 'postfix'],
  [postfixLogster, {}, 'postfix'],
])('$0.name with $1', (parser, given, log) => {
  it('makes the same of lines in the midst of others as of each by itself', () => {
    const options = parser.options.parse(given);
    fc.assert(
      fc.property(changed(linesOf(fixture(log))), (lines) => {
        const alone = parser.open(options);
        const inPlace = parser.open(options);
        const piece = pieceOf(Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
        let from = 0;
        for (const line of lines) {
          const known = inPlace.parseAt?.(piece, from, from + line.length);
          expect(known).toBe(alone.parse(lineOf(line)));
          const time = inPlace.timeAt?.(piece, from, from + line.length);
          if (inPlace.timeAt !== undefined) expect(time).toBe(alone.timeOf?.(lineOf(line)));
          from += line.length + 1;
        }
        expect([...inPlace.report(60)]).toEqual([...alone.report(60)]);
      }),
      { numRuns: 1000 },
    );
  });
});
