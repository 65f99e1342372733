/** Regular expressions of other programs (POSIX, Python, PCRE) as patterns of ours. */

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  xdigit: '0-9A-Fa-f',
  punct: '!-\\/:-@\\[-`\\{-~',
};

/** What must stay escaped where expressions are read strictly (the flag `u`). */
const SYNTAX = /[$^\\.*+?()[\]{}|/]/;
const LETTERS = /[dDsSwWbBnrtfvpPxuck0-9]/;

/**
 * The same expression as the agent's patterns take it; `undefined` where it cannot be expressed or is
 * none.
 */
export function expression(source: string): string | undefined {
  let made = '';
  let inClass = false;
  for (let at = 0; at < source.length; at += 1) {
    const rest = source.slice(at);
    const character = source[at] ?? '';
    const named = /^\[:(\w+):\]/.exec(rest);
    if (inClass && named !== null) {
      const members = CLASSES[named[1] ?? ''];
      if (members === undefined) return undefined;
      made += members;
      at += named[0].length - 1;
    } else if (character === '\\') {
      made += escaped(source[at + 1] ?? '', inClass);
      at += 1;
    } else if (inClass) {
      if (character === ']') inClass = false;
      made += character === '[' ? '\\[' : character;
    } else if (character === '[') {
      inClass = true;
      const start = /^\[\^?\]?/.exec(rest)?.[0] ?? '[';
      made += start.replace(/\]$/, '\\]');
      at += start.length - 1;
    } else if (character === '{' && !/^\{\d*,?\d*\}/.test(rest)) made += '\\{';
    else if (character === '}' && !/\{\d+,?\d*$/.test(made)) made += '\\}';
    else if (character === ']') made += '\\]';
    else made += character;
  }
  const text = made.replace(/\(\?P</g, '(?<');
  try {
    new RegExp(text, 'u');
    return text;
  } catch {
    return undefined;
  }
}

function escaped(next: string, inClass: boolean): string {
  if (next === 'A') return '^';
  if (next === 'Z' || next === 'z') return '$';
  if (SYNTAX.test(next) || LETTERS.test(next) || (inClass && next === '-')) return `\\${next}`;
  return next;
}

/** A text as a pattern that fits nothing else. */
export const exactly = (text: string): string =>
  /[*?[\]{}!]/.test(text) || text.startsWith('re:') || text.includes(' & ')
    ? `re:^${quoted(text)}$`
    : text;

/** A text within an expression. */
export const quoted = (text: string): string => text.replace(/[$^\\.*+?()[\]{}|/]/g, '\\$&');
