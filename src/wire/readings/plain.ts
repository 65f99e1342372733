/**
 * `name value [time]` in a line: what Diamond's user scripts and its files collector say, and Carbon's own
 * plaintext. Lines that begin with `#` are comments.
 *
 * @see https://diamond.readthedocs.io/en/latest/collectors/UserScriptsCollector/
 */
import {
  isName,
  isNoNumber,
  type LineReader,
  NO_LABELS,
  numberIn,
  type Reading,
  refused,
  timeIn,
} from './reading.ts';

const FORM = 'name value [time]';

/** `path;tag=value` as name and labels; a path without tags has none. */
function named(path: string): Pick<Reading, 'name' | 'labels' | 'host'> {
  if (!path.includes(';')) return { name: path, labels: NO_LABELS };
  const [name = '', ...tags] = path.split(';');
  const { host, ...labels } = Object.fromEntries(
    tags.map((tag) => {
      const at = tag.indexOf('=');
      return at < 0 ? [tag, ''] : [tag.slice(0, at), tag.slice(at + 1)];
    }),
  ) as Record<string, string>;
  return { name, labels, host };
}

/** One line; `undefined` where it says that there is no number. */
export function decodePlain(line: string): Reading | undefined {
  const [path = '', text = '', at, more] = line.trim().split(/\s+/, 5);
  if (text === '' || more !== undefined) throw refused(FORM, line, 'has not two or three words');
  const value = numberIn(text);
  const it = named(path);
  if (!isName(path) || it.name === '') throw refused(FORM, line, 'has no name');
  if (Number.isNaN(value)) {
    if (isNoNumber(text)) return undefined;
    throw refused(FORM, line, 'has no number behind the name');
  }
  // Carbon takes -1 for its own clock; so does whoever writes `N`.
  const time = at === undefined ? undefined : timeIn(numberIn(at));
  if (at !== undefined && !/^(?:N|-?\d+(?:\.\d*)?)$/.test(at)) {
    throw refused(FORM, line, 'has no time behind the number');
  }
  return { ...it, value, kind: 'gauge', unit: 'count', time };
}

export const plainReader = (): LineReader => ({
  read(line, { readings }) {
    if (/^\s*(?:#|$)/.test(line)) return;
    const reading = decodePlain(line);
    if (reading !== undefined) readings.push(reading);
  },
});
