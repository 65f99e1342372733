/**
 * Carbon's plaintext protocol: one `path value time` line per point, ended by a newline (by collectd
 * with a carriage return before it).
 * Pure: the same batch gives the same bytes.
 *
 * @see https://graphite.readthedocs.io/en/latest/feeding-carbon.html#the-plaintext-protocol
 */
import type { Batch, Point } from '../metric/index.ts';

/** One line, as a receiver reads it. */
export interface GraphiteLine {
  readonly path: string;
  readonly value: number;
  /** Whole seconds since the Unix epoch; -1 leaves it to the receiver's clock. */
  readonly time: number;
}

/** From here on JavaScript writes integers and `toFixed` with an exponent. */
const EXPONENT_FROM = 1e21;

/** The digits of `d.ddde±x` with the point where the exponent puts it. */
function withoutExponent(text: string): string {
  const [mantissa = '', exponent = '0'] = text.split('e');
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.slice(sign.length).split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return sign + digits.padEnd(point, '0');
}

/**
 * A number as decimal text, never with an exponent: Carbon would take one, but relays, Diamond's own
 * parser and many a script behind them read `[0-9.]+`. Minus zero is written as zero.
 *
 * @param value finite.
 * @param precision digits after the point, as C's `%.{precision}f` rounds (an exact tie, such as 2.5
 *   with precision 0, goes up here where C goes to the even digit); where absent, the fewest digits
 *   that read back as the same number.
 * @param significant where `precision` is absent: the most digits that count, as C's
 *   `%.{significant}g` rounds, written out where C turns to an exponent.
 */
export function formatValue(
  value: number,
  precision: number | undefined,
  significant?: number,
): string {
  if (precision === undefined) {
    const rounded = significant === undefined ? value : Number(value.toPrecision(significant));
    const text = String(rounded);
    return text.includes('e') ? withoutExponent(text) : text;
  }
  if (Math.abs(value) >= EXPONENT_FROM) {
    const whole = BigInt(value).toString();
    return precision === 0 ? whole : `${whole}.${'0'.repeat(precision)}`;
  }
  const text = value.toFixed(precision);
  return text.startsWith('-') && Number(text) === 0 ? text.slice(1) : text;
}

/**
 * A batch as it goes onto the wire; a fraction of a second is cut off, as Carbon would.
 *
 * @param end of every line. Carbon and its relays strip a carriage return, which collectd sends.
 */
export function encodeLines(batch: Batch, end: '\n' | '\r\n' = '\n'): string {
  let lines = '';
  let latest = Number.NaN;
  let rest = '';
  // What follows the path of a zero, by its precision: most of what a host counts stands still.
  let zeros: string[] = [];
  for (let i = 0; i < batch.length; i += 1) {
    const { name, value, time } = batch[i] as Point;
    // All points of a tick share their time.
    if (time !== latest) {
      latest = time;
      rest = ` ${Math.floor(time)}${end}`;
      zeros = [];
    }
    const { path, precision } = name;
    if (value === 0) {
      zeros[precision ?? 0] ??= ` ${formatValue(0, precision)}${rest}`;
      lines += path + zeros[precision ?? 0];
    } else lines += `${path} ${formatValue(value, precision, name.significant)}${rest}`;
  }
  return lines;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function refuse(line: string, what: string): never {
  const shown = line.length > 120 ? `${line.slice(0, 120)}…` : line;
  throw new SyntaxError(
    `Graphite line ${JSON.stringify(shown)} ${what}. The line is lost; send "path value time".`,
  );
}

function decodeNumber(line: string, what: string, text: string): number {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) {
    refuse(line, `has ${JSON.stringify(text.slice(0, 40))} for its ${what}, not a finite number`);
  }
  return value;
}

/**
 * Reads one line, with or without its line ending, as strictly as Carbon: exactly three fields, between
 * any whitespace. NaN and infinity, which Carbon drops or cannot draw, are refused.
 *
 * @throws SyntaxError that shows the line (its first 120 characters) and says what is wrong with it.
 */
export function decodeLine(line: string): GraphiteLine {
  const text = line.trim();
  const fields = text === '' ? [] : text.split(/\s+/);
  const [path, value, time] = fields;
  if (fields.length !== 3 || path === undefined || value === undefined || time === undefined) {
    return refuse(line, `has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}, not 3`);
  }
  return {
    path,
    value: decodeNumber(line, 'value', value),
    time: Math.floor(decodeNumber(line, 'time', time)),
  };
}
