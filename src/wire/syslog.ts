/**
 * syslog's messages as RFC 5424 has them, one for each point: the number and what it is of as structured
 * data, and `path value` as the text that a person reads. Pure.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5424
 */
import type { Labels, Point } from '../metric/index.ts';
import { formatValue } from './graphite.ts';
import { kindOf, unitOf } from './lines.ts';
import { printable } from './printable.ts';

/** In the order of their codes. */
// biome-ignore format: a table
export const FACILITIES = [
  'kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news',
  'uucp', 'cron', 'authpriv', 'ftp', 'ntp', 'audit', 'alert', 'clock',
  'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7',
] as const;

/** In the order of their codes. */
export const SEVERITIES = [
  'emerg',
  'alert',
  'crit',
  'err',
  'warning',
  'notice',
  'info',
  'debug',
] as const;

export interface SyslogForm {
  readonly facility: (typeof FACILITIES)[number];
  readonly severity: (typeof SEVERITIES)[number];
  /** The program's name, 1 to 48 printable ASCII characters without a space. */
  readonly appName: string;
  /** The number of its process. */
  readonly process: number;
  /** The private enterprise number behind the names of the structured data. */
  readonly enterprise: string;
}

/** Printable ASCII without a space, `-` where nothing is left. */
const field = (text: string, longest: number): string =>
  text.replace(/[^\x21-\x7e]/g, '').slice(0, longest) || '-';

const paramName = (text: string): string =>
  text.replace(/[^\x21-\x7e]|[=\]"]/g, '_').slice(0, 32) || '_';

const paramValue = (text: string): string => printable(text).replace(/["\\\]]/g, '\\$&');

const PLAIN = /^[\x20-\x7e]*$/;
/** Says that what follows is UTF-8. */
const BOM = '\ufeff';

/** Seconds since the Unix epoch that have a year of four digits. */
const FIRST = -62_167_219_200;
const LAST = 253_402_300_799;

const timestamp = (time: number): string =>
  time >= FIRST && time <= LAST ? new Date(time * 1000).toISOString() : '-';

function labelled(labels: Labels, enterprise: string): string {
  let inside = '';
  for (const [label, value] of Object.entries(labels)) {
    inside += ` ${paramName(label)}="${paramValue(value)}"`;
  }
  return inside === '' ? '' : `[labels@${enterprise}${inside}]`;
}

/** Encodes points one after the other: what all points of a tick share is made once. */
export function syslogEncoder(form: SyslogForm): (point: Point) => string {
  const { appName, process, enterprise } = form;
  const priority = FACILITIES.indexOf(form.facility) * 8 + SEVERITIES.indexOf(form.severity);
  const program = ` ${field(appName, 48)} ${process} metric `;
  let latest = Number.NaN;
  let when = '';
  return ({ name, value, time }) => {
    if (time !== latest) {
      latest = time;
      when = `<${priority}>1 ${timestamp(time)} `;
    }
    const { metric, host, labels } = name.series;
    const number = formatValue(value, name.precision, name.significant);
    const unit = unitOf(name);
    const data =
      `[metric@${enterprise} name="${paramValue(metric.name)}" value="${number}"` +
      `${unit === undefined ? '' : ` unit="${unit}"`} kind="${kindOf(name)}"]`;
    const path = printable(name.path);
    return (
      `${when}${field(host, 255)}${program}${data}${labelled(name.labels ?? labels, enterprise)} ` +
      `${PLAIN.test(path) ? path : BOM + path} ${number}`
    );
  };
}

/**
 * A message for a stream, with its length in bytes before it: unlike a newline, that cannot be mistaken.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6587#section-3.4.1
 */
export const octetCounted = (message: string): string => `${Buffer.byteLength(message)} ${message}`;
