import { labelled, untagged } from './name.ts';

/** A name out of an old output. */
export interface Found {
  /** Where the format says it apart from the name. */
  readonly host?: string;
  readonly name: string;
}

/** How one piece of an output is read: a line, or a tag of XML. */
export interface Format {
  /** What an operator calls it. */
  readonly title: string;
  /** What ends a piece. */
  readonly end: '\n' | '>';
  /** Begins to read an output; what it returns is called with each piece in turn. */
  reader(): (piece: string) => Found | readonly Found[] | 'nothing' | undefined;
}

/** How two names that mean the same are spelled: as a path, collectd's identifier, or name and labels. */
export type Spelled = 'path' | 'identifier' | 'labels';

const NUMBER = '[-+]?(?:\\d[\\d.]*(?:[eE][-+]?\\d+)?|[nN]a[nN]|[iI]nf|Infinity|U)';

const GRAPHITE = new RegExp(`^([^\\s:|"{}]+)(?:\\s+${NUMBER}(?:\\s+-?\\d+(?:\\.\\d+)?)?)?\\s*$`);
const ARCHIVE = /^\[[\d-]{10} [\d:,.]{8,}\]\s+(?:\[[^\]]*\]\s+)?(\S+)\s+\S+\s+\d+(?:\.\d+)?\s*$/;
const STATSD = /^([^\s:|]+):[^:|]*\|[a-z]{1,2}(?:[|:].*)?$/;
const IDENTIFIER = /^(?:\d+(?:\.\d+)?\s+)?"?([^\s/"]+)\/([^\s/"]+)\/([^\s/"]+)"?\s*$/;
const PUTVAL = /^PUTVAL\s+"?([^\s/"]+)\/([^\s/"]+)\/([^\s/"]+)"?(?:\s|$)/i;
const LISTED = /^-?\d+ \w[\w ]*$/;
const EXPOSED = new RegExp(
  `^([A-Za-z_:][\\w:]*)(?:\\{(.*)\\})?\\s+${NUMBER}(?:\\s+-?\\d+)?(?:\\s+#.*)?\\s*$`,
);
const EXPOSED_LABEL = /([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?\s*/gy;

const nothing = 'nothing' as const;
const blank = (line: string): boolean => line.trim() === '';
const isComment = (line: string): boolean => line.startsWith('#');

/** A format in which each line is one name. */
const lines = (title: string, read: (line: string) => Found | readonly Found[] | undefined) => ({
  title,
  end: '\n' as const,
  reader: () => (line: string) =>
    blank(line) || isComment(line) ? nothing : read(line.replace(/\r$/, '')),
});

const path = (name: string | undefined): Found | undefined =>
  name === undefined ? undefined : { name: name.includes(';') ? untagged(name) : name };

function identifier([, host, plugin, type]: readonly string[]): Found {
  return { host: host ?? '', name: `${plugin}/${type}` };
}

function exposed(line: string): Found | undefined {
  const match = EXPOSED.exec(line);
  if (match === null) return undefined;
  const [, name = '', text = ''] = match;
  const labels: [string, string][] = [];
  EXPOSED_LABEL.lastIndex = 0;
  let end = 0;
  for (const [all, label = '', value = ''] of text.matchAll(EXPOSED_LABEL)) {
    labels.push([label, value.replace(/\\(.)/g, (_, it: string) => (it === 'n' ? '\n' : it))]);
    end += all.length;
  }
  if (text.slice(end).trim() !== '') return undefined;
  return { name: labelled(name, labels) };
}

/** Splits at what is neither escaped nor within quotes. */
function split(text: string, at: string): string[] {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (character === '\\') i += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === at && !quoted) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return [...parts, text.slice(from)];
}

const unescaped = (text: string): string => text.replace(/\\([,= "\\])/g, '$1');

/** `measurement,tag=value field=1,field=2 time`; one name for each field. */
function influx(line: string): readonly Found[] | undefined {
  const [key = '', fields = '', time = '0', more] = split(line, ' ');
  if (more !== undefined || !/^-?\d+\s*$/.test(time) || !fields.includes('=')) return undefined;
  const [measurement = '', ...tags] = split(key, ',');
  const labels = tags.map((tag) => split(tag, '=').map(unescaped));
  if (measurement === '' || labels.some(({ length }) => length !== 2)) return undefined;
  const pairs = labels.map(([label = '', value = '']) => [label, value] as const);
  const host = pairs.find(([label]) => label === 'host')?.[1];
  const found: Found[] = [];
  for (const field of split(fields, ',')) {
    const [name, value] = split(field, '=');
    if (name === undefined || value === undefined) return undefined;
    // Texts are no numbers, which only Telegraf sends.
    if (value.startsWith('"')) continue;
    const whole = name === 'value' ? measurement : `${measurement}.${name}`;
    const found1 = labelled(unescaped(whole), pairs);
    found.push(host === undefined ? { name: found1 } : { host, name: found1 });
  }
  return found;
}

const XML_NAME = /\sNAME\s*=\s*(?:"([^"]*)"|'([^']*)')/;
const XML = /<(HOST|METRIC|\/HOST|[?!/]?[A-Za-z_-]+)(?=[\s>/]|$)/;

/** By what `--format` calls them. */
export const FORMATS = {
  diamond: lines("Diamond's archive log", (line) => path(ARCHIVE.exec(line)?.[1])),
  collectd: lines("collectd's identifiers", (line) => {
    const match = PUTVAL.exec(line) ?? IDENTIFIER.exec(line);
    if (match !== null) return identifier(match);
    return LISTED.test(line) ? [] : undefined;
  }),
  statsd: lines("statsd's lines", (line) => path(STATSD.exec(line)?.[1])),
  influx: lines("InfluxDB's lines", influx),
  prometheus: lines("Prometheus' text", exposed),
  gmond: {
    title: "gmond's XML",
    end: '>' as const,
    reader: () => {
      let host: string | undefined;
      return (piece: string) => {
        const tag = XML.exec(piece)?.[1];
        if (tag === undefined) return /^[\s\]]*$/.test(piece) ? nothing : undefined;
        if (tag === '/HOST') host = undefined;
        if (tag !== 'HOST' && tag !== 'METRIC') return nothing;
        const match = XML_NAME.exec(piece);
        const name = match?.[1] ?? match?.[2];
        if (name === undefined) return undefined;
        if (tag === 'METRIC') return host === undefined ? { name } : { host, name };
        host = name;
        return nothing;
      };
    },
  },
  graphite: lines('Graphite paths', (line) => path(GRAPHITE.exec(line)?.[1])),
} satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof FORMATS;

/** How names of a format are spelled. */
export const spelledIn = (format: FormatName): Spelled =>
  format === 'collectd' ? 'identifier' : format === 'influx' ? 'labels' : 'path';

/** Lines that are looked at to recognise a format. */
const LOOKED_AT = 500;

/**
 * Recognises a format by how an output begins: the one that most of its lines are of; of two that take
 * the same lines, the one that takes less else.
 *
 * @returns undefined where none takes half of the lines.
 */
export function recognise(beginning: string): FormatName | undefined {
  if (beginning.includes('\0')) return undefined;
  if (/^\s*(<\?xml|<!DOCTYPE GANGLIA|<GANGLIA_XML|<CLUSTER|<HOST)\b/.test(beginning))
    return 'gmond';
  const pieces = beginning.split('\n').slice(0, LOOKED_AT);
  const written = pieces.filter((line) => !blank(line) && !isComment(line));
  let best: FormatName | undefined;
  let most = written.length / 2;
  for (const format of Object.keys(FORMATS) as FormatName[]) {
    if (format === 'gmond') continue;
    // Paths with values are lines of Prometheus, too, unless a name has what only one of them can have.
    if (format === 'prometheus' && !/^# (HELP|TYPE) |^[\w:]+\{.*\} /m.test(beginning)) continue;
    const read = FORMATS[format].reader();
    const taken = written.filter((line) => read(line) !== undefined).length;
    if (taken > most || (best === undefined && taken > 0 && taken >= most)) {
      best = format;
      most = taken;
    }
  }
  return best;
}
