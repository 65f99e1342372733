import { decodeProtobuf, ProtobufWriter } from 'cullinan/wire/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';

test('writes what the encoding guide shows', () => {
  const hex = (writer: ProtobufWriter) => writer.finish().toString('hex');
  expect(hex(new ProtobufWriter().integer(1, 150))).toBe('089601');
  expect(hex(new ProtobufWriter().text(2, 'testing'))).toBe('120774657374696e67');
  const inner = new ProtobufWriter().integer(1, 150).finish();
  expect(hex(new ProtobufWriter().bytes(3, inner))).toBe('1a03089601');
  expect(hex(new ProtobufWriter().integer(1, -2))).toBe('08feffffffffffffffff01');
});

test('reads what it writes', () => {
  const field = fc.integer({ min: 1, max: 2 ** 29 - 1 });
  const part = fc.oneof(
    fc.record({ field, integer: fc.maxSafeNat() }),
    fc.record({ field, double: fc.double({ noNaN: true }) }),
    fc.record({ field, text: fc.string({ unit: 'binary', maxLength: 400 }) }),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const writer = new ProtobufWriter();
      for (const one of parts) {
        if ('integer' in one) writer.integer(one.field, one.integer);
        else if ('double' in one) writer.double(one.field, one.double);
        else writer.text(one.field, one.text);
      }
      const values = parts.map((one) => ({
        field: one.field,
        value:
          'integer' in one ? one.integer : 'double' in one ? one.double : Buffer.from(one.text),
      }));
      expect(decodeProtobuf(writer.finish())).toEqual(values);
    }),
  );
});

test('takes whatever bytes there are, and none for more than they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const fields = decodeProtobuf(Buffer.from(bytes)) ?? [];
      expect(fields.length).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

test.each(['08', '0a05', '0a', '09000000', '0d00', '0f', '00', '0bffffffffffffffffffffff'])(
  '%s is no message',
  (hex) => {
    expect(decodeProtobuf(Buffer.from(hex, 'hex'))).toBeUndefined();
  },
);
