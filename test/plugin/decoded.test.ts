import { decoded, ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';

const throwing = (error: Error) => () => {
  throw error;
};

test('what can be read, and what cannot', () => {
  expect(decoded(() => 1)).toBe(1);
  const cause = new SyntaxError('no JSON: "<html>"');
  expect(() => decoded(throwing(cause))).toThrow(new ParseError('no JSON: "<html>"', { cause }));
  expect(() => decoded(throwing(cause), 'Is this the page?')).toThrow(
    new ParseError('no JSON: "<html>". Is this the page?', { cause }),
  );
});

test('a mistake of the codec is none of the source', () => {
  const mistake = new TypeError('undefined is no function');
  expect(() => decoded(throwing(mistake))).toThrow(mistake);
});
