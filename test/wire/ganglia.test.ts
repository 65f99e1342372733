import {
  decodePacket,
  decodeRequest,
  encodePacket,
  type GangliaPacket,
  type GangliaValueType,
  LONGEST_PACKET,
} from 'cullinan/wire/ganglia';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CAPTURES, type Capture } from '../support/ganglia-captures.ts';

const SLOPES = ['zero', 'positive', 'negative', 'both', 'unspecified', 'derivative'] as const;

/** What the recorded kinds are called here. */
const TYPES: Readonly<Record<string, GangliaValueType>> = {
  ushort: 'uint16',
  short: 'int16',
  uint: 'uint32',
  int: 'int32',
  string: 'string',
  float: 'float',
  double: 'double',
};

/** What was read in a capture, in this codec's words. */
function expected({ kind, metric_id: id, ...fields }: Capture['fields']): unknown {
  if (kind === 'metadata_request') return { kind: 'request', id };
  if (kind !== 'metadata_full') {
    const { fmt: format, value } = fields;
    return { kind: 'value', id, type: TYPES[kind], format, value: approximately(kind, value) };
  }
  const { type, units, slope, tmax, dmax, extra } = fields;
  return {
    ...{ kind: 'metadata', id, type, units, tmax, dmax, slope: SLOPES[Number(slope)] },
    extra: (extra as { name: string; data: string }[]).map(({ name, data }) => [name, data]),
  };
}

/** Of a float, as many digits were recorded as tell it from its neighbours. */
const approximately = (kind: string, value: unknown): unknown =>
  kind === 'float' ? Math.fround(Number(value)) : value;

describe('every packet that gmond and gmetric were seen to send', () => {
  test.each(CAPTURES.map((capture) => [capture.name, capture] as const))('%s', (_, capture) => {
    const packet = decodePacket(capture.bytes);
    expect(packet).toEqual(expected(capture.fields));
    if (packet === undefined) return;
    expect(Buffer.from(encodePacket(packet)).toString('hex')).toBe(capture.bytes.toString('hex'));
  });
});

const text = fc.string({ unit: 'binary', maxLength: 24 });
const id = fc.record({ host: text, name: text, spoof: fc.boolean() });
const uint = fc.nat(0xffff_ffff);
const typed = (type: GangliaValueType, value: fc.Arbitrary<number | string>) =>
  fc.record({
    ...{ kind: fc.constant('value' as const), id, type: fc.constant(type), format: text },
    value,
  });
const packet: fc.Arbitrary<GangliaPacket> = fc.oneof(
  fc.record({ kind: fc.constant('request' as const), id }),
  fc.record({
    ...{ kind: fc.constant('metadata' as const), id, type: text, units: text },
    ...{ slope: fc.constantFrom(...SLOPES), tmax: uint, dmax: uint },
    extra: fc.array(fc.tuple(text, text), { maxLength: 4 }),
  }),
  typed('string', text),
  typed('uint16', fc.nat(0xffff)),
  typed('int16', fc.integer({ min: -0x8000, max: 0x7fff })),
  typed('uint32', uint),
  typed('int32', fc.integer()),
  typed('float', fc.float()),
  typed('double', fc.double()),
);

describe('a packet', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(packet, (written) => {
        expect(decodePacket(encodePacket(written))).toEqual(written);
      }),
    );
  });

  test('is none where a byte of it is missing, and one where some follow it', () => {
    fc.assert(
      fc.property(packet, fc.nat(), (written, cut) => {
        const bytes = encodePacket(written);
        expect(decodePacket(bytes.subarray(0, cut % bytes.length))).toBeUndefined();
        expect(decodePacket(Buffer.concat([bytes, Buffer.from('more')]))).toEqual(written);
      }),
    );
  });

  test('of Ganglia 2.5, of no kind, or of no protocol at all is none', () => {
    for (const hex of ['', '00', '0000007f', '00000089', '80000000', 'ffffffffffffffff']) {
      expect(decodePacket(Buffer.from(hex, 'hex'))).toBeUndefined();
    }
    expect(decodePacket(Buffer.from('GET / HTTP/1.0\r\n\r\n'))).toBeUndefined();
  });

  const nobody = { host: '', name: 'm', spoof: false };

  test('of a slope that has no name is unspecified', () => {
    const bytes = Buffer.from(
      encodePacket({
        ...{ kind: 'metadata', id: nobody, type: '', units: '', slope: 'both' },
        ...{ tmax: 60, dmax: 0, extra: [] },
      }),
    );
    bytes.writeUInt32BE(99, bytes.length - 16);
    expect(decodePacket(bytes)).toMatchObject({ slope: 'unspecified', tmax: 60 });
  });

  test('is not written with a number that its type has not', () => {
    const write = (type: GangliaValueType, value: number) => () =>
      encodePacket({ kind: 'value', id: nobody, type, format: '', value });
    expect(write('uint16', 65_536)).toThrow('65536 is no uint16');
    expect(write('int16', -32_769)).toThrow(RangeError);
    expect(write('uint32', -1)).toThrow(RangeError);
    expect(write('int32', 1.5)).toThrow(RangeError);
    expect(write('uint32', Number.NaN)).toThrow(RangeError);
  });

  test('is not written longer than gmond reads', () => {
    const write = (name: string) => encodePacket({ kind: 'request', id: { ...nobody, name } });
    expect(write('x'.repeat(LONGEST_PACKET - 16))).toHaveLength(LONGEST_PACKET);
    expect(() => write('x'.repeat(LONGEST_PACKET - 15))).toThrow('a packet of 1468 bytes');
  });
});

test('a request is told from all else', () => {
  const asked = CAPTURES.flatMap(({ bytes }) => decodeRequest(bytes) ?? []);
  expect(asked).toEqual([{ host: '10.99.0.1', name: 'nometa', spoof: false }]);
  for (const hex of ['', '00000088', '00000188', '0000008800000004']) {
    expect(decodeRequest(Buffer.from(hex, 'hex'))).toBeUndefined();
  }
});

describe('whatever arrives', () => {
  test('is a packet that can be written again, or none', () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(...CAPTURES),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      )
      .map(([{ bytes }, changes]) => {
        const changed = Buffer.from(bytes);
        for (const [at, byte] of changes) changed[at % changed.length] = byte;
        return changed;
      });
    const any = fc.oneof(mutated, fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(any, (bytes) => {
        const read = decodePacket(bytes);
        if (read === undefined) return;
        const again = encodePacket(read);
        expect(decodePacket(again)).toEqual(read);
      }),
      { numRuns: 20_000 },
    );
  });
});
