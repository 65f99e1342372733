import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ChronyRefusal,
  decodeSource,
  decodeSources,
  decodeTracking,
  encodeChrony,
} from '../../src/wire/chrony.ts';

/** An answer with this structure. */
function answer(
  kind: number,
  body: Buffer,
  { sequence = 7, status = 0, version = 6 } = {},
): Buffer {
  const head = Buffer.alloc(28);
  head[0] = version;
  head[1] = 2;
  head.writeUInt16BE(kind, 6);
  head.writeUInt16BE(status, 8);
  head.writeUInt32BE(sequence, 16);
  return Buffer.concat([head, body]);
}

const source = (change: (body: Buffer) => void): Buffer => {
  const body = Buffer.alloc(48);
  change(body);
  return answer(3, body);
};

describe('the protocol of chronyc', () => {
  test('asks with as many bytes as are answered', () => {
    const question = encodeChrony('source', 0xdeadbeef, 5);
    expect(question).toHaveLength(104);
    expect(question.subarray(0, 24).toString('hex')).toBe(
      '06010000000f0000deadbeef000000000000000000000005',
    );
  });

  test.each([
    ['02800000', 1 / 4],
    ['0480fbc8', 2.2578e-1],
    ['00000000', 0],
    ['ff000001', 2 ** -26],
    ['01ffffff', -(2 ** -25)],
  ])('a number %s', (hex) => {
    const body = Buffer.alloc(76);
    Buffer.from(hex, 'hex').copy(body, 40);
    const bits = Number.parseInt(hex, 16) | 0;
    const exponent = (bits >> 25) - 25;
    const coefficient = (bits << 7) >> 7;
    expect(decodeTracking(7, answer(5, body))?.behind).toBe(coefficient * 2 ** exponent);
  });

  test('addresses of each family, and names of clocks', () => {
    const named = (family: number, hex: string, mode = 0) =>
      decodeSource(
        7,
        source((body) => {
          body.write(hex, 'hex');
          body.writeUInt16BE(family, 16);
          body.writeUInt16BE(mode, 26);
        }),
      )?.name;
    expect(named(1, 'c0000201')).toBe('192.0.2.1');
    expect(named(2, '20010db8000000000000000000000001')).toBe('2001:db8::1');
    expect(named(2, '00000000000000000000000000000001')).toBe('::1');
    expect(named(3, '00000009')).toBe('id-9');
    expect(named(1, '50505330', 2)).toBe('PPS0');
  });

  test('the answer to another question is none', () => {
    const count = Buffer.from([0, 0, 0, 3]);
    expect(decodeSources(7, answer(2, count))).toBe(3);
    expect(decodeSources(8, answer(2, count))).toBeUndefined();
  });

  test.each([
    [{ status: 2 }, true],
    [{ status: 1 }, false],
  ])('a refusal with %j', (how, denied) => {
    try {
      decodeSources(7, answer(1, Buffer.alloc(4), how));
      expect.fail('it was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(ChronyRefusal);
      expect((error as ChronyRefusal).denied).toBe(denied);
    }
  });

  test('whatever comes, it is an answer, none, or a syntax error', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(fc.constantFrom(2, 3, 5), fc.uint8Array({ maxLength: 80 }))
        .map(([kind, bytes]) => answer(kind, Buffer.from(bytes))),
    );
    fc.assert(
      fc.property(noise, (bytes) => {
        for (const decode of [decodeSource, decodeSources, decodeTracking]) {
          try {
            const found = decode(7, bytes);
            for (const value of Object.values(Object(found))) {
              if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
            }
          } catch (error) {
            if (!(error instanceof ChronyRefusal)) expect(error).toBeInstanceOf(SyntaxError);
          }
        }
      }),
    );
  });
});
