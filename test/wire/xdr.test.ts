import { XdrReader, XdrWriter } from 'cullinan/wire/xdr';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** One value of each kind that XDR has, by the names of what writes and reads it. */
const value = fc.oneof(
  fc.record({ as: fc.constant('uint' as const), value: fc.nat(0xffff_ffff) }),
  fc.record({ as: fc.constant('int' as const), value: fc.integer() }),
  fc.record({ as: fc.constant('bool' as const), value: fc.boolean() }),
  fc.record({ as: fc.constant('hyper' as const), value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }),
  fc.record({ as: fc.constant('uhyper' as const), value: fc.bigInt(0n, 2n ** 64n - 1n) }),
  fc.record({ as: fc.constant('float' as const), value: fc.float() }),
  fc.record({ as: fc.constant('double' as const), value: fc.double() }),
  fc.record({ as: fc.constant('opaque' as const), value: bytes(600) }),
  fc.record({ as: fc.constant('string' as const), value: fc.string({ unit: 'binary' }) }),
);
type Value = ReturnType<typeof value.generate>['value'];

function bytes(most: number) {
  return fc.uint8Array({ maxLength: most }).map((array) => Buffer.from(array));
}

function write(writer: XdrWriter, { as, value }: Value): void {
  // One line for each, because a union of methods takes no union of values.
  if (as === 'uint') writer.uint(value);
  if (as === 'int') writer.int(value);
  if (as === 'bool') writer.bool(value);
  if (as === 'hyper') writer.hyper(value);
  if (as === 'uhyper') writer.uhyper(value);
  if (as === 'float') writer.float(value);
  if (as === 'double') writer.double(value);
  if (as === 'opaque') writer.opaque(value);
  if (as === 'string') writer.string(value);
}

function writing(fill: (writer: XdrWriter) => unknown): Buffer {
  const writer = new XdrWriter();
  fill(writer);
  return writer.finish();
}

const words = (...all: number[]) => new XdrReader(writing((to) => all.map((one) => to.uint(one))));

describe('what was written', () => {
  test('is read again, in whole words', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 400, size: 'large' }), (values) => {
        const written = writing((writer) => values.map((one) => write(writer, one)));
        expect(written.length % 4).toBe(0);
        const reader = new XdrReader(written);
        expect(values.map(({ as }) => reader[as]())).toEqual(values.map(({ value }) => value));
        expect(reader.left).toBe(0);
      }),
    );
  });

  test('looks as RFC 4506 has it', () => {
    const hex = (fill: (writer: XdrWriter) => unknown) => writing(fill).toString('hex');
    expect(hex((to) => to.string('sillyprog'))).toBe('0000000973696c6c7970726f67000000');
    expect(hex((to) => to.opaque(Buffer.from('(quit)')))).toBe('00000006287175697429' + '0000');
    expect(hex((to) => to.int(-2))).toBe('fffffffe');
    expect(hex((to) => to.hyper(-2n))).toBe('fffffffffffffffe');
    expect(hex((to) => to.bool(true))).toBe('00000001');
    expect(hex((to) => to.fixed(Buffer.from('abcde')))).toBe('6162636465000000');
  });

  test('stays where it is: more of it changes nothing of what was handed out', () => {
    const writer = new XdrWriter().uint(1);
    const first = writer.finish();
    writer.uint(2);
    expect(first.toString('hex')).toBe('00000001');
    expect(writer.finish().toString('hex')).toBe('0000000100000002');
  });

  test('was in its range', () => {
    expect(() => new XdrWriter().uint(-1)).toThrow(RangeError);
    expect(() => new XdrWriter().uint(2 ** 32)).toThrow(RangeError);
    expect(() => new XdrWriter().int(2 ** 31)).toThrow(RangeError);
  });
});

describe('a reader', () => {
  test('refuses lengths beyond what it is allowed, and beyond what there is', () => {
    expect(() => words(5, 0, 0).opaque(4)).toThrow('5 bytes, and 4 are allowed');
    expect(() => words(0xffff_ffff, 0).string()).toThrow('and the message ends');
    expect(() => words(3, 0).count(2, 1)).toThrow('3 elements, and 2 are allowed');
    expect(() => words(3, 0, 0).count(100, 4)).toThrow('and the message ends');
    expect(words(2, 0, 0).count(100, 4)).toBe(2);
    expect(() => words().uint()).toThrow('byte 0: 4 more expected, 0 are left');
    expect(() => new XdrReader(Buffer.from('0000000161', 'hex')).string()).toThrow(SyntaxError);
  });

  test('takes whatever is not 0 for true, and what is no UTF-8 for U+FFFD', () => {
    expect(words(7).bool()).toBe(true);
    expect(new XdrReader(Buffer.from('00000001ff000000', 'hex')).string()).toBe('\ufffd');
  });

  test('takes integers of 64 bits for the nearest number, if asked for one', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (long) => {
        const written = writing((to) => to.hyper(long).uhyper(BigInt.asUintN(64, long)));
        const reader = new XdrReader(written);
        expect(reader.hyperNumber()).toBe(Number(long));
        expect(reader.uhyperNumber()).toBe(Number(BigInt.asUintN(64, long)));
      }),
    );
  });

  test('goes on behind bytes that were foreseen, and stays before others', () => {
    const reader = words(1, 2, 3);
    expect(reader.match(Buffer.from('0000000100000003', 'hex'))).toBe(false);
    expect(reader.match(Buffer.from('0000000100000002', 'hex'))).toBe(true);
    expect(reader.peek(4).readUInt32BE()).toBe(3);
    expect(reader.match(Buffer.from('0000000300000000', 'hex'))).toBe(false);
    expect(reader.uint()).toBe(3);
    expect(() => reader.peek(4)).toThrow(SyntaxError);
  });

  test('reads the part of a buffer that it is given', () => {
    const bytes = new Uint8Array([9, 9, 9, 9, 0, 0, 0, 1, 9, 9, 9, 9]);
    const reader = new XdrReader(bytes.subarray(4, 8));
    expect(reader.uint()).toBe(1);
    expect(reader.left).toBe(0);
  });

  test('throws a SyntaxError or reads, whatever the bytes', () => {
    fc.assert(
      fc.property(bytes(64), fc.array(value.map(({ as }) => as)), (input, reads) => {
        const reader = new XdrReader(input);
        try {
          for (const as of reads) reader[as]();
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
        expect(reader.left).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
