import { dottedName, named, wholePath, z } from 'cullinan/plugin';
import { describe, expect, test } from 'vitest';

describe('options that several plugins have', () => {
  test.each([
    ['/var/log', true],
    ['/', true],
    ['var/log', false],
    ['', false],
    [7, false],
  ])('the path %j', (path, good) => {
    expect(wholePath().safeParse(path).success).toBe(good);
  });

  test.each([
    ['app', true],
    ['app.web-1.a_b', true],
    ['app.', false],
    ['.app', false],
    ['a..b', false],
    ['a b', false],
    ['', false],
  ])('the name %j', (name, good) => {
    expect(dottedName().safeParse(name).success).toBe(good);
  });

  test('things under names that are neither empty nor without an end', () => {
    const numbers = named(z.number());
    expect(numbers.parse({ a: 1, ['b'.repeat(100)]: 2 })).toHaveProperty('a', 1);
    for (const wrong of [{ '': 1 }, { ['b'.repeat(101)]: 1 }, { a: 'one' }, [1]]) {
      expect(numbers.safeParse(wrong).success).toBe(false);
    }
  });
});
