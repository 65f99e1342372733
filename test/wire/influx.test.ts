import { influxKey, influxLine } from 'cullinan/wire/influx';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('a line', () => {
  test.each([
    ['ns', '1795219200250000000'],
    ['us', '1795219200250000'],
    ['ms', '1795219200250'],
    ['s', '1795219200'],
  ] as const)('has its time in %s', (precision, time) => {
    expect(influxLine('load', 'value', 0.5, 1_795_219_200.25, precision)).toBe(
      `load value=0.5 ${time}\n`,
    );
  });

  test('escapes what separates, and has its tags in order', () => {
    expect(influxKey('a b,c=d', { 'z z': '1', b: 'x=y', 'a,': 'p q', none: '' })).toBe(
      'a\\ b\\,c=d,a\\,=p\\ q,b=x\\=y,z\\ z=1',
    );
  });

  test('says integers apart, and the time before 1970', () => {
    expect(influxLine('m', 'n', 7n, -1.5, 'ms')).toBe('m n=7i -1500\n');
    expect(influxLine('m', 'a b', 1e21, 0, 's')).toBe('m a\\ b=1e+21 0\n');
  });

  test.each([
    ['\\', '?'],
    ['a\\b', 'a\\b'],
    ['a\\ b', 'a?\\ b'],
    ['a\nb', 'a?b'],
    ['#a', '?a'],
  ])('has no measurement that would be read as something else: %j', (said, sent) => {
    expect(influxKey(said, {})).toBe(sent);
  });

  test('is refused without a name, and where there is no number', () => {
    expect(() => influxKey('', {})).toThrow(RangeError);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => influxLine('m', 'v', value, 0, 's')).toThrow('is no value of InfluxDB');
      expect(() => influxLine('m', 'v', 0, value, 's')).toThrow('is no time');
    }
  });
});

/** Reads a key as InfluxDB does: split at what is not escaped, then without the escapes. */
function read(key: string): readonly [string, Readonly<Record<string, string>>] {
  const plain = (text = '') => text.replace(/\\([, =])/g, '$1');
  const [measurement, ...tags] = key.split(/(?<!\\),/);
  const pairs = tags.map((tag) => tag.split(/(?<!\\)=/).map(plain) as [string, string]);
  return [plain(measurement), Object.fromEntries(pairs)];
}

test('every name that can be said is read as it is, and none breaks its line', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.string({ unit: fc.constantFrom(...'a,= \\"#\n'), minLength: 1 }),
  );
  fc.assert(
    fc.property(text, fc.dictionary(text, text), (measurement, tags) => {
      const key = influxKey(measurement, tags);
      expect(key).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect(key.startsWith('#')).toBe(false);
      const [name, read_] = read(key);
      const sayable = (said: string) => !/[\p{Cc}\u2028\u2029]|^#|\\(?=[, ="\\]|$)/u.test(said);
      if (sayable(measurement)) expect(name).toBe(measurement);
      if (Object.entries(tags).flat().every(sayable)) expect(read_).toEqual(tags);
      const names = key.split(/(?<!\\),/).map((tag) => tag.split(/(?<!\\)=/)[0]);
      expect(names.slice(1)).toEqual(names.slice(1).sort());
    }),
  );
});
