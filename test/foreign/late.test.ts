import { expect, test } from 'vitest';
import { whenAsked } from '../../src/foreign/late.ts';

interface Thing {
  readonly name: string;
  readonly weight?: number;
}

function late() {
  let made = 0;
  const it = whenAsked<Thing>({ name: 'feather' }, () => {
    made += 1;
    return { name: 'feather', weight: 1 };
  });
  return { it, made: () => made };
}

test('what is known is answered without making anything', () => {
  const { it, made } = late();
  expect([it.name, 'name' in it, made()]).toEqual(['feather', true, 0]);
});

test.each([
  ['a property', (it: Thing) => it.weight],
  ['whether it has one', (it: Thing) => ('weight' in it ? 1 : 0)],
  ['a copy', (it: Thing) => ({ ...it }).weight],
])('it is made once, when more is asked: %s', (_, ask) => {
  const { it, made } = late();
  expect([ask(it), ask(it), made()]).toEqual([1, 1, 1]);
});
