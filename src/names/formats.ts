import { decodeSample } from '../wire/readings/exposition.ts';
import { decodeInflux } from '../wire/readings/influx.ts';
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

/** What a codec makes of a line; nothing where it is no line of the codec's. */
function decoded<T>(decode: (line: string) => T, line: string): T | undefined {
  try {
    return decode(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function exposed(line: string): Found | undefined {
  const sample = decoded(decodeSample, line);
  return sample && { name: labelled(sample.name, Object.entries(sample.labels)) };
}

/** `measurement,tag=value field=1,field=2 time`; one name for each field that is a number. */
function influx(line: string): readonly Found[] | undefined {
  const it = decoded(decodeInflux, line);
  if (it === undefined) return undefined;
  const { measurement, tags, fields } = it;
  const host = tags.find(([label]) => label === 'host')?.[1];
  return fields.map(([field]) => {
    const name = labelled(field === 'value' ? measurement : `${measurement}.${field}`, tags);
    return host === undefined ? { name } : { host, name };
  });
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
