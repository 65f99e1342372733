import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Call,
  decodeMessage,
  encodeCall,
  encodeHello,
  MessageReader,
} from '../../src/wire/dbus.ts';

const CALL: Call = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.DBus.Properties',
  member: 'Get',
  texts: ['org.freedesktop.systemd1.Manager', 'SystemState'],
};

/** A message by hand. @param fields code, type and value of each. */
function message(
  type: number,
  fields: readonly (readonly [code: number, type: string, value: string | number])[],
  body: Buffer,
): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer) => {
    parts.push(part);
    length += part.length;
  };
  const uint = (value: number) => {
    add(Buffer.alloc(-length & 3));
    add(Buffer.from(new Uint32Array([value]).buffer));
  };
  for (const [code, kind, value] of fields) {
    add(Buffer.alloc(-length & 7));
    add(Buffer.from([code, 1, kind.charCodeAt(0), 0]));
    if (typeof value === 'number') uint(value);
    else if (kind === 'g') add(Buffer.from(`${String.fromCharCode(value.length)}${value}\0`));
    else {
      uint(value.length);
      add(Buffer.from(`${value}\0`));
    }
  }
  const head = Buffer.alloc(16);
  head.set([0x6c, type, 1, 1]);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(9, 8);
  head.writeUInt32LE(length, 12);
  return Buffer.concat([head, ...parts, Buffer.alloc(-length & 7), body]);
}

const text = (value: string): Buffer => {
  const bytes = Buffer.alloc(Math.ceil((value.length + 5) / 4) * 4);
  bytes.writeUInt32LE(value.length);
  bytes.write(value, 4);
  return bytes;
};

describe('D-Bus', () => {
  it('says who we are in hexadecimal digits', () => {
    expect(encodeHello(1000)).toBe('\0AUTH EXTERNAL 31303030\r\n');
  });

  it('reads the call that it wrote', () => {
    expect(decodeMessage(encodeCall(CALL, 7))).toEqual({
      type: 'call',
      answers: 0,
      error: undefined,
      body: CALL.texts,
    });
  });

  it('reads an answer: structures in an array, a variant, numbers of every width', () => {
    const row = Buffer.alloc(24);
    row.writeUInt32LE(1, 0);
    row.set([0x61, 0], 4);
    row.writeInt16LE(-2, 6);
    row.writeBigUInt64LE(7n, 8);
    row.writeDoubleLE(0.5, 16);
    const body = Buffer.concat([Buffer.from([24, 0, 0, 0, 0, 0, 0, 0]), row]);
    const answer = message(
      2,
      [
        [5, 'u', 7],
        [8, 'g', 'a(sntd)'],
      ],
      body,
    );
    expect(decodeMessage(answer)).toEqual({
      type: 'return',
      answers: 7,
      error: undefined,
      body: [[['a', -2, 7, 0.5]]],
    });
    const variant = message(
      2,
      [[8, 'g', 'v']],
      Buffer.concat([Buffer.from([1, 0x73, 0, 0]), text('running')]).subarray(0, 16),
    );
    expect(decodeMessage(variant).body).toEqual(['running']);
  });

  it('reads an error', () => {
    const error = message(
      3,
      [
        [4, 's', 'org.example.Denied'],
        [8, 'g', 's'],
      ],
      text('no').subarray(0, 7),
    );
    expect(decodeMessage(error)).toMatchObject({ error: 'org.example.Denied', body: ['no'] });
  });

  it('takes a stream apart wherever it was cut', () => {
    const bytes = Buffer.concat([
      encodeCall(CALL, 1),
      encodeCall({ ...CALL, texts: [] }, 2),
      encodeCall(CALL, 3),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (places) => {
        const reader = new MessageReader();
        const cuts = [0, ...places.sort((a, b) => a - b), bytes.length];
        const seen = cuts.flatMap((from, i) => [
          ...reader.push(bytes.subarray(from, cuts[i + 1] ?? from)),
        ]);
        expect(seen.map(({ body }) => body)).toEqual([CALL.texts, [], CALL.texts]);
      }),
    );
  });

  it('refuses what is no D-Bus, or too long, at once', () => {
    expect(() => [
      ...new MessageReader().push(Buffer.from('HTTP/1.1 400 Bad Request\r\n')),
    ]).toThrow(SyntaxError);
    const long = encodeCall(CALL, 1);
    long.writeUInt32LE(0x7fff_ffff, 4);
    expect(() => [...new MessageReader().push(long)]).toThrow(/too long/);
  });

  it('reads damaged messages, or refuses them', () => {
    const sound = message(
      2,
      [
        [5, 'u', 7],
        [8, 'g', 'a(ss)'],
      ],
      Buffer.concat([Buffer.from([16, 0, 0, 0, 0, 0, 0, 0]), text('ab'), text('cd')]),
    );
    const damage = fc.array(fc.record({ at: fc.nat(sound.length - 1), byte: fc.nat(255) }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(damage, (changes) => {
        const bytes = Buffer.from(sound);
        for (const { at, byte } of changes) bytes[at] = byte;
        try {
          decodeMessage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
      { numRuns: 20_000 },
    );
  });
});
