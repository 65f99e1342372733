import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSince, growth } from '../../src/rates/index.ts';

describe('growth', () => {
  test('is the difference over the time that really passed', () => {
    expect(growth(100, 400, 12)).toEqual({ amount: 300, seconds: 12 });
  });

  test('does not exist where a counter was reset, nor where no time passed', () => {
    expect(growth(400, 5, 10)).toBeUndefined();
    expect(growth(1, 2, 0)).toBeUndefined();
  });

  test('does not exist before there are two readings', () => {
    expect(growth(Number.NaN, 5, 10)).toBeUndefined();
    expect(growth(1, 5, Number.NaN)).toBeUndefined();
  });

  test('is never negative, whatever is read', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), fc.double(), (before, after, seconds) => {
        const grown = growth(before, after, seconds);
        if (grown === undefined) return;
        expect(grown.amount).toBeGreaterThanOrEqual(0);
        expect(grown.seconds).toBeGreaterThan(0);
      }),
    );
  });
});

describe('since', () => {
  test('has nothing to say the first time, then each number and the seconds', () => {
    const { turn, since } = createSince();
    let pending = 3;
    const row = (reads: number, writes: number) => ({ reads, writes, pending: pending-- });
    turn(100);
    expect(since('sda', row(5, 7), ['reads', 'writes'])).toBeUndefined();
    turn(110);
    expect(since('sda', row(8, 7), ['reads', 'writes'])).toEqual({
      reads: 3,
      writes: 0,
      seconds: 10,
    });
  });

  test('keeps keys apart', () => {
    const { turn, since } = createSince();
    turn(0);
    since('a', { n: 1 }, ['n']);
    since('b', { n: 100 }, ['n']);
    turn(1);
    expect(since('b', { n: 101 }, ['n'])?.n).toBe(1);
    expect(since('a', { n: 3 }, ['n'])?.n).toBe(2);
  });

  test('says nothing over a reset, and is right again afterwards', () => {
    const { turn, since } = createSince();
    const read = (at: number, n: number) => {
      turn(at);
      return since('a', { n, steady: 1 }, ['n', 'steady'])?.n;
    };
    expect([read(0, 50), read(1, 60), read(2, 3), read(3, 5)]).toEqual([
      undefined,
      10,
      undefined,
      2,
    ]);
  });

  test('starts anew after a collection that did not mention the key', () => {
    const { turn, since } = createSince();
    turn(0);
    since('veth1', { n: 1 }, ['n']);
    turn(1);
    turn(2);
    expect(since('veth1', { n: 5 }, ['n'])).toBeUndefined();
  });

  test('knows a number by its name, in whatever order it is asked for', () => {
    const { turn, since } = createSince();
    turn(0);
    since('a', { n: 1, m: 10 }, ['n', 'm']);
    turn(1);
    expect(since('a', { n: 3, m: 15 }, ['m', 'n'])).toEqual({ n: 2, m: 5, seconds: 1 });
    turn(2);
    // Nobody had asked for it: what it was is not known.
    expect(since('a', { n: 4, o: 9 }, ['n', 'o'])).toEqual({ n: 1, o: 0, seconds: 1 });
    turn(3);
    expect(since('a', { n: 4, o: 11 }, ['n', 'o'])).toEqual({ n: 0, o: 2, seconds: 1 });
  });

  test('takes an absent number as one that did not grow', () => {
    const { turn, since } = createSince();
    turn(0);
    since('sda', { reads: 1, flushes: undefined }, ['reads', 'flushes']);
    turn(1);
    expect(since('sda', { reads: 2, flushes: undefined }, ['reads', 'flushes'])).toEqual({
      reads: 1,
      flushes: 0,
      seconds: 1,
    });
  });
});
