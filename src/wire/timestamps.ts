/**
 * When a line was written, in the forms that logs have, as seconds since the Unix epoch; NaN where
 * there is none at the place. Where a line names no time zone, it is the host's own. Pure, but for
 * that zone.
 */
import { decimalAt, indexOfByte } from './bytes.ts';

/** A time that was read; `undefined` where there was none. */
export const known = (time: number): number | undefined => (Number.isNaN(time) ? undefined : time);

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const COLON = 58;
const SPACE = 32;
const PLUS = 43;
const MINUS = 45;
const DOT = 46;
const COMMA = 44;
const SLASH = 47;
const ONE = 49;
const LESS = 60;
const MORE = 62;
const OPEN = 91;
const T = 84;
const UNDERSCORE = 95;
const Z = 90;
const DAY = 86_400;

/** Two digits, the first of which may be a blank; NaN for anything else. */
function two(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] === SPACE ? 0 : (bytes[at] ?? 0) - 48;
  const ones = (bytes[at + 1] ?? 0) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

const four = (bytes: Uint8Array, at: number): number => two(bytes, at) * 100 + two(bytes, at + 2);

/** From 0 for January; NaN for no month. */
function month(bytes: Uint8Array, at: number): number {
  const [a, b, c] = [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0];
  const found = MONTHS.indexOf(String.fromCharCode(a, b, c));
  return found >= 0 && found % 3 === 0 ? found / 3 : Number.NaN;
}

/** `08:38:12`, as seconds of the day. */
const clock = (bytes: Uint8Array, at: number): number =>
  bytes[at + 2] === COLON && bytes[at + 5] === COLON
    ? two(bytes, at) * 3600 + two(bytes, at + 3) * 60 + two(bytes, at + 6)
    : Number.NaN;

/** `+0100` or `+01:00` as seconds east of Greenwich, 0 for `Z`; `undefined` where there is no zone. */
function zone(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at] === Z) return 0;
  const sign = bytes[at] === PLUS ? 1 : bytes[at] === MINUS ? -1 : 0;
  const minutes = at + (bytes[at + 3] === COLON ? 4 : 3);
  const offset = sign * (two(bytes, at + 1) * 3600 + two(bytes, minutes) * 60);
  return sign === 0 || Number.isNaN(offset) ? undefined : offset;
}

/** A year begins with one of these, wherever one is. */
const QUARTER = 900;
/**
 * What the host's zone was asked for last: it takes a microsecond, and most lines are of the minute of the line
 * before.
 */
const latest = { minute: Number.NaN, begins: 0, quarter: Number.NaN, year: 0 };

function seconds(year: number, month: number, day: number, time: number, offset?: number): number {
  if (!(day >= 1 && day <= 31 && month >= 0 && month <= 11 && time <= DAY)) {
    return Number.NaN;
  }
  if (offset !== undefined) return Date.UTC(year, month, day) / 1000 + time - offset;
  const minutes = Math.floor(time / 60);
  const minute = ((year * 12 + month) * 31 + day) * 1440 + minutes;
  if (minute !== latest.minute) {
    const [hour, rest] = [Math.floor(minutes / 60), minutes % 60];
    latest.begins = new Date(year, month, day, hour, rest).getTime() / 1000;
    latest.minute = minute;
  }
  return latest.begins + (time % 60);
}

/** The year that a moment is of, likewise. */
function yearOf(now: number): number {
  const quarter = Math.floor(now / QUARTER);
  if (quarter !== latest.quarter) {
    latest.year = new Date(now * 1000).getFullYear();
    latest.quarter = quarter;
  }
  return latest.year;
}

/** `.123` or `,123` at a place. */
function fraction(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== DOT && bytes[at] !== COMMA) return 0;
  let value = 0;
  let scale = 0.1;
  for (let i = at + 1; i < at + 10; i += 1) {
    const digit = (bytes[i] ?? 0) - 48;
    if (digit < 0 || digit > 9) break;
    value += digit * scale;
    scale /= 10;
  }
  return Math.round(value * 1e9) / 1e9;
}

/** `21/Nov/2026:08:38:12 +0000`, as web servers write; `21/Nov/2026:08:38:12.123`, as HAProxy does. */
export function clfTime(bytes: Uint8Array, at = 0): number {
  if (bytes[at + 2] !== SLASH || bytes[at + 6] !== SLASH) return Number.NaN;
  const part = fraction(bytes, at + 20);
  const offset = part > 0 || bytes[at + 20] === DOT ? undefined : zone(bytes, at + 21);
  const time = clock(bytes, at + 12);
  return seconds(four(bytes, at + 7), month(bytes, at + 3), two(bytes, at), time, offset) + part;
}

/**
 * `2026-11-21T08:38:12.123456+00:00` (RFC 3339), and its kin: a blank or `_` for the `T`, slashes as
 * nginx writes, a comma before the milliseconds as log4j does, no zone.
 */
export function isoTime(bytes: Uint8Array, at = 0): number {
  const dash = bytes[at + 4];
  const between = bytes[at + 10];
  if ((dash !== MINUS && dash !== SLASH) || bytes[at + 7] !== dash) return Number.NaN;
  if (between !== T && between !== SPACE && between !== UNDERSCORE) return Number.NaN;
  const part = fraction(bytes, at + 19);
  let end = at + 19;
  if (bytes[end] === DOT || bytes[end] === COMMA) {
    end += 1;
    while ((bytes[end] ?? 0) >= 48 && (bytes[end] ?? 0) <= 57) end += 1;
  }
  const time = clock(bytes, at + 11);
  const day = two(bytes, at + 8);
  return seconds(four(bytes, at), two(bytes, at + 5) - 1, day, time, zone(bytes, end)) + part;
}

/**
 * `Nov 21 08:38:12`, as syslog has it: without a year.
 *
 * @param now seconds since the Unix epoch: it is taken to be from the twelve months before, or from
 *   the day after.
 */
export function syslogTime(bytes: Uint8Array, at: number, now: number): number {
  const year = yearOf(now + DAY);
  const [m, day, time] = [month(bytes, at), two(bytes, at + 4), clock(bytes, at + 7)];
  const here = seconds(year, m, day, time);
  return here > now + DAY ? seconds(year - 1, m, day, time) : here;
}

/** `Sat Nov 21 08:38:12.123456 2026`, as Apache's error log has it, with or without the fraction. */
export function ctime(bytes: Uint8Array, at = 0): number {
  const part = fraction(bytes, at + 19);
  let end = at + 19;
  while (end < bytes.length && bytes[end] !== SPACE) end += 1;
  const time = clock(bytes, at + 11);
  return seconds(four(bytes, end + 1), month(bytes, at + 4), two(bytes, at + 8), time) + part;
}

/** `1795221130.123`: seconds since the Unix epoch, as squid has them. */
export function epochTime(bytes: Uint8Array, at = 0): number {
  const time = decimalAt(bytes, at, at + 20);
  return time >= 1e8 && time < 1e11 ? time : Number.NaN;
}

/** Bytes within which a web server's line has its time. */
const NEAR = 256;

/**
 * When a line of whatever log was written, where it says so in one of these forms: at its beginning,
 * behind a bracket or syslog's priority that it begins with; or behind its first bracket, as web
 * servers have it.
 *
 * @param now seconds since the Unix epoch, for times without a year.
 */
export function lineTime(bytes: Uint8Array, now: number): number {
  let at = 0;
  if (bytes[0] === LESS) at = indexOfByte(bytes, MORE, 0, Math.min(bytes.length, 5)) + 1;
  else if (bytes[0] === OPEN) at = 1;
  // Behind RFC 5424's version.
  if (at > 1 && bytes[at] === ONE && bytes[at + 1] === SPACE) at += 2;
  for (const read of [isoTime, ctime, clfTime, epochTime]) {
    const time = read(bytes, at);
    if (!Number.isNaN(time)) return time;
  }
  const time = syslogTime(bytes, at, now);
  if (!Number.isNaN(time)) return time;
  return clfTime(bytes, indexOfByte(bytes, OPEN, 0, Math.min(bytes.length, NEAR)) + 1);
}
