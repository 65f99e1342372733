/**
 * Text that gmond can print. It escapes `<`, `>`, `&` and `"` in a string's value alone, writes what is not
 * ASCII as something that is no XML, and cuts an element off after 1024 bytes: one host's bad text costs its
 * readers the whole cluster. gmetad makes folders and files of the names.
 *
 * @see https://github.com/ganglia/monitor-core/issues/251
 */
import { fnv1a32 } from '../fnv1a.ts';

/** Of a name: with `.rrd` behind, it fits into a file system. */
const LONGEST_NAME = 128;
/** Of any other text. */
const LONGEST_TEXT = 200;

/** A name of a metric or a host: letters, digits, `_`, `-` and `.`. A long one is cut, and a digest keeps it apart. */
export function plainName(text: string): string {
  const safe = text.replace(/[^\w.-]/gu, '_').replace(/^\.+/, '_') || '_';
  if (safe.length <= LONGEST_NAME) return safe;
  const digest = fnv1a32(text).toString(16).padStart(8, '0');
  return `${safe.slice(0, LONGEST_NAME - 9)}-${digest}`;
}

/** Units, descriptions, values of strings: printable ASCII without what XML reads as its own. */
export const plainText = (text: string): string =>
  text.replace(/[^ -~]|[<>&"]/gu, '_').slice(0, LONGEST_TEXT);
