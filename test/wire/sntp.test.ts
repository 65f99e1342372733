import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeSntp, encodeSntp } from '../../src/wire/sntp.ts';

const NONCE = Buffer.from('0102030405060708', 'hex');

/** What a server answers at a time, in seconds since 1900 of some era. */
function answered(seconds: number, more: Readonly<Record<number, number>> = {}): Buffer {
  const packet = Buffer.alloc(48);
  packet.set([0x24, 2]);
  packet.set(NONCE, 24);
  for (const at of [32, 40]) packet.writeUInt32BE(seconds % 2 ** 32, at);
  packet.writeUInt32BE(2 ** 31, 44);
  for (const [at, byte] of Object.entries(more)) packet[Number(at)] = byte;
  return packet;
}

test('a question is a client’s, of version 4', () => {
  const packet = encodeSntp(NONCE);
  expect([packet.length, packet[0], packet.subarray(40, 48)]).toEqual([48, 0x23, NONCE]);
});

test.each([
  ['in this era', 3_976_214_400, '2026-01-01T00:00:00.000Z'],
  ['in the era that begins in 2036', 2 ** 32 + 3600, '2036-02-07T07:28:16.000Z'],
])('the time %s', (_, seconds, time) => {
  expect(decodeSntp(answered(seconds), NONCE)).toEqual({
    received: Date.parse(time),
    sent: Date.parse(time) + 500,
  });
});

test.each([
  ['of a server that does not know the time', { 0: 0xe4 }],
  ['of a kiss-o’-death', { 1: 0 }],
  ['that is a question', { 0: 0x23 }],
  ['to another question', { 24: 9 }],
])('an answer %s is none', (_, more) => {
  expect(decodeSntp(answered(3_976_214_400, more), NONCE)).toBeUndefined();
});

test('whatever bytes come, they are an answer or none', () => {
  const answers = fc
    .tuple(fc.uint8Array({ minLength: 48, maxLength: 100 }), fc.nat(16))
    .map(([bytes, stratum]) => {
      bytes.set([0x24, stratum]);
      bytes.set(NONCE, 24);
      return bytes;
    });
  let known = 0;
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), answers), (bytes) => {
      const answer = decodeSntp(Buffer.from(bytes), NONCE);
      if (answer === undefined) return;
      expect([answer.sent, answer.received].every(Number.isFinite)).toBe(true);
      known += 1;
    }),
  );
  expect(known).toBeGreaterThan(10);
});
