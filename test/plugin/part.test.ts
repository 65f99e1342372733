import { AccessDenied, count, gauge, NoData, type Observation, part } from 'cullinan/plugin';
import { expect, test } from 'vitest';

const level = gauge('level', { unit: 'count', help: 'A level.' });

/** What a part comes to that observes 1 and then meets this. */
function run(meet: () => void) {
  const items: (Observation | Error)[] = [];
  const observing = part(function* () {
    yield level.observe(count(1));
    meet();
    yield level.observe(count(2));
  });
  for (;;) {
    const { done, value } = observing.next();
    if (done) return { items: items.map((i) => (i instanceof Error ? i : i.value)), there: value };
    items.push(value as Observation | Error);
  }
}

test('passes on what is observed', () => {
  expect(run(() => undefined)).toEqual({ items: [1, 2], there: true });
});

test('passes over what is absent', () => {
  const absent = () => {
    throw new NoData('gone');
  };
  expect(run(absent)).toEqual({ items: [1], there: false });
});

test('yields an error in place of what could not be observed', () => {
  const denied = new AccessDenied('no');
  const refuse = () => {
    throw denied;
  };
  expect(run(refuse)).toEqual({ items: [1, denied], there: true });
});
