/**
 * What a monitoring plugin (Nagios, Icinga, Naemon) prints: text, and behind a bar performance data.
 *
 * Each label becomes `service.label` in base units: `ms` and `us` are seconds, `%` is a ratio, `KB`, `MB` … are
 * 1024 and 1048576 bytes, as the plugins mean them; `c` is a counter. The exit code is `service.status`: 0 ok,
 * 1 warning, 2 critical, 3 unknown. Thresholds and ranges are read over: whoever alarms has his own.
 *
 * @see https://www.monitoring-plugins.org/doc/guidelines.html#AEN201
 */
import type { Kind, Unit } from '../../metric/index.ts';
import { isName, NO_LABELS, numberIn, type Reading, refused } from './reading.ts';

const FORM = 'performance data';

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
};
const SECONDS: Readonly<Record<string, number>> = {
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  ns: 1e-9,
  m: 60,
  h: 3600,
  d: 86400,
};

function measured(uom: string): { scale: number; unit: Unit; kind: Kind } {
  const bytes =
    BYTES[uom] ?? BYTES[uom.replace(/^([KMGT])i?b?$/i, (_, it: string) => `${it.toUpperCase()}B`)];
  if (bytes !== undefined) return { scale: bytes, unit: 'bytes', kind: 'gauge' };
  const seconds = SECONDS[uom];
  if (seconds !== undefined) return { scale: seconds, unit: 'seconds', kind: 'gauge' };
  if (uom === '%') return { scale: 0.01, unit: 'ratio', kind: 'gauge' };
  return { scale: 1, unit: 'count', kind: uom === 'c' ? 'counter' : 'gauge' };
}

/** A label as one level of a name: dots and blanks become `_`; `/` is `root`, as in Diamond's and collectd's names. */
function levelOf(label: string): string {
  if (label === '/') return 'root';
  const level = label
    .replace(/^\/+/, '')
    .replace(/[\s./\\:=]+/g, '_')
    .replace(/^_+|_+$/g, '');
  return level === '' ? '_' : level;
}

/** `'label'=value[UOM]`, then what stands between semicolons. */
const DATUM = /\s*(?:'((?:[^']|'')+)'|([^\s='][^=']*))=([^\s;]*)((?:;[^\s;]*)*)/y;
const VALUE = /^([-+]?[\d.,]+(?:e[-+]?\d+)?)([A-Za-z%]*)$/i;

/** @throws SyntaxError for what is no performance data; what stands before that is kept in `into`. */
export function decodePerfdata(text: string, service: string, into: Reading[]): void {
  const end = text.trimEnd().length;
  DATUM.lastIndex = 0;
  while (DATUM.lastIndex < end) {
    const from = DATUM.lastIndex;
    const match = DATUM.exec(text);
    if (match === null) throw refused(FORM, text.slice(from), 'is not label=value[unit];…');
    const label = (match[1]?.replaceAll("''", "'") ?? match[2] ?? '').trim();
    const [, number, uom = ''] = VALUE.exec(match[3] ?? '') ?? [];
    if (number === undefined || !isName(label)) {
      // An empty value and U are what the guidelines have for "cannot be told".
      if (/^U?$/.test(match[3] ?? '')) continue;
      throw refused(FORM, match[0].trim(), 'has no number behind its label');
    }
    const value = numberIn(number.replace(',', '.'));
    if (Number.isNaN(value)) throw refused(FORM, match[0].trim(), 'has no number behind its label');
    const { scale, unit, kind } = measured(uom);
    const name = `${service}.${levelOf(label)}`;
    // One division instead of a multiplication keeps 47 % at 0.47.
    const scaled = scale < 1 ? value / Math.round(1 / scale) : value * scale;
    into.push({ name, labels: NO_LABELS, value: scaled, kind, unit });
  }
}

/** How a plugin's exit codes are called. */
export const PLUGIN_STATES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

/**
 * A plugin's whole output. Performance data are behind the first bar of the first line, and behind the first
 * bar of the further ones, from there on to the end.
 *
 * @returns the text of its first line.
 */
export function decodePlugin(output: string, service: string, into: Reading[]): string {
  const [first = '', ...rest] = output.split('\n');
  const bar = first.indexOf('|');
  const long = rest.join('\n');
  const further = long.indexOf('|');
  if (bar >= 0) decodePerfdata(first.slice(bar + 1), service, into);
  if (further >= 0)
    decodePerfdata(long.slice(further + 1).replaceAll(/[\n|]/g, ' '), service, into);
  return (bar < 0 ? first : first.slice(0, bar)).trim();
}

/** The reading of an exit code; what is none of a plugin's is UNKNOWN. */
export const statusReading = (code: number, service: string): Reading => ({
  ...{ name: `${service}.status`, labels: NO_LABELS, value: code >= 0 && code <= 3 ? code : 3 },
  ...({ kind: 'gauge', unit: 'count', help: '0 ok, 1 warning, 2 critical, 3 unknown.' } as const),
});
