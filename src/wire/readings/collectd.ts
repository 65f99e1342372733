/**
 * collectd's plain text protocol, as its plugins exec and unixsock take it: PUTVAL, and PUTNOTIF.
 *
 * A value list becomes a reading for each value, under `plugin.type` (and `.source` where the type has several)
 * with its instances as labels; in the dialect collectd it has the identifier that it was given.
 *
 * @see https://collectd.org/wiki/index.php/Plain_text_protocol
 */
import type { Labels } from '../../metric/index.ts';
import type { DataSource } from './collectd-types.ts';
import {
  END_OF_TIME,
  isName,
  isNoNumber,
  type LineReader,
  numberIn,
  type Reading,
  refused,
  type Said,
} from './reading.ts';

const FORM = "collectd's PUTVAL";

/** Words between blanks; one in quotes may have blanks, `\"` and `\\` in it. */
export function collectdWords(line: string): string[] | undefined {
  const words: string[] = [];
  const word = /\s*((?:[^\s"]+|"(?:[^"\\]|\\.)*")+)/y;
  const text = line.trim();
  while (word.lastIndex < text.length) {
    const match = word.exec(text);
    if (match === null) return undefined;
    words.push(
      (match[1] ?? '').replace(/"((?:[^"\\]|\\.)*)"/g, (_, it: string) =>
        it.replace(/\\(.)/g, '$1'),
      ),
    );
  }
  return words;
}

const IDENTIFIER = /^([^/]+)\/([^/-]+)(?:-([^/]*))?\/([^/-]+)(?:-(.+))?$/;

export interface Putval {
  readonly host: string;
  readonly plugin: string;
  readonly type: string;
  readonly labels: Labels;
  readonly sources: readonly DataSource[];
  /** In their order; NaN for a value that is not known. */
  readonly lists: readonly {
    readonly time: number | undefined;
    readonly values: readonly number[];
  }[];
}

type Types = ReadonlyMap<string, readonly DataSource[]>;

/** @throws SyntaxError that says what is wrong, in words that collectd's own answers resemble. */
export function decodePutval(words: readonly string[], line: string, types: Types): Putval {
  const [, identifier = '', ...rest] = words;
  const match = isName(identifier) ? IDENTIFIER.exec(identifier) : null;
  if (match === null)
    throw refused(FORM, line, 'has no identifier host/plugin-instance/type-instance');
  const [, host = '', plugin = '', pluginInstance = '', type = '', typeInstance = ''] = match;
  const known = types.get(type);
  const lists: { time: number | undefined; values: number[] }[] = [];
  let sources = known;
  for (const word of rest) {
    if (/^[a-z_:]+=/i.test(word)) continue;
    const [at = '', ...texts] = word.split(':');
    const time = at === 'N' ? undefined : numberIn(at);
    if (time !== undefined && !(time >= 0 && time < END_OF_TIME))
      throw refused(FORM, line, 'has no time before its values');
    sources ??= texts.length === 1 ? [{ name: 'value', kind: 'gauge' }] : undefined;
    if (sources === undefined) {
      throw refused(
        FORM,
        line,
        `has several values, and nothing says what those of type ${type} are`,
      );
    }
    if (texts.length !== sources.length) {
      throw refused(
        FORM,
        line,
        `has ${texts.length} values where type ${type} has ${sources.length}`,
      );
    }
    const values = texts.map(numberIn);
    if (values.some((value, i) => Number.isNaN(value) && !isNoNumber(texts[i] ?? ''))) {
      throw refused(FORM, line, 'has a value that is no number');
    }
    lists.push({ time: time === 0 ? undefined : time, values });
  }
  if (lists.length === 0 || sources === undefined) throw refused(FORM, line, 'has no values');
  const labels = { plugin_instance: pluginInstance, type_instance: typeInstance };
  return { host, plugin, type, labels, sources, lists };
}

/** The readings of a value list. */
export function putvalReadings(
  { host, plugin, type, labels, sources, lists }: Putval,
  into: Reading[],
): void {
  for (const { time, values } of lists) {
    for (const [i, { name: source, kind }] of sources.entries()) {
      const value = values[i] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      const only = sources.length === 1 && source === 'value';
      const name = only ? `${plugin}.${type}` : `${plugin}.${type}.${source}`;
      const origin = { dialect: 'collectd', plugin, type, source: only ? '' : source } as const;
      into.push({ name, labels, value, kind, unit: 'count', time, host, origin });
    }
  }
}

const SEVERITIES = new Set(['okay', 'warning', 'failure']);

/** A notification as words for a person. */
function decodeNotification(
  words: readonly string[],
  line: string,
): readonly [severity: string, note: string] {
  const facts = new Map<string, string>();
  for (const word of words.slice(1)) {
    const at = word.indexOf('=');
    if (at > 0) facts.set(word.slice(0, at).toLowerCase(), word.slice(at + 1));
  }
  const severity = facts.get('severity')?.toLowerCase() ?? '';
  const message = facts.get('message');
  if (!SEVERITIES.has(severity) || message === undefined) {
    throw refused(
      "collectd's PUTNOTIF",
      line,
      'has no severity (okay, warning, failure) or no message',
    );
  }
  const of = [facts.get('plugin'), facts.get('type')].filter((it) => it !== undefined).join('/');
  return [severity, `${severity}${of === '' ? '' : ` of ${of}`}: ${message}`];
}

/** What is said of a PUTNOTIF: a note for a person, and one more in their number. */
export function putnotifReadings(words: readonly string[], line: string, said: Said): void {
  const [severity, note] = decodeNotification(words, line);
  said.notes.push(note);
  said.readings.push({
    ...{ name: 'collectd.notifications', labels: { severity }, value: 1 },
    ...({ kind: 'delta', unit: 'count', help: 'Notifications of programs.' } as const),
  });
}

/**
 * @param own what the program was told that the host is called: an identifier with that host is ours.
 */
export const collectdReader = (types: Types, own?: string): LineReader => ({
  read(line, { readings, notes }) {
    if (/^\s*(?:#|$)/.test(line)) return;
    const words = collectdWords(line);
    const command = words?.[0]?.toUpperCase();
    if (words === undefined) throw refused(FORM, line, 'has a quotation mark too many');
    if (command === 'PUTVAL') {
      const putval = decodePutval(words, line, types);
      const host = putval.host === own ? undefined : putval.host;
      putvalReadings(host === undefined ? { ...putval, host: '' } : putval, readings);
    } else if (command === 'PUTNOTIF') {
      putnotifReadings(words, line, { readings, notes });
    } else throw refused(FORM, line, 'begins with neither PUTVAL nor PUTNOTIF');
  },
});
