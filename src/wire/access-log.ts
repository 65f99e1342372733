import { type AccessField, compile, FIELDS } from './access-log/format.ts';
import { decimalAt, indexOfByte, standsAt } from './bytes.ts';

export { formatProblem } from './access-log/format.ts';

/** Bytes that a field has at least: these need no looking at. */
const SHORTEST: Readonly<Record<string, number>> = { time: 20, iso: 19, status: 3 };

/** Fields that are whole numbers, and are read as such on the way. */
const NUMBERS: ReadonlySet<string> = new Set<AccessField>(['status', 'bytes', 'received']);

/** Added to the byte that ends a list. */
const LIST = 256;
/** Numbers for each step of a program. */
const STEP = 6;

const BACKSLASH = 92;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const SPACE = 32;
const ZERO = 48;

/**
 * Reads lines of an access log: where each field stands in the latest line. It goes through a line
 * once, up to the last field that is wanted, and makes no string of any.
 *
 * Formats are Apache's `LogFormat` strings, nginx's `log_format` strings, either as the server's
 * configuration has them, and the names `common`, `combined`, `vhost_common` and `vhost_combined`.
 *
 * @see https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
 * @see https://nginx.org/en/docs/http/ngx_http_log_module.html
 */
export class AccessLine {
  readonly #before: Uint8Array;
  /**
   * Six numbers per step: its field, bytes it has at least, what ends it and the byte behind that (-1
   * where that may be any), how much of that is passed, and 1 where it is a number.
   */
  readonly #program: Int32Array;
  readonly #untils: readonly Uint8Array[];
  readonly #from = new Int32Array(FIELDS.length);
  readonly #to = new Int32Array(FIELDS.length);
  readonly #numbers = new Float64Array(FIELDS.length);

  /** @throws {@link Error} that says what is wrong with the format; see {@link formatProblem}. */
  constructor(format: string) {
    const { before, steps } = compile(format);
    this.#before = before;
    this.#program = Int32Array.from(
      steps.flatMap(({ field, until, passed, isList }) => {
        const more = until[0] === QUOTE ? until.length > 1 : passed > 1;
        return [
          field,
          SHORTEST[FIELDS[field] ?? ''] ?? 0,
          (until[0] ?? -1) + (isList ? LIST : 0),
          more ? (until[1] ?? -1) : -1,
          passed,
          NUMBERS.has(FIELDS[field] ?? '') ? 1 : 0,
        ];
      }),
    );
    this.#untils = steps.map(({ until }) => until);
  }

  /** Whether lines have a field at all. */
  has(field: AccessField): boolean {
    const number = FIELDS.indexOf(field);
    return this.#program.some((fact, i) => i % STEP === 0 && fact === number);
  }

  /** Where a field begins in the latest line. */
  from(field: number): number {
    return this.#from[field] ?? 0;
  }

  /** Where it ends. */
  to(field: number): number {
    return this.#to[field] ?? 0;
  }

  /** A field of digits, `status`, `bytes` or `received`, as a number; NaN where it is none. */
  number(field: number): number {
    return this.#numbers[field] ?? Number.NaN;
  }

  /**
   * @param characters the bytes, each as a character, where they are at hand: V8 finds one in them
   *   faster than any loop.
   * @returns whether the line between two places is of this format.
   */
  read(bytes: Uint8Array, from = 0, to = bytes.length, characters = ''): boolean {
    const before = this.#before;
    for (let i = 0; i < before.length; i += 1) if (bytes[from + i] !== before[i]) return false;
    const program = this.#program;
    const last = program.length - STEP;
    let at = from + before.length;
    for (let i = 0; i <= last; i += STEP) {
      const stop = program[i + 2] as number;
      const second = program[i + 3] as number;
      const start = at;
      let digits = -1;
      if (program[i + 5] === 1) {
        let value = 0;
        let digit = (bytes[at] ?? 0) - ZERO;
        while (digit >= 0 && digit <= 9 && at < to) {
          value = value * 10 + digit;
          at += 1;
          digit = (bytes[at] ?? 0) - ZERO;
        }
        digits = at;
        this.#numbers[program[i] as number] = value;
      }
      if (at < start + (program[i + 1] as number)) at = start + (program[i + 1] as number);
      if (stop === QUOTE) {
        at = closing(bytes, characters, this.#untils[(i / STEP) | 0] as Uint8Array, second, at, to);
      } else if (stop >= LIST) {
        at = behindList(bytes, this.#untils[(i / STEP) | 0] as Uint8Array, at, to);
      } else if (second < 0) {
        while (at < to && bytes[at] !== stop) at += 1;
      } else {
        for (; at < to; at += 1) {
          if (bytes[at] !== stop || bytes[at + 1] !== second) continue;
          if (standsAt(bytes, this.#untils[(i / STEP) | 0] as Uint8Array, at)) break;
        }
      }
      if (at >= to) {
        // A line may end with its last field, where the format goes on behind it.
        if (at > to || i < last || stop === QUOTE) return false;
      }
      const field = program[i] as number;
      if (field >= 0) {
        this.#from[field] = start;
        this.#to[field] = at;
        if (digits >= 0 && (digits !== at || digits === start)) this.#numbers[field] = Number.NaN;
      }
      at += program[i + 4] as number;
    }
    return true;
  }
}

/**
 * Where the quote that ends a field stands, and what follows it; `to` where none does. A quote within has
 * a backslash before it.
 */
function closing(
  bytes: Uint8Array,
  characters: string,
  until: Uint8Array,
  second: number,
  from: number,
  to: number,
): number {
  for (let at = from; at < to; at += 1) {
    at = characters === '' ? indexOfByte(bytes, QUOTE, at, to) : characters.indexOf('"', at);
    if (at < 0 || at >= to) return to;
    if (bytes[at - 1] === BACKSLASH && isEscaped(bytes, from, at)) continue;
    if (second < 0 || (bytes[at + 1] === second && standsAt(bytes, until, at))) return at;
  }
  return to;
}

/** Whether an odd number of backslashes stands before a place. */
function isEscaped(bytes: Uint8Array, from: number, at: number): boolean {
  let first = at;
  while (first > from && bytes[first - 1] === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

/** Where a list ends, such as nginx makes of several servers: `0.010, 0.020 : 0.030`. */
function behindList(bytes: Uint8Array, until: Uint8Array, from: number, end: number): number {
  if (until.length === 0) return end;
  for (let at = from; at < end; at += 1) {
    if (bytes[at] !== until[0] || !standsAt(bytes, until, at)) continue;
    const before = bytes[at - 1];
    if (before !== COMMA && before !== COLON && bytes[at + 1] !== COLON) return at;
  }
  return end;
}

/** The sum of what several servers took, `0.010, 0.020 : 0.030`; NaN where there was none, `-`. */
export function sumOf(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  let any = false;
  for (let at = from; at < to; at = indexOfByte(bytes, SPACE, at, to) + 1) {
    const seconds = decimalAt(bytes, at, to);
    if (!(seconds >= 0)) continue;
    any = true;
    sum += seconds;
  }
  return any ? sum : Number.NaN;
}

/** The number that a field goes by in {@link AccessLine}. */
export const fieldNumber = (field: AccessField): number => FIELDS.indexOf(field);
