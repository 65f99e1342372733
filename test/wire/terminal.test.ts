import { abilitiesOf, keyOf, redraw } from 'cullinan/wire/terminal';
import { describe, expect, test } from 'vitest';

const auto = { colour: 'auto', unicode: 'auto' } as const;

describe('a redraw', () => {
  test('writes every line when nothing is known of the terminal, and clears what is below', () => {
    expect(redraw(['a', 'b'], undefined)).toBe(
      '\x1b[?2026h\x1b[1;1Ha\x1b[K\x1b[2;1Hb\x1b[K\x1b[J\x1b[?2026l',
    );
  });

  test('writes only the lines that changed', () => {
    expect(redraw(['a', 'c'], ['a', 'b'])).toBe('\x1b[?2026h\x1b[2;1Hc\x1b[K\x1b[?2026l');
  });
});

describe('a terminal', () => {
  test('has colours and Unicode unless its environment says otherwise', () => {
    expect(abilitiesOf({ TERM: 'xterm' }, auto)).toEqual({
      colour: true,
      unicode: true,
      moves: true,
    });
    expect(abilitiesOf({ TERM: 'xterm', NO_COLOR: '1' }, auto).colour).toBe(false);
    expect(abilitiesOf({ TERM: 'xterm', NO_COLOR: '' }, auto).colour).toBe(true);
    expect(abilitiesOf({ TERM: 'xterm', LANG: 'C' }, auto).unicode).toBe(false);
    expect(abilitiesOf({ TERM: 'xterm', LANG: 'C', LC_ALL: 'de_DE.utf8' }, auto).unicode).toBe(
      true,
    );
    expect(abilitiesOf({ TERM: 'linux', LANG: 'C.UTF-8' }, auto).unicode).toBe(false);
  });

  test('that is dumb has neither, and does not move its cursor', () => {
    expect(abilitiesOf({ TERM: 'dumb', LANG: 'C.UTF-8' }, auto)).toEqual({
      colour: false,
      unicode: false,
      moves: false,
    });
  });

  test('does what the configuration says', () => {
    const env = { TERM: 'xterm', NO_COLOR: '1' };
    expect(abilitiesOf(env, { colour: 'always', unicode: 'never' })).toMatchObject({
      colour: true,
      unicode: false,
    });
  });
});

test.each([
  ['\x03', 'quit'],
  ['q', 'quit'],
  ['\x0c', 'redraw'],
  ['\x1a', 'suspend'],
  ['x', undefined],
  ['\x1b[A', undefined],
])('the key %j means %s', (bytes, key) => {
  expect(keyOf(bytes)).toBe(key);
});
