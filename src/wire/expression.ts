/** What can be told of a regular expression of RE2 by its text. Pure. */

/** A quantifier, such as `{2,5}`; what is no such is read as it stands. */
const REPEATED = /\{\d+(?:,\d*)?\}/y;
/** Groups whose inside is as the outside; all others set flags. */
const GROUP = /\((?:\?(?::|P?<\w+>))?(?!\?)/y;

/**
 * The longest text that stands in everything that an expression matches, to look for before it is
 * tried: `failed for user ` of `\w+ failed for user (?P<who>\S+)`. Nothing where none can be told for
 * certain: of alternatives, or where case does not count.
 */
export function textIn(expression: string): string | undefined {
  const runs: string[] = [''];
  const add = (char: string) => runs.push((runs.pop() ?? '') + char);
  const stop = () => runs.push('');
  const chars = [...expression];
  const rest = (at: number) => chars.slice(at, at + 40).join('');
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] as string;
    if (char === '\\') {
      at += 1;
      const escaped = chars[at] ?? '';
      if (/^[^\p{L}\p{N}]$/u.test(escaped)) add(escaped);
      else if (/^[dDwWsSbBAz]$/.test(escaped)) stop();
      else return undefined;
    } else if (char === '[') {
      const end = classEnd(chars, at);
      if (end === undefined) return undefined;
      at = end;
      stop();
    } else if (char === '(') {
      const end = groupEnd(chars, at);
      if (end === undefined) return undefined;
      at = end;
      stop();
    } else if (char === '|' || char === '\u{fffd}') return undefined;
    else if (char === '*' || char === '?' || char === '{') {
      REPEATED.lastIndex = 0;
      const repeated = char === '{' ? REPEATED.exec(rest(at))?.[0] : char;
      if (repeated === undefined) {
        add(char);
        continue;
      }
      at += repeated.length - 1;
      runs.push([...(runs.pop() ?? '')].slice(0, -1).join(''));
      stop();
    } else if (/^[+.^$)]$/.test(char)) stop();
    else add(char);
  }
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  return longest.length < 2 ? undefined : longest;
}

/** Where a class of characters ends that begins at a place. */
function classEnd(chars: readonly string[], from: number): number | undefined {
  let at = from + 1;
  if (chars[at] === '^') at += 1;
  // A bracket that comes first is one of them.
  if (chars[at] === ']') at += 1;
  for (; at < chars.length; at += 1) {
    if (chars[at] === '\\') at += 1;
    else if (chars[at] === '[' && chars[at + 1] === ':') {
      const end = chars.indexOf(']', at);
      if (chars[end - 1] === ':') at = end;
    } else if (chars[at] === ']') return at;
  }
  return undefined;
}

/** Where a group ends that begins at a place; nothing if it, or one in it, sets flags. */
function groupEnd(chars: readonly string[], from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < chars.length; at += 1) {
    const char = chars[at];
    if (char === '\\') {
      at += 1;
      // What stands between \Q and \E is no expression.
      if (chars[at] === 'Q') return undefined;
    } else if (char === '[') {
      const end = classEnd(chars, at);
      if (end === undefined) return undefined;
      at = end;
    } else if (char === '(') {
      GROUP.lastIndex = 0;
      if (!GROUP.test(chars.slice(at, at + 200).join(''))) return undefined;
      depth += 1;
    } else if (char === ')') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return undefined;
}

/** What other engines know and an expression in linear time cannot have, and what to do without it. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/\(\?<?[=!]/, 'to look ahead or behind; say with except what must not be there'],
  [/\\(?:[1-9]|k[<{'])/, 'to refer back to a group; take both texts into groups of their own'],
  [/\(\?>|[*+?}]\+/, 'not to go back; it never does, so leave that out'],
  [/\(\?\(/, 'to choose by a group; make a rule of each case'],
];

/** Why an expression is refused, in words that follow its name: `has "(?=" in it, …`. */
export function whyRefused(expression: string, error: string): string {
  for (const [pattern, why] of REFUSED) {
    const part = pattern.exec(expression)?.[0];
    if (part === undefined) continue;
    return `has "${part}" in it, ${why}. Expressions are RE2's, so that none takes longer than its line is long`;
  }
  return `is no expression of RE2: ${error}`;
}
