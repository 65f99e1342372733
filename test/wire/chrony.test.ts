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
    ['02800000', 1 / 2],
    ['0480fbc8', 8_453_064 / 2 ** 23],
    ['00000000', 0],
    ['ff000001', -16_777_215 / 2 ** 26],
    ['01ffffff', -(2 ** -25)],
  ])('a number %s is %d', (hex, number) => {
    const body = Buffer.alloc(76);
    Buffer.from(hex, 'hex').copy(body, 40);
    expect(decodeTracking(7, answer(5, body))?.behind).toBe(number);
  });

  test('each number stands where chronyd puts it', () => {
    const body = Buffer.alloc(76);
    body.writeUInt16BE(3, 24);
    body.writeUInt16BE(2, 26);
    for (const [i, word] of [1, 1_795_219_200, 250_000_000].entries()) {
      body.writeUInt32BE(word, 28 + 4 * i);
    }
    // 1, 2, … 9, with an exponent that leaves the coefficient as it is.
    for (let i = 0; i < 9; i += 1) body.writeInt32BE((25 << 25) | (i + 1), 40 + 4 * i);
    const { frequency, residual, skew, ...rest } = decodeTracking(7, answer(5, body)) ?? {};
    expect(rest).toEqual({
      ...{ stratum: 3, leap: 2, updated: 2 ** 32 + 1_795_219_200.25 },
      ...{ behind: 1, lastOffset: 2, rmsOffset: 3, rootDelay: 7, rootDispersion: 8, interval: 9 },
    });
    expect([frequency, residual, skew]).toEqual([4, 5, 6].map((ppm) => ppm * 1e-6));
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
    const bytes = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((all) => Buffer.from(all));
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 120 }).map((all) => Buffer.from(all)),
      fc.tuple(fc.constantFrom(2, 3, 5), fc.nat(80).chain(bytes)).map((all) => answer(...all)),
      bytes(76).map((body) => answer(5, body)),
      // One in a state and a mode that there are.
      fc.tuple(bytes(48), fc.nat(5), fc.nat(2)).map(([body, state, mode]) => {
        body.writeUInt16BE(state, 24);
        body.writeUInt16BE(mode, 26);
        return answer(3, body);
      }),
    );
    let found = 0;
    fc.assert(
      fc.property(noise, (datagram) => {
        for (const decode of [decodeSource, decodeSources, decodeTracking]) {
          try {
            for (const value of Object.values(Object(decode(7, datagram)))) {
              if (typeof value !== 'number') continue;
              expect(Number.isFinite(value)).toBe(true);
              found += 1;
            }
          } catch (error) {
            if (!(error instanceof ChronyRefusal)) expect(error).toBeInstanceOf(SyntaxError);
          }
        }
      }),
      { numRuns: 300 },
    );
    expect(found).toBeGreaterThan(500);
  });
});
