/**
 * What a full-screen program says to a terminal, and what it can expect of one. Pure.
 *
 * Source  ECMA-48 and xterm's control sequences: alternate screen 1049, cursor 25, wrap-around 7,
 *         synchronized update 2026.
 */

/** Goes to the alternate screen, without cursor and wrap-around. */
export const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
/** Back to where the terminal was before {@link ENTER}. */
export const LEAVE = '\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';
/** Terminals that know these show the picture when it is complete; others ignore them. */
const BEGIN = '\x1b[?2026h';
const END = '\x1b[?2026l';

/**
 * Brings the terminal from one picture to the next, of as many lines: what is equal is not written
 * again. Without a picture before, everything is.
 */
export function redraw(lines: readonly string[], before: readonly string[] | undefined): string {
  let text = BEGIN;
  for (const [y, line] of lines.entries()) {
    if (line !== before?.[y]) text += `\x1b[${y + 1};1H${line}\x1b[K`;
  }
  return before === undefined ? `${text}\x1b[J${END}` : `${text}${END}`;
}

export type Mode = 'auto' | 'always' | 'never';
export type Environment = Readonly<Record<string, string | undefined>>;

const decide = (mode: Mode, guess: boolean): boolean =>
  mode === 'auto' ? guess : mode === 'always';

const isDumb = (env: Environment): boolean => env['TERM'] === 'dumb' || env['TERM'] === '';

/** What a terminal can do, as far as its environment tells. */
export function abilitiesOf(
  env: Environment,
  { colour, unicode }: { readonly colour: Mode; readonly unicode: Mode },
): { readonly colour: boolean; readonly unicode: boolean; readonly moves: boolean } {
  // The first of these that is set counts (POSIX, 8.2). A container often has none of them, and a
  // terminal in front of it that speaks UTF-8.
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'C.UTF-8';
  return {
    colour: decide(colour, !env['NO_COLOR'] && !isDumb(env)),
    unicode: decide(unicode, /utf-?8/i.test(locale) && env['TERM'] !== 'linux' && !isDumb(env)),
    moves: !isDumb(env),
  };
}

export type Key = 'quit' | 'redraw' | 'suspend';

/** What a key means, while the terminal hands them over raw. */
export function keyOf(bytes: string): Key | undefined {
  if (bytes.includes('\x03') || bytes === 'q') return 'quit';
  if (bytes.includes('\x0c')) return 'redraw';
  return bytes.includes('\x1a') ? 'suspend' : undefined;
}
