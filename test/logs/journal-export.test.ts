import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JournalExport } from '../../src/logs/journal-export.ts';
import { exported } from '../support/journal.ts';

const LONGEST = 4096;
const name = fc.stringMatching(/^[A-Z][A-Z_]{0,12}$/);
const value = fc.oneof(
  fc.stringMatching(/^[ -~]{0,30}$/),
  fc.uint8Array({ maxLength: 200 }),
  fc.nat(6000).map((bytes) => 'x'.repeat(bytes)),
  fc.nat(6000).map((bytes) => new Uint8Array(bytes).fill(10)),
);
const entries = fc.array(fc.dictionary(name, value, { maxKeys: 6 }), { maxLength: 8 });

/** What is offered, of bytes that come in pieces of these lengths in turn. */
function read(bytes: Buffer, pieces: readonly number[]) {
  const offered: { cursor: string; fields: Record<string, string> | 'too long' }[] = [];
  const format = new JournalExport((entry) => {
    const fields = [...entry].slice(2).map(([field, value]) => [field, value.toString('latin1')]);
    const { cursor, tooLong } = entry;
    offered.push({ cursor, fields: tooLong ? 'too long' : Object.fromEntries(fields) });
  }, LONGEST);
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const piece = bytes.subarray(at, at + (pieces[i % pieces.length] ?? 1));
    format.write(piece);
    at += piece.length;
  }
  return { offered, within: format.within };
}

const pieces = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 5 });

test('every entry is found with its fields, in whatever pieces it comes; a long one without them', () => {
  fc.assert(
    fc.property(entries, pieces, (all, sizes) => {
      const blocks = all.map((fields, i) =>
        exported({ __CURSOR: `c${i}`, __REALTIME_TIMESTAMP: 1_000_000 * i, ...fields }),
      );
      const { offered, within } = read(Buffer.concat(blocks), sizes);
      expect(within).toBe(false);
      expect(offered.map(({ cursor }) => cursor)).toEqual(all.map((_, i) => `c${i}`));
      for (const [i, { fields }] of offered.entries()) {
        const own = all[i] ?? {};
        if (fields === 'too long') expect(blocks[i]?.length).toBeGreaterThan(LONGEST);
        else {
          const text = (it: string | Uint8Array) => Buffer.from(it).toString('latin1');
          const expected = Object.entries(own).map(([field, it]) => [field, text(it)]);
          expect(fields).toEqual(Object.fromEntries(expected));
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('what is no entry is refused or waited for, and never more is kept than the longest', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), pieces, (bytes, sizes) => {
      const valid = exported({ __CURSOR: 'c', __REALTIME_TIMESTAMP: 1, MESSAGE: 'x' });
      try {
        read(Buffer.concat([valid, bytes, valid]), sizes);
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }),
    { numRuns: 2000 },
  );
});
