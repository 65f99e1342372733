import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrame, FrameReader } from '../../src/wire/stomp.ts';

test('a frame, with what its headers must not have', () => {
  expect(encodeFrame('SEND', { destination: '/queue/a:b\\c\n' }, 'zoë')).toBe(
    'SEND\ndestination:/queue/a\\cb\\\\c\\n\ncontent-length:4\n\nzoë\0',
  );
  expect(encodeFrame('CONNECT', { login: 'a:b\nx:y' })).toBe('CONNECT\nlogin:a:bx:y\n\n\0');
});

const text = fc.string({ unit: 'grapheme' });
const frames = fc.array(
  fc.record({
    command: fc.constantFrom('SEND', 'MESSAGE', 'ERROR'),
    headers: fc.dictionary(
      text.filter((name) => name !== 'content-length'),
      text,
    ),
    body: fc.oneof(text, fc.constantFrom('\0', '\n\n', 'a\0b\n')),
  }),
);

describe('frames', () => {
  test('are read in whatever pieces they come', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat({ max: 30 })), (wanted, cuts) => {
        const reader = new FrameReader();
        const all = wanted.map((it) => encodeFrame(it.command, it.headers, it.body));
        let rest = Buffer.from(all.join('\n\r\n'));
        const seen: unknown[] = [];
        const take = (bytes: Buffer) => {
          for (const { command, headers, body } of reader.push(bytes)) {
            const given = [...headers].filter(([name]) => name !== 'content-length');
            seen.push({ command, headers: given, body });
          }
        };
        for (const cut of cuts) {
          take(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        take(rest);
        expect(seen).toEqual(wanted.map((it) => ({ ...it, headers: Object.entries(it.headers) })));
      }),
    );
  });

  test('of CONNECTED escape nothing, lines may end as in DOS, and the first of a name counts', () => {
    const bytes = Buffer.from('\nCONNECTED\r\nsession:ID:a-1:2\\n\r\nsession:b\r\n\r\n\0');
    expect(new FrameReader().push(bytes)).toEqual([
      { command: 'CONNECTED', headers: new Map([['session', 'ID:a-1:2\\n']]), body: '' },
    ]);
  });

  test.each([
    ['HTTP/1.1 400 Bad Request\r\n\r\n\0', 'begins "HTTP/1.1 400'],
    ['MESSAGE\nx\n\n\0', 'without a colon'],
    ['MESSAGE\nx:\\t\n\n\0', 'with "\\t"'],
    ['MESSAGE\nx:y\0', 'headers have no end'],
    ['MESSAGE\ncontent-length:99999999\n\n', 'of 99999999 bytes'],
    ['MESSAGE\ncontent-length:1\n\nab\0', 'does not end where it says'],
    ['x'.repeat(1_100_000), 'without an end'],
  ])('%.40j is none', (bytes, said) => {
    expect(() => new FrameReader().push(Buffer.from(bytes))).toThrow(said);
  });

  test('random bytes are frames, or a syntax error', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: fc.constantFrom('A', ':', '\n', '\r', '\0', '\\', 'content-length:3') }),
    );
    fc.assert(
      fc.property(noise, (bytes) => {
        try {
          new FrameReader().push(Buffer.from(bytes as string));
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});
