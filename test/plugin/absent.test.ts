import { AccessDenied, NoData, unlessAbsent } from 'cullinan/plugin';
import { expect, test } from 'vitest';

const throwing = (error: Error) => () => {
  throw error;
};

test('what is there, and what is not', () => {
  expect(unlessAbsent(() => 'text')).toBe('text');
  expect(unlessAbsent(throwing(new NoData('/sys/a does not exist here')))).toBeUndefined();
});

test('what cannot be read is not absent', () => {
  const denied = new AccessDenied('/sys/a: permission denied');
  expect(() => unlessAbsent(throwing(denied))).toThrow(denied);
});
