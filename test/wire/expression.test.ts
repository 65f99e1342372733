import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it, test } from 'vitest';
import { textIn, whyRefused } from '../../src/wire/expression.ts';

describe('the text that an expression cannot match without', () => {
  it.each([
    ['order \\d+ failed', ' failed'],
    ['order: \\d+ failed', 'order: '],
    ['\\w+ failed for user (?P<who>\\S+)', ' failed for user '],
    ['^GET /api/v1\\.0/', 'GET /api/v1.0/'],
    ['colou?r of it', 'r of it'],
    ['xyz{0,3}a', 'xy'],
    ['abc+d', 'abc'],
    ['a{b}c', 'a{b}c'],
    ['[]abc]+done', 'done'],
    ['[[:alpha:]]+done', 'done'],
    ['café (?:a|b) crème', ' crème'],
    ['queue 😀*', 'queue '],
  ])('is the longest: %s', (expression, text) => {
    RE2JS.compile(expression);
    expect(textIn(expression)).toBe(text);
  });

  it.each([
    'a|b',
    'one|two',
    '(?i)order',
    '(?i:order) x',
    '\\d+',
    '(abc)?',
    'a',
    '\\x41bc',
    '\\Qa|b\\E',
    '.*',
    '',
  ])('is none that is certain: %s', (expression) => {
    RE2JS.compile(expression);
    expect(textIn(expression)).toBe(undefined);
  });

  it('stands in whatever is matched', () => {
    const piece = fc.constantFrom(
      ...[
        'ab',
        'abc',
        'a',
        'b+',
        'a*',
        'a?',
        'b{2}',
        'a{0,2}',
        '{a}',
        '.',
        '^',
        '$',
        '\\.',
        '\\d',
        '\\b',
        '[ab]',
        '[^]a]',
      ],
      ...[
        '(ab)',
        '(?:a|b)',
        '(?P<n>a+)',
        '(?P<m>[)])?',
        '[[:digit:]]',
        '|',
        '\\(',
        'é',
        '😀?',
        '\\)',
        '[\\]a]',
        '(?s)',
      ],
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(piece, { maxLength: 8 }),
        fc.array(fc.constantFrom(...'ab.()é😀1{}]'), { maxLength: 40 }),
        (pieces, chars) => {
          const expression = pieces.join('');
          const text = textIn(expression);
          if (text === undefined) return;
          const line = chars.join('');
          let compiled: RE2JS;
          try {
            compiled = RE2JS.compile(expression);
          } catch {
            return;
          }
          if (compiled.matcher(line).find()) expect(line).toContain(text);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('is looked for in any text', () => {
    fc.assert(fc.property(fc.string(), (text) => void textIn(text)));
    const special = fc.array(fc.constantFrom(...'\\[](){}|*+?.^$a:P<>'));
    fc.assert(fc.property(special, (chars) => void textIn(chars.join(''))));
  });
});

test.each([
  ['a(?=b)', 'has "(?=" in it, to look ahead or behind; say with except what must not be there.'],
  ['(?<!b)a', 'has "(?<!" in it'],
  ['(a)\\1', 'has "\\1" in it, to refer back to a group'],
  ['(?<n>a)\\k<n>', 'has "\\k<" in it'],
  ['a++', 'has "++" in it, not to go back'],
  ['(?>a)', 'has "(?>" in it'],
  ['(?(1)a|b)', 'has "(?(" in it'],
  ['(', 'is no expression of RE2: missing'],
])('%s is refused', (expression, why) => {
  expect(() => RE2JS.compile(expression)).toThrow();
  expect(whyRefused(expression, 'missing')).toContain(why);
});
