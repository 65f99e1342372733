import { answerReader, encodeRiemann, frame, type RiemannAnswer } from 'cullinan/wire/riemann';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { points } from '../support/delivery.ts';

const facts = { ttl: 20, tags: [], service: () => 'load' };

describe('messages', () => {
  test('hold as much as they may, and every event once', () => {
    const batch = points(0, 50);
    const messages = encodeRiemann(batch, facts, 512);
    expect(messages.length).toBeGreaterThan(2);
    for (const { length } of messages) expect(length).toBeLessThanOrEqual(512);
    const whole = encodeRiemann(batch, facts, 1e6);
    expect(whole).toHaveLength(1);
    expect(Buffer.concat(messages)).toEqual(whole[0]);
  });

  test('with an event that is longer by itself are one each', () => {
    const long = { ...facts, service: () => 'x'.repeat(600) };
    expect(encodeRiemann(points(0, 3), long, 512)).toHaveLength(3);
  });

  test('are none where there is nothing to say', () => {
    expect(encodeRiemann([], facts, 512)).toEqual([]);
  });
});

describe('answers', () => {
  const ok = frame(Buffer.from('1001', 'hex'));
  const refused = frame(Buffer.from('10001a026e6f', 'hex'));

  test('are read however they come in pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), fc.integer({ min: 1, max: 9 }), (all, piece) => {
        const seen: RiemannAnswer[] = [];
        const read = answerReader((answer) => seen.push(answer));
        const bytes = Buffer.concat(all.map((fine) => (fine ? ok : refused)));
        for (let i = 0; i < bytes.length; i += piece) read(bytes.subarray(i, i + piece));
        expect(seen).toEqual(all.map((fine) => ({ ok: fine, error: fine ? '' : 'no' })));
      }),
    );
  });

  test('of anything else are refused, and never kept', () => {
    const read = () => answerReader(() => undefined);
    expect(() => read()(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).toThrow(SyntaxError);
    expect(() => read()(frame(Buffer.from('0f', 'hex')))).toThrow(SyntaxError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          read()(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});
