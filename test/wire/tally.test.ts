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

  it('has one place for a name, wherever it stands and however many there are', () => {
    const names = Array.from(
      { length: 200 },
      (_, i) => `${'x'.repeat(i % 13)}${i}${'y'.repeat(i % 7)}`,
    );
    const tally = new Tally({ limit: names.length });
    const line = Buffer.from(`....${names.join(' ')}`);
    const view = new DataView(line.buffer, line.byteOffset, line.length);
    for (let time = 0; time < 3; time += 1) {
      for (let i = 0, from = 4; i < names.length; i += 1) {
        const end = from + (names[i]?.length ?? 0);
        if (time % 2 === 0) tally.addIn(view, from, end);
        else tally.add(line, from, end);
        from = end + 1;
      }
    }
    expect(tally.take()).toEqual(names.map((name) => [name, 3]));
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

  it('knows a name again, wherever it stands and however it comes', () => {
    const name = fc.stringMatching(/^[ab]{1,12}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.nat(7), fc.boolean())), (all) => {
        const tally = new Tally({ limit: 10_000 });
        const counts = new Map<string, number>();
        for (const [text, before, inView] of all) {
          const bytes = new Uint8Array(Buffer.from(`${'a'.repeat(before)}${text}a`));
          const to = before + text.length;
          if (inView) tally.addIn(new DataView(bytes.buffer), before, to);
          else tally.add(bytes, before, to);
          counts.set(text, (counts.get(text) ?? 0) + 1);
        }
        expect(new Map(tally.take())).toEqual(counts);
      }),
    );
  });
});
