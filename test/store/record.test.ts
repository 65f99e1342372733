import { execFileSync } from 'node:child_process';
import { crc32, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DONE,
  decodeHeader,
  decodeRecord,
  encodeRecord,
  findHeader,
  STATE_AT,
} from '../../src/store/record.ts';
import { crc32 as ours } from '../../src/wire/crc32.ts';
import { point } from '../support/points.ts';

const AT = 1_795_219_200_000;
const SOME = [
  point('system.disk.io', { value: 0.1, labels: { device: 'sda' }, kind: 'counter', unit: 'B' }),
  point('system.load', { value: -1e-300, host: 'other', path: 'a.b', precision: 2, scale: 8 }),
];

describe('a record', () => {
  test('comes back as it was, but for the series’ place in this process', () => {
    const back = decodeRecord(encodeRecord(SOME, { at: AT, state: 0 }));
    const known = SOME.map(({ name, value, time }) => {
      const { id: _, metric, ...series } = name.series;
      const { kind, name: called, unit, labels, help } = metric;
      const plain = { kind, name: called, unit, labels, help };
      return { value, time, name: { ...name, series: { ...series, id: -1, metric: plain } } };
    });
    expect(back).toEqual(known);
  });

  test('is a gzip member that any tool unpacks', () => {
    const record = encodeRecord(SOME, { at: AT, state: 3 });
    const text = execFileSync('gzip', ['-dc'], { input: Buffer.concat([record, record]) });
    expect(text.length).toBe(2 * gunzipSync(record).length);
    expect(JSON.parse(gunzipSync(record).toString()).points).toHaveLength(2);
  });

  test('says what it is without being unpacked', () => {
    const record = encodeRecord(SOME, { at: AT, state: 3 });
    expect(decodeHeader(record, 0)).toEqual({
      ...{ length: record.length, points: 2, at: AT, state: 3 },
    });
    record[STATE_AT] = DONE;
    expect(decodeHeader(record, 0)?.state).toBe(DONE);
    expect(decodeRecord(record)).toHaveLength(2);
  });

  test('with any bit but its state turned is found out', () => {
    const record = encodeRecord(SOME, { at: AT, state: 0 });
    const was = JSON.stringify(decodeRecord(record));
    for (let bit = 0; bit < record.length * 8; bit += 1) {
      const byte = bit >> 3;
      // The state, and the two bytes in which gzip names its effort and its system.
      if (byte === STATE_AT || byte === 8 || byte === 9) continue;
      record[byte] = (record[byte] as number) ^ (1 << (bit & 7));
      const whole = decodeHeader(record, 0) !== undefined && decodeRecord(record) !== undefined;
      expect(whole && JSON.stringify(decodeRecord(record)) !== was, `bit ${bit}`).toBe(false);
      record[byte] = (record[byte] as number) ^ (1 << (bit & 7));
    }
  });

  test('of any bytes is none, and never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeRecord(Buffer.from(bytes))).toBeUndefined();
        expect(findHeader(Buffer.from(bytes), 0)).toBe(-1);
      }),
    );
  });
});

test('the checksum is that of zlib', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => ours(bytes) === crc32(bytes)));
});
