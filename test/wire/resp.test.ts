import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCommand, type Reply, ReplyReader, RespError } from '../../src/wire/resp.ts';

test('a command, in bytes and not in characters', () => {
  expect(encodeCommand(['AUTH', 'zoë'])).toBe('*2\r\n$4\r\nAUTH\r\n$4\r\nzoë\r\n');
});

/** An answer as a server writes it. */
const encode = (reply: Reply): string => {
  if (reply === null) return '$-1\r\n';
  if (reply instanceof RespError) return `-${reply.message}\r\n`;
  if (typeof reply === 'number') return `:${reply}\r\n`;
  if (typeof reply === 'string') return `$${Buffer.byteLength(reply)}\r\n${reply}\r\n`;
  return `*${reply.length}\r\n${reply.map(encode).join('')}`;
};

const replies = fc.letrec<{ one: Reply }>((tie) => ({
  one: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.constant(null),
    fc.constant(new RespError('NOAUTH Authentication required.')),
    fc.array(tie('one'), { maxLength: 4 }),
  ),
})).one;

describe('answers', () => {
  test('are read in whatever pieces they come', () => {
    fc.assert(
      fc.property(fc.array(replies), fc.array(fc.nat({ max: 20 })), (wanted, cuts) => {
        const reader = new ReplyReader();
        let rest = Buffer.from(wanted.map(encode).join(''));
        const seen: Reply[] = [];
        for (const cut of cuts) {
          seen.push(...reader.push(rest.subarray(0, cut)));
          rest = rest.subarray(cut);
        }
        seen.push(...reader.push(rest));
        expect(seen).toEqual(wanted);
      }),
    );
  });

  test('of a simple kind, and lists that are none', () => {
    expect(new ReplyReader().push(Buffer.from('+OK\r\n*-1\r\n'))).toEqual(['OK', null]);
  });

  test('random bytes are answers, or a syntax error', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: fc.constantFrom('*', '$', ':', '-', '1', '9', '\r\n', 'x') }),
    );
    fc.assert(
      fc.property(bytes, (noise) => {
        try {
          new ReplyReader().push(Buffer.from(noise as string));
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });

  test.each([
    ['HTTP/1.1 400 Bad Request\r\n', 'begins "H"'],
    ['$99999999\r\n', 'of 99999999 bytes'],
    ['*999999\r\n', 'beyond measure'],
    ['*1\r\n'.repeat(10), 'beyond measure'],
    ['$1\r\nabc\r\n', 'does not end where it says'],
    [`+${'x'.repeat(70_000)}`, 'without an end'],
  ])('%j is none', (text, said) => {
    expect(() => new ReplyReader().push(Buffer.from(text))).toThrow(said);
  });

  test('a list of long texts is not waited for without end', () => {
    const reader = new ReplyReader();
    reader.push(Buffer.from('*9\r\n'));
    const text = Buffer.from(`$3000000\r\n${'x'.repeat(3_000_000)}\r\n`);
    expect(reader.push(text)).toEqual([]);
    reader.push(text);
    expect(() => reader.push(text)).toThrow('an answer of RESP without an end');
  });
});
