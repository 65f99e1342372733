import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Point } from '../../src/metric/index.ts';
import { decodeLine, encodeLines, formatValue } from '../../src/wire/graphite.ts';

const SERIES = {
  id: 0,
  metric: { kind: 'gauge', name: 'x', unit: 'count', labels: [], help: '' },
  collector: 'test',
  host: 'web01',
  labels: {},
} as const;

const point = (path: string, value: number, time: number, precision?: number): Point => ({
  name: { series: SERIES, path, reading: 'value', precision },
  value,
  time,
});

describe('a value on the wire', () => {
  it.each([
    [0, undefined, '0'],
    [-0, undefined, '0'],
    [1234567, undefined, '1234567'],
    [0.1, undefined, '0.1'],
    [1e-7, undefined, '0.0000001'],
    [-1.5e-9, undefined, '-0.0000000015'],
    [1e21, undefined, '1000000000000000000000'],
    [-1.25e22, undefined, '-12500000000000000000000'],
    [18446744073709552000, 0, '18446744073709551616'],
    [1e21, 2, '1000000000000000000000.00'],
    [1.005, 2, '1.00'],
    [99.999, 2, '100.00'],
    [-0.001, 2, '0.00'],
    [-0.006, 2, '-0.01'],
    [3.7, 0, '4'],
  ])('%d with precision %s is %s', (value, precision, text) => {
    expect(formatValue(value, precision)).toBe(text);
  });

  it('never has an exponent and reads back as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = formatValue(value, undefined);
        expect(text).toMatch(/^-?\d+(\.\d+)?$/);
        expect(Number(text)).toBe(value + 0);
      }),
    );
  });

  it('has exactly the digits it was told to have', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 1, max: 6 }),
        (value, precision) => {
          expect(formatValue(value, precision)).toMatch(new RegExp(`^-?\\d+\\.\\d{${precision}}$`));
        },
      ),
    );
  });
});

describe('lines', () => {
  it('are path, value and whole seconds, each ended by a newline', () => {
    const batch = [
      point('servers.web01.cpu.total.idle', 399.123, 1_700_000_000.9, 2),
      point('servers.web01.loadavg.01', 0.5, 1_700_000_000),
    ];
    expect(encodeLines(batch)).toBe(
      'servers.web01.cpu.total.idle 399.12 1700000000\nservers.web01.loadavg.01 0.5 1700000000\n',
    );
    expect(encodeLines([])).toBe('');
  });

  it('read back as what was written', () => {
    const path = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .map((text) => text.replace(/\s/g, '_'));
    const value = fc.double({ noNaN: true, noDefaultInfinity: true });
    const time = fc.integer({ min: 0, max: 2 ** 40 });
    fc.assert(
      fc.property(fc.array(fc.tuple(path, value, time)), (facts) => {
        const text = encodeLines(facts.map(([p, v, t]) => point(p, v, t)));
        const lines = text.split('\n').slice(0, -1).map(decodeLine);
        expect(lines).toEqual(facts.map(([p, v, t]) => ({ path: p, value: v + 0, time: t })));
      }),
    );
  });
});

describe('reading a line', () => {
  it.each([
    ['a.b 1 1700000000', { path: 'a.b', value: 1, time: 1_700_000_000 }],
    ['a;k=v 1.5e3 1700000000.9\r\n', { path: 'a;k=v', value: 1500, time: 1_700_000_000 }],
    ['  a\t-.5   -1 ', { path: 'a', value: -0.5, time: -1 }],
  ])('takes %j', (line, expected) => {
    expect(decodeLine(line)).toEqual(expected);
  });

  it.each([
    ['', 'has 0 fields, not 3'],
    ['a', 'has 1 field, not 3'],
    ['a 1', 'has 2 fields, not 3'],
    ['a b 1 1700000000', 'has 4 fields, not 3'],
    ['a nan 1700000000', 'has "nan" for its value, not a finite number'],
    ['a 1e999 1700000000', 'has "1e999" for its value, not a finite number'],
    ['a 0x10 1700000000', 'has "0x10" for its value, not a finite number'],
    ['a 1 now', 'has "now" for its time, not a finite number'],
  ])('refuses %j', (line, message) => {
    expect(() => decodeLine(line)).toThrow(message);
  });

  it('throws nothing but SyntaxError, and shows at most a little of the line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (line) => {
        try {
          const { value, time } = decodeLine(line);
          expect([value, time].every(Number.isFinite)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
          expect((error as SyntaxError).message.length).toBeLessThan(1200);
        }
      }),
    );
  });
});
