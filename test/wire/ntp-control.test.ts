import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  associationsIn,
  ControlAnswer,
  encodeControl,
  NtpRefusal,
  variablesIn,
} from '../../src/wire/ntp-control.ts';

/** A piece of an answer. */
function piece(text: string, { offset = 0, more = false, sequence = 1, error = 0 } = {}): Buffer {
  const head = Buffer.alloc(12);
  head[0] = 0xd6;
  head[1] = 0x82 | (more ? 0x20 : 0) | (error === 0 ? 0 : 0x40);
  head.writeUInt16BE(sequence, 2);
  head[4] = error;
  head.writeUInt16BE(offset, 8);
  head.writeUInt16BE(Buffer.byteLength(text, 'latin1'), 10);
  const padding = Buffer.alloc((4 - (text.length % 4)) % 4);
  return Buffer.concat([head, Buffer.from(text, 'latin1'), padding]);
}

describe('control messages of NTP', () => {
  test('ask as ntpq does', () => {
    expect(encodeControl('variables', 0x0102, 0x4567).toString('hex')).toBe(
      '160201020000456700000000',
    );
    expect(encodeControl('list', 1).toString('hex')).toBe('160100010000000000000000');
  });

  test('an answer in pieces, in whatever order they come', () => {
    const text = 'leap=0, stratum=2, refid=192.0.2.1, version="ntpd, 1.2"';
    const order = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
    fc.assert(
      fc.property(order, fc.nat({ max: 20 }), (order, cut) => {
        const at = [0, cut + 1, cut + 20, text.length];
        const pieces = [0, 1, 2].map((i) =>
          piece(text.slice(at[i], at[i + 1]), { offset: at[i] ?? 0, more: i < 2 }),
        );
        const answer = new ControlAnswer(1);
        const whole = order.map((i) => answer.push(pieces[i] ?? Buffer.alloc(0)));
        expect(whole.slice(0, 2)).toEqual([undefined, undefined]);
        expect(String(whole[2])).toBe(text);
      }),
    );
  });

  test('a piece of nothing, and one behind all that there may be', () => {
    const answer = new ControlAnswer(1);
    expect(answer.push(piece('', { more: true }))).toBeUndefined();
    expect(answer.push(piece('b', { offset: 1 }))).toBeUndefined();
    expect(String(answer.push(piece('a', { more: true })))).toBe('ab');
    expect(() => answer.push(piece('ab', { offset: 65_535 }))).toThrow(SyntaxError);
  });

  test('variables, with text in quotes', () => {
    const text = 'leap=3, reach=0xff,\r\nsrchost="a, b", version="ntpd=4", offset=-0.5\r\n';
    expect([...variablesIn(Buffer.from(text))]).toEqual([
      ...[
        ['leap', '3'],
        ['reach', '0xff'],
        ['srchost', 'a, b'],
      ],
      ...[
        ['version', 'ntpd=4'],
        ['offset', '-0.5'],
      ],
    ]);
  });

  test('sources, and how it stands with them', () => {
    expect(associationsIn(Buffer.from('4568961445678011', 'hex'))).toEqual([
      { id: 0x4568, selection: 6 },
      { id: 0x4567, selection: 0 },
    ]);
  });

  test('the answer to another question is none, and a refusal is one', () => {
    expect(new ControlAnswer(2).push(piece('x'))).toBeUndefined();
    for (const [error, message, denied] of [
      [7, 'it is not allowed', true],
      [1, 'authentication failed', true],
      [4, 'it knows no such association', false],
    ] as const) {
      const refused = () => new ControlAnswer(1).push(piece('', { error }));
      expect(refused).toThrow(NtpRefusal);
      expect(refused).toThrow(expect.objectContaining({ message, denied }));
    }
  });

  test('whatever comes, it is an answer, none, or a syntax error', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary-ascii' }).map((text) => piece(text)),
    );
    fc.assert(
      fc.property(fc.array(noise), (datagrams) => {
        const answer = new ControlAnswer(1);
        for (const bytes of datagrams) {
          try {
            const whole = answer.push(bytes);
            if (whole === undefined) continue;
            variablesIn(whole);
            associationsIn(whole);
          } catch (error) {
            if (!(error instanceof NtpRefusal)) expect(error).toBeInstanceOf(SyntaxError);
          }
        }
      }),
    );
  });
});
