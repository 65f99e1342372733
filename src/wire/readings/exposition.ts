/**
 * Prometheus' text format and OpenMetrics, as a page or line by line.
 *
 * A histogram is its `_bucket`, `_sum` and `_count`, a summary its quantiles and both; each is a series of
 * its own, as Prometheus has it. What is not finite is passed over, exemplars too.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @see https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
import type { Kind, Labels, Unit } from '../../metric/index.ts';
import { isNoNumber, type LineReader, NO_LABELS, numberIn, refused, timeIn } from './reading.ts';

const FORM = "Prometheus' text";

const SAMPLE = /^\s*([A-Za-z_:][\w:]*)\s*(\{)?/;
const LABEL = /\s*([A-Za-z_][\w]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))/y;
const REST = /^\s+(\S+)(?:\s+(-?[\d.]+))?\s*(?:#.*)?$/;
const COMMENT = /^\s*#(?:\s*(HELP|TYPE)\s+([A-Za-z_:][\w:]*)(?:\s+(.*))?)?/;

/** One sample as it stands in a page. */
export interface ExpositionSample {
  readonly name: string;
  readonly labels: Labels;
  /** NaN and the infinities as the page has them. */
  readonly value: number;
  /** As the page has it: milliseconds, or seconds where it is OpenMetrics. */
  readonly stamp: number | undefined;
}

/** @throws SyntaxError for what is no sample. */
export function decodeSample(line: string): ExpositionSample {
  const [begin = '', name, brace] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw refused(FORM, line, 'begins with no name');
  let at = begin.length;
  let labels = NO_LABELS;
  if (brace !== undefined) {
    const found: Record<string, string> = {};
    while (line[at] !== '}') {
      LABEL.lastIndex = at;
      const match = LABEL.exec(line);
      if (match === null) {
        if (/^\s*\}/.test(line.slice(at, at + 16))) {
          at = line.indexOf('}', at);
          break;
        }
        throw refused(FORM, line, 'has a label that is not name="value"');
      }
      const [all, label = '', value = ''] = match;
      found[label] = value.includes('\\')
        ? value.replace(/\\(.)/g, (_, it: string) => (it === 'n' ? '\n' : it))
        : value;
      at += all.length;
    }
    at += 1;
    labels = found;
  }
  const rest = REST.exec(brace === undefined ? ` ${line.slice(at)}` : ` ${line.slice(at)}`);
  const [, text = '', stamp] = rest ?? [];
  const value = numberIn(text);
  if (rest === null || (Number.isNaN(value) && !isNoNumber(text))) {
    throw refused(FORM, line, 'has no number behind the name');
  }
  return { name, labels, value, stamp: stamp === undefined ? undefined : numberIn(stamp) };
}

/** Families that are told apart; pages have hundreds. */
const MOST_FAMILIES = 10_000;

const UNITS: readonly Unit[] = [
  ...(['bytes', 'seconds', 'ratio', 'celsius', 'volts', 'amperes', 'watts', 'hertz'] as const),
];
const UNIT = new RegExp(`_(${UNITS.join('|')})(?:_total|_sum)?$`);
/** The unit that a name ends with, as Prometheus' conventions have it. */
const unitOf = (name: string): Unit => (UNIT.exec(name)?.[1] ?? 'count') as Unit;

const ENDING = /_(?:bucket|count|sum|total|created|gsum|gcount|info)$/;

/** @param stamps whether the times in it are kept, or refused as node_exporter does. */
export function expositionReader({
  stamps = true,
}: {
  readonly stamps?: boolean;
} = {}): LineReader {
  const types = new Map<string, string>();
  const helps = new Map<string, string>();
  const keep = (map: Map<string, string>, name: string, text: string) => {
    if (map.size < MOST_FAMILIES) map.set(name, text.slice(0, 1024));
  };
  const familyOf = (name: string): string => (types.has(name) ? name : name.replace(ENDING, ''));
  const kindOf = (name: string, labels: Labels): Kind => {
    switch (types.get(familyOf(name))) {
      case 'counter':
        return name.endsWith('_created') ? 'gauge' : 'counter';
      case 'histogram':
        return /_(?:bucket|count|sum)$/.test(name) ? 'counter' : 'gauge';
      case 'summary':
        return labels['quantile'] === undefined && /_(?:count|sum)$/.test(name)
          ? 'counter'
          : 'gauge';
      default:
        return 'gauge';
    }
  };
  return {
    read(line, { readings }) {
      const comment = COMMENT.exec(line);
      if (comment !== null) {
        const [, word, family = '', text = ''] = comment;
        if (word === 'TYPE') keep(types, family, text.trim());
        else if (word === 'HELP') keep(helps, family, text.replace(/\\(.)/g, '$1'));
        return;
      }
      if (/^\s*$/.test(line)) return;
      const { name, labels, value, stamp } = decodeSample(line);
      if (stamp !== undefined && !stamps) {
        throw refused(FORM, line, 'has a time, which such a file must not have');
      }
      if (!Number.isFinite(value)) return;
      const help = helps.get(name) ?? helps.get(familyOf(name));
      const time = stamp === undefined ? undefined : timeIn(stamp);
      const kind = kindOf(name, labels);
      const origin = { dialect: 'prometheus' } as const;
      readings.push({ name, labels, value, kind, unit: unitOf(name), time, help, origin });
    },
  };
}
