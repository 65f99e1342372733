import {
  ERROR,
  encodeCall,
  encodePong,
  type Frame,
  FrameReader,
  KEEPALIVE,
  LARGEST,
  OK,
  REMOTE,
  REPLY,
} from 'cullinan/wire/libvirt';
import {
  AUTH,
  decodeAuthList,
  decodeError,
  decodeList,
  decodeNode,
  decodeXml,
  encodeList,
  encodeOpen,
  encodeXml,
  PROCEDURES,
} from 'cullinan/wire/libvirt/calls';
import { type DomainStats, GuestReader } from 'cullinan/wire/libvirt/guest';
import { encodeStatsRequest, STATS, StatsReader } from 'cullinan/wire/libvirt/stats';
import { XdrWriter } from 'cullinan/wire/xdr';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chance } from '../support/damaged.ts';
import { recorded, SESSION } from '../support/libvirt-session.ts';

const { AUTH_LIST, CONNECT_OPEN, CONNECT_GET_ALL_DOMAIN_STATS } = PROCEDURES;
const DESTROY = 12;

const TINY = { name: 'tiny', uuid: '11111111-2222-3333-4444-555555555555', id: 5 };

const frameOf = (bytes: Buffer): Frame => {
  const [frame] = new FrameReader().push(bytes);
  if (frame === undefined) throw new Error('no whole frame');
  return frame;
};
const payloadOf = (procedure: number): Buffer =>
  frameOf(recorded('reply', procedure).bytes).payload;

/** A header, as far as it is given, and nothing else. */
const header = ({ length = 28, program = REMOTE, version = 1 }): Buffer =>
  new XdrWriter().uint(length).uint(program).uint(version).int(66).uint(1).uint(0).uint(0).finish();

describe('what is asked', () => {
  const call = (procedure: number, serial: number, payload?: Buffer): string =>
    encodeCall(procedure, serial, payload).toString('hex');
  const asRecorded = (procedure: number): string =>
    recorded('call', procedure).bytes.toString('hex');

  test('looks as it did in a session that libvirt answered', () => {
    expect(call(AUTH_LIST, 0)).toBe(asRecorded(AUTH_LIST));
    expect(call(CONNECT_OPEN, 1, encodeOpen('qemu:///system'))).toBe(asRecorded(CONNECT_OPEN));
    const request = encodeStatsRequest({ stats: 0, flags: 0 });
    expect(call(CONNECT_GET_ALL_DOMAIN_STATS, 2, request)).toBe(
      asRecorded(CONNECT_GET_ALL_DOMAIN_STATS),
    );
  });

  test('names guests as libvirt does', () => {
    // The recorded call was for another procedure, which takes no flags.
    const domain = encodeXml({ ...TINY, id: 2 }).subarray(0, -4);
    expect(call(DESTROY, 3, domain)).toBe(asRecorded(DESTROY));
    const request = encodeStatsRequest({ domains: [TINY], stats: STATS.cpu, flags: 1 });
    expect(request.toString('hex')).toBe(
      `00000001${encodeXml(TINY).toString('hex').slice(0, -8)}0000000200000001`,
    );
    expect(encodeList(3).toString('hex')).toBe('0000000100000003');
  });

  test('answers keep-alive in its own program', () => {
    expect(frameOf(encodePong())).toMatchObject({ program: KEEPALIVE, procedure: 2, type: 2 });
  });
});

describe('what is answered', () => {
  test('is read, whichever pieces it comes in', () => {
    const replies = SESSION.filter(({ direction }) => direction === 'reply');
    const stream = Buffer.concat(replies.map(({ bytes }) => bytes));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 200 }), (lengths) => {
        const reader = new FrameReader();
        const frames: Frame[] = [];
        let at = 0;
        for (const length of [...lengths, stream.length]) {
          frames.push(...reader.push(stream.subarray(at, at + length)));
          at += length;
        }
        expect(frames.map(({ procedure }) => procedure)).toEqual(
          replies.map(({ procedure }) => procedure),
        );
        expect(frames.every(({ type }) => type === REPLY)).toBe(true);
      }),
    );
  });

  test('says how we may say who we are', () => {
    expect(decodeAuthList(payloadOf(AUTH_LIST))).toEqual([AUTH.none]);
  });

  test('may be an error', () => {
    const { status, payload } = frameOf(recorded('reply', DESTROY).bytes);
    expect(status).toBe(ERROR);
    expect(decodeError(payload)).toEqual(recorded('reply', DESTROY).decoded);
  });

  test('holds all values of all guests', () => {
    const reply = recorded('reply', CONNECT_GET_ALL_DOMAIN_STATS);
    const { status, payload } = frameOf(reply.bytes);
    expect(status).toBe(OK);
    const [guest, ...others] = new StatsReader().read(payload);
    expect(others).toEqual([]);
    expect(guest).toMatchObject(TINY);
    const [{ params }] = reply.decoded as [{ params: Record<string, number | string> }];
    const values = Object.fromEntries(
      guest?.shape.names.map((name, i) => [name, guest.texts.get(i) ?? guest.numbers[i]]) ?? [],
    );
    // Integers of 64 bits were recorded as texts.
    const expected = Object.entries(params).map(([name, value]) => [
      name,
      /^\d+$/.test(String(value)) ? Number(value) : value,
    ]);
    expect(values).toEqual(Object.fromEntries(expected));
  });

  test('is of one shape for guests that have the same names', () => {
    const reader = new StatsReader();
    const payload = payloadOf(CONNECT_GET_ALL_DOMAIN_STATS);
    const [first] = reader.read(payload);
    const [second] = reader.read(payload);
    expect(second?.shape).toBe(first?.shape);
    const [test] = reader.read(
      frameOf(
        SESSION.filter(({ procedure, direction }) => procedure === 344 && direction === 'reply')[1]
          ?.bytes ?? Buffer.alloc(0),
      ).payload,
    );
    expect(test?.shape.names).toEqual(['state.state', 'state.reason']);
    expect(reader.read(payload)[0]?.shape).toBe(first?.shape);
  });

  test('has values of every type', () => {
    const values = new XdrWriter().uint(1).string('a').fixed(Buffer.alloc(16)).int(-1).uint(7);
    const add = (name: string, type: number) => values.string(name).int(type);
    add('int', 1).int(-5);
    add('uint', 2).uint(0xffff_ffff);
    add('llong', 3).hyper(-(2n ** 40n));
    add('ullong', 4).uhyper(2n ** 53n);
    add('double', 5).double(0.25);
    add('boolean', 6).int(1);
    add('string', 7).string('vda');
    const [guest] = new StatsReader().read(values.finish());
    expect(guest).toMatchObject({
      name: 'a',
      uuid: '00000000-0000-0000-0000-000000000000',
      id: -1,
    });
    expect([...(guest?.numbers ?? [])]).toEqual([
      ...[-5, 0xffff_ffff, -(2 ** 40), 2 ** 53, 0.25, 1],
      Number.NaN,
    ]);
    expect(guest?.texts).toEqual(new Map([[6, 'vda']]));
  });

  test('says what the machine has', () => {
    const model = new XdrWriter();
    for (const letter of 'x86_64'.padEnd(32, '\0')) model.int(letter.charCodeAt(0));
    const node = model.uhyper(24_683_232n).int(4).int(2600).int(1).int(1).int(4).int(1).finish();
    expect(decodeNode(node)).toEqual({ memory: 24_683_232 * 1024, cpus: 4 });
  });

  test('names guests as they are named in questions', () => {
    const domain = encodeXml(TINY).subarray(0, -4);
    const list = Buffer.concat([new XdrWriter().uint(1).finish(), domain]);
    expect(decodeList(list)).toEqual([TINY]);
    expect(decodeXml(new XdrWriter().string('<domain/>').finish())).toBe('<domain/>');
  });
});

describe('nothing is kept for', () => {
  test('a frame that is larger than libvirt allows', () => {
    expect(() => new FrameReader().push(header({ length: LARGEST + 5 }).subarray(0, 4))).toThrow(
      'a frame of 33554437 bytes, and libvirt allows 33554436',
    );
    expect(() => new FrameReader().push(header({ length: 100 * 2 ** 20 }))).toThrow(SyntaxError);
    expect(new FrameReader().push(header({ length: LARGEST + 4 }))).toEqual([]);
  });

  test('a frame without room for its header', () => {
    expect(() => new FrameReader().push(header({ length: 27 }))).toThrow('28 are its header');
    expect(() => new FrameReader().push(header({ length: 0 }))).toThrow(SyntaxError);
  });

  test('another program, or another version', () => {
    expect(() => new FrameReader().push(header({ program: 0x2000_8087 }))).toThrow(
      "the program 0x20008087, which is none of libvirt's",
    );
    expect(() => new FrameReader().push(header({ version: 2 }))).toThrow(
      'version 2, and 1 is spoken',
    );
  });

  test('more guests, values or text than libvirt has', () => {
    const guests = new XdrWriter().uint(16_385).finish();
    expect(() => new StatsReader().read(guests)).toThrow('16385 elements, and 16384 are allowed');
    const guest = () => new XdrWriter().uint(1).string('a').fixed(Buffer.alloc(16)).int(1);
    const values = guest().uint(262_145).finish();
    expect(() => new StatsReader().read(values)).toThrow('262145 elements, and 262144 are allowed');
    const text = guest().uint(1).string('x').int(7).uint(4_194_305).finish();
    expect(() => new StatsReader().read(text)).toThrow('4194305 bytes, and 4194304 are allowed');
  });

  test('guests and values that are not there', () => {
    const guests = new XdrWriter().uint(16_000).finish();
    expect(() => new StatsReader().read(guests)).toThrow('the message ends');
    const values = new XdrWriter().uint(1).string('a').fixed(Buffer.alloc(16)).int(1).uint(200_000);
    expect(() => new StatsReader().read(values.finish())).toThrow('the message ends');
  });
});

test('is read as if nothing had been remembered, whatever has changed since', () => {
  const payload = payloadOf(CONNECT_GET_ALL_DOMAIN_STATS);
  const reader = new StatsReader();
  const told = (reader: StatsReader, bytes: Buffer): unknown => {
    try {
      return reader
        .read(Buffer.from(bytes))
        .map(({ numbers, shape, texts, ...domain }) => [
          ...[domain, shape.names, [...texts], [...numbers]],
        ]);
    } catch (error) {
      return String(error);
    }
  };
  const change = fc.record({ at: fc.nat(payload.length - 1), byte: fc.nat(255) });
  let same = 0;
  fc.assert(
    fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
      reader.read(Buffer.from(payload));
      const changed = Buffer.from(payload);
      for (const { at, byte } of changes) changed[at] = byte;
      const [before] = reader.read(Buffer.from(payload));
      const expected = told(new StatsReader(), changed);
      expect(told(reader, changed)).toEqual(expected);
      reader.read(Buffer.from(payload));
      // Numbers alone leave the guest the object that it was.
      const [after] = reader.read(Buffer.from(payload));
      same += before === after ? 1 : 0;
    }),
    { numRuns: 2000 },
  );
  expect(same).toBeGreaterThan(0);
});

describe('a reply that is read as it arrives', () => {
  const whose = (n: number): Buffer => Buffer.from(String(n).padStart(32, '0'), 'hex');
  const NUMBERS = ['state.state', 'cpu.time', 'cpu.user', 'balloon.current', 'balloon.rss'];

  /** A reply about guests, each with as many values as its number says. */
  function reply(guests: readonly number[], round = 0): Buffer {
    const writer = new XdrWriter().uint(guests.length);
    for (const n of guests) {
      writer.string(`guest-${n}`).fixed(whose(n)).int(n);
      writer.uint(NUMBERS.length + n);
      for (const [i, name] of NUMBERS.entries())
        writer
          .string(name)
          .int(4)
          .uhyper(BigInt(i + round));
      for (let i = 0; i < n; i += 1) writer.string(`block.${i}.path`).int(7).string(`/${n}/${i}`);
    }
    return writer.finish();
  }
  const said = (guests: readonly DomainStats[]): unknown =>
    guests.map(({ name, uuid, id, shape, numbers, texts }) => [
      ...[name, uuid, id, shape.names, [...numbers], [...texts]],
    ]);
  function pushed(reader: StatsReader, bytes: Buffer, lengths: readonly number[]): unknown {
    reader.begin();
    let at = 0;
    // What a piece was in is written over when the next one comes.
    const socket = Buffer.alloc(700);
    for (const length of [...lengths, ...new Array(bytes.length).fill(socket.length)]) {
      if (at >= bytes.length) break;
      const copied = bytes.copy(socket, 0, at, at + length);
      reader.take(socket.subarray(0, copied));
      socket.fill(0xff);
      at += length;
    }
    return said(reader.end());
  }

  test('says the same in whichever pieces, of whoever comes, goes and changes', () => {
    const reader = new StatsReader();
    const guests = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 12 });
    const pieces = fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 60 });
    fc.assert(
      fc.property(guests, pieces, fc.nat(1000), (guests, pieces, round) => {
        const bytes = reply(guests, round);
        const expected = said(new StatsReader().read(bytes));
        expect(pushed(reader, bytes, pieces)).toEqual(expected);
      }),
    );
  });

  test('is refused at its end where it makes no sense, and the next one is read', () => {
    const reader = new StatsReader();
    const bytes = reply([1, 2, 3]);
    expect(() => pushed(reader, bytes.subarray(0, -4), [])).toThrow(SyntaxError);
    const damaged = Buffer.from(bytes);
    damaged.writeUInt32BE(99, 4 + 12 + 16 + 4 + 4);
    expect(() => pushed(reader, damaged, [])).toThrow('a name of 99 bytes, and 80 are allowed');
    expect(pushed(reader, bytes, [])).toEqual(said(new StatsReader().read(bytes)));
  });

  test('is not held by who reads its frame', () => {
    const bytes = reply([7, 8]);
    const reader = new StatsReader().begin();
    const frame = encodeCall(CONNECT_GET_ALL_DOMAIN_STATS, 4, bytes);
    const frames = new FrameReader(({ serial }) => (serial === 4 ? reader : undefined));
    const [one, other, ...others] = frames.push(
      Buffer.concat([frame, encodeCall(AUTH_LIST, 5, bytes)]),
    );
    expect(others).toEqual([]);
    expect(one?.payload).toHaveLength(0);
    expect(other?.payload).toEqual(bytes);
    expect(said(reader.end())).toEqual(said(new StatsReader().read(bytes)));
  });
});

test('shapes without end are forgotten', () => {
  const reader = new GuestReader();
  const read = (round: number) => {
    const writer = new XdrWriter().string('a').fixed(Buffer.alloc(16)).int(1).uint(1000);
    for (let i = 0; i < 1000; i += 1) writer.string(`${round}.${i}`).int(1).int(i);
    const { shape } = reader.read(writer.finish());
    expect(shape.names[999]).toBe(`${round}.999`);
    return shape;
  };
  const first = read(0);
  for (let round = 1; round < 50; round += 1) read(round);
  expect(read(0)).toBe(first);
  read(50);
  expect(read(0)).not.toBe(first);
});

test('what guests have in common is kept for 64 kinds of them', () => {
  const reader = new GuestReader();
  const read = (kind: number) => {
    const writer = new XdrWriter().string('a').fixed(Buffer.alloc(16)).int(1).uint(1);
    return reader.read(writer.string(`${kind}`).int(1).int(0).finish());
  };
  const guests = Array.from({ length: 64 }, (_, kind) => read(kind));
  const [first] = guests;
  expect(read(0).form).toBe(first?.form);
  guests.push(read(64));
  expect(read(0).form).not.toBe(first?.form);
  // Of those that are there the latest are kept, too.
  reader.keep(guests);
  expect(read(1).form).toBe(guests[1]?.form);
  expect(read(0).form).not.toBe(first?.form);
});

test('a million damaged frames are read, or refused with a SyntaxError', () => {
  const random = chance();
  const replies = SESSION.filter(({ direction }) => direction === 'reply');
  const stats = new StatsReader();
  const decoders = [decodeAuthList, decodeError, decodeNode, decodeList, decodeXml];
  let frames = 0;
  let refused = 0;
  const whole = Buffer.alloc(2048);
  for (let n = 0; n < 1_000_000; n += 1) {
    const { bytes, procedure } = replies[random(replies.length)] ?? { bytes: whole, procedure: 0 };
    const length = bytes.copy(whole);
    // Half of the changes at the lengths and counts, where they do harm.
    for (let changes = random(4); changes > 0; changes -= 1) {
      whole[random(2) > 0 ? random(length) : random(length / 4) * 4 + 3] = random(256);
    }
    const damaged = whole.subarray(0, random(10) > 0 ? length : random(length));
    try {
      for (const { payload } of new FrameReader().push(damaged)) {
        frames += 1;
        if (procedure === CONNECT_GET_ALL_DOMAIN_STATS) stats.read(payload);
        else decoders[random(decoders.length)]?.(payload);
      }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      refused += 1;
    }
  }
  expect(frames).toBeGreaterThan(400_000);
  expect(refused).toBeGreaterThan(100_000);
});
