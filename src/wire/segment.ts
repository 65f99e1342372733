import { fnv1a32 } from './fnv1a.ts';

/**
 * The longest level in bytes. Carbon makes a directory or a file of every level, file systems take
 * 255 bytes, and `.wsp` has to fit behind.
 */
export const LONGEST = 200;

/** Eight hexadecimal digits that stand for a text: the same ones on every host and in every run. */
const digest = (text: string): string => fnv1a32(text).toString(16).padStart(8, '0');

const withDigest = (readable: string, text: string, longest = LONGEST): string => {
  const end = `-${digest(text)}`;
  if (Buffer.byteLength(readable) + end.length <= longest) return readable + end;
  const kept = Buffer.from(readable).subarray(0, longest - end.length);
  // A character cut in two decodes to U+FFFD.
  return kept.toString().replace(/\uFFFD+$/, '') + end;
};

/** A text of at most so many bytes: a longer one is cut, and a digest of it keeps it apart from others. */
export const shortened = (text: string, longest: number): string =>
  Buffer.byteLength(text) <= longest ? text : withDigest(text, text, longest);

/**
 * One level of a Graphite path out of any text, such as a label's value.
 *
 * What is left are `A-Z a-z 0-9 _ - :`, which every carbon, relay and render parser takes; a dot
 * would open another level, and the rest are globs, function syntax, tag separators, or bytes that
 * carbon-c-relay rewrites (non-ASCII among them). Dots and slashes simply become `_`
 * (`/var/log` is `_var_log`, `eth0.100` is `eth0_100`), as Graphite users expect. Where anything else had
 * to be replaced, or the level was too long, a digest of the original ends the level, so that
 * `my disk` and `my?disk` stay two series. Only texts that differ in nothing but `.`, `/` and `_` meet.
 *
 * @returns 1 to {@link LONGEST} characters; never `.` or `..`.
 *
 * @example
 * segment('eth0.100'); // 'eth0_100'
 * segment('my disk'); // 'my_disk-87d6c1e0'
 */
export function segment(text: string): string {
  if (text === '') return '_';
  if (text.length <= LONGEST && PLAIN_LEVEL.test(text)) return text;
  const level = text.replace(/[./]/g, '_');
  const safe = level.replace(/[^\w:-]/g, '_');
  return safe === level && safe.length <= LONGEST ? safe : withDigest(safe, text);
}

/** Most levels of most paths: nothing in them needs a second look. */
const PLAIN_LEVEL = /^[\w:-]+$/;
const PLAIN_LEVELS = /^[\w:-]+(?:\.[\w:-]+)*$/;

/** Whitespace ends a field, a slash makes a directory, a semicolon begins the tags. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const UNSENDABLE = /[\s\u0000-\u001F\u007F-\u009F/;]/g;

/**
 * Levels as an ancestor (or the configuration) spells them: a dot opens a level, and only what would
 * break the line or the tree is replaced, with a digest as in {@link segment}. `Active(anon)` and
 * `eth0.100` stay what they are, because dashboards and files with these names exist.
 *
 * @param empty what stands for an empty level, such as the end of `eth0.`; '' leaves it out.
 * @returns Levels without an empty one among them; '' where nothing is left.
 */
export function levels(text: string, empty: '' | '_' = ''): string {
  if (text.length <= LONGEST && PLAIN_LEVELS.test(text)) return text;
  return text
    .split('.')
    .map((level) => level || empty)
    .filter((level) => level !== '')
    .map((level) => {
      const safe = level.replace(UNSENDABLE, '_');
      return safe === level && Buffer.byteLength(safe) <= LONGEST ? safe : withDigest(safe, level);
    })
    .join('.');
}

/**
 * The name of a Graphite tag. Carbon refuses `;!^=` in it and keeps `name` for the path.
 *
 * @see https://graphite.readthedocs.io/en/latest/tags.html#carbon
 */
export function tagName(text: string): string {
  const safe = text.replace(/[^\w.:-]/g, '_');
  if (safe === '' || safe === 'name') return `_${safe}`;
  return safe.length <= LONGEST ? safe : withDigest(safe, text);
}

/**
 * The value of a Graphite tag: not empty, no `;`, no `~` at its start (Carbon), no whitespace (the line),
 * no quotes and braces (`seriesByTag` and the OpenMetrics form of a path). Everything else stays,
 * UTF-8 included; where something was replaced a digest keeps values apart, as in {@link segment}.
 */
export function tagValue(text: string): string {
  if (text === '') return '_';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
  const safe = text.replace(/[\s\u0000-\u001F\u007F-\u009F;'"{}]|^~/g, '_');
  return safe === text && Buffer.byteLength(safe) <= LONGEST ? safe : withDigest(safe, text);
}
