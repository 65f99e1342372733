import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldsIn, flagIn, listOf, numberIn, parseJson, textIn } from '../../src/wire/json.ts';

describe('JSON of somebody else', () => {
  test('is what it is, or an error that says where', () => {
    expect(parseJson('/api', '{"a":[1]}')).toEqual({ a: [1] });
    expect(() => parseJson('/api', '<html>')).toThrow(new SyntaxError('/api: no JSON: "<html>"'));
  });

  test('has what is asked for, or nothing', () => {
    const value = { a: { b: { n: 1, t: 'text', f: true, l: [1] } } };
    const fields = fieldsIn(value, 'a', 'b');
    expect(numberIn(fields, 'n')).toBe(1);
    expect(numberIn(fields, 't')).toBeUndefined();
    expect(numberIn(fieldsIn(parseJson('/', '{"n":1e999}')), 'n')).toBeUndefined();
    expect(textIn(fields, 't')).toBe('text');
    expect(textIn(fields, 't', 3)).toBeUndefined();
    expect(flagIn(fields, 'f')).toBe(true);
    expect(listOf(fields['l'])).toEqual([1]);
    expect(listOf('text')).toEqual([]);
    expect(fieldsIn(value, 'a', 'x', 'y')).toEqual({});
    expect(fieldsIn({}, 'constructor')).toEqual({});
  });

  test('of any shape does no harm', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.string()), (value, path) => {
        const fields = fieldsIn(value, ...path);
        for (const name of [...Object.keys(fields), '__proto__', 'toString']) {
          expect(Number.isFinite(numberIn(fields, name) ?? 0)).toBe(true);
          expect(typeof (textIn(fields, name) ?? '')).toBe('string');
        }
      }),
    );
  });
});
