import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Tally } from '../../src/wire/tally.ts';

const counted = (tally: Tally, names: readonly string[]) => {
  for (const name of names) tally.addText(name);
  return Object.fromEntries(tally.take());
};

describe('a tally', () => {
  it('counts by name, and says zero of what it knows and did not see', () => {
    const tally = new Tally();
    expect(counted(tally, ['GET', 'POST', 'GET'])).toEqual({ GET: 2, POST: 1 });
    expect(counted(tally, ['POST'])).toEqual({ GET: 0, POST: 1 });
  });

  it('tells the first names apart and counts the others together', () => {
    const tally = new Tally({ limit: 2, longest: 4 });
    expect(counted(tally, ['a', 'b', 'c', 'a', 'd', 'toolong', ''])).toEqual({
      a: 2,
      b: 1,
      other: 4,
    });
    expect(counted(tally, ['other'])).toEqual({ a: 0, b: 0, other: 1 });
  });

  it('tells the most frequent apart where there may be candidates', () => {
    const tally = new Tally({ limit: 2, candidates: 10 });
    expect(counted(tally, ['a', 'b', 'c', 'c', 'b', 'c'])).toEqual({ b: 2, c: 3, other: 1 });
    // What was seen and is known keeps its place; what was not gives it up.
    expect(counted(tally, ['b', 'x', 'x', 'y'])).toEqual({ b: 1, x: 2, other: 1 });
  });

  it('has one name for bytes that are one text', () => {
    const tally = new Tally();
    tally.add(new Uint8Array([0xff]));
    tally.add(new Uint8Array([0xfe]), 0, 1, 2);
    expect(tally.take()).toEqual([['\ufffd', 3]]);
  });

  it('keeps names when the buffer that they stood in holds the next lines', () => {
    const tally = new Tally();
    const buffer = Buffer.from('GET');
    tally.add(buffer);
    buffer.write('PUT');
    tally.add(buffer);
    buffer.write('GET');
    tally.add(buffer);
    expect(tally.take()).toEqual([
      ['GET', 2],
      ['PUT', 1],
    ]);
  });

  it('loses nothing, and never says more names than it may', () => {
    const names = fc.array(fc.string({ maxLength: 6 }), { maxLength: 300 });
    fc.assert(
      fc.property(
        fc.array(names),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(200),
        (rounds, limit, more) => {
          const tally = new Tally({ limit, candidates: limit + more });
          for (const round of rounds) {
            for (const name of round) tally.addText(name);
            const taken = tally.take();
            expect(taken.length).toBeLessThanOrEqual(limit + 1);
            expect(taken.reduce((sum, [, count]) => sum + count, 0)).toBe(round.length);
          }
        },
      ),
    );
  });
});
