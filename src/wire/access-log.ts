import { type AccessField, compile, FIELDS } from './access-log/format.ts';
import { decimalAt, indexOfByte, standsAt } from './bytes.ts';

export { formatProblem } from './access-log/format.ts';

/** Bytes that a field has at least: these need no looking at. */
const SHORTEST: Readonly<Record<string, number>> = { time: 20, iso: 19, status: 3 };

/** Added to the byte that ends a list. */
const LIST = 256;

const BACKSLASH = 92;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const SPACE = 32;

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
  /** Four numbers per step: its field, bytes it has at least, what ends it, how much of that is passed. */
  readonly #program: Int32Array;
  readonly #untils: readonly Uint8Array[];
  readonly #from = new Int32Array(FIELDS.length);
  readonly #to = new Int32Array(FIELDS.length);

  /** @throws {@link Error} that says what is wrong with the format; see {@link formatProblem}. */
  constructor(format: string) {
    const { before, steps } = compile(format);
    this.#before = before;
    this.#program = Int32Array.from(
      steps.flatMap(({ field, until, passed, isList }) => [
        field,
        SHORTEST[FIELDS[field] ?? ''] ?? 0,
        (until[0] ?? -1) + (isList ? LIST : 0),
        passed,
      ]),
    );
    this.#untils = steps.map(({ until }) => until);
  }

  /** Whether lines have a field at all. */
  has(field: AccessField): boolean {
    const number = FIELDS.indexOf(field);
    return this.#program.some((fact, i) => i % 4 === 0 && fact === number);
  }

  /** Where a field begins in the latest line. */
  from(field: number): number {
    return this.#from[field] ?? 0;
  }

  /** Where it ends. */
  to(field: number): number {
    return this.#to[field] ?? 0;
  }

  /** @returns whether the line is of this format. */
  read(bytes: Uint8Array): boolean {
    const before = this.#before;
    for (let i = 0; i < before.length; i += 1) if (bytes[i] !== before[i]) return false;
    const program = this.#program;
    const end = bytes.length;
    let at = before.length;
    for (let i = 0; i < program.length; i += 4) {
      const stop = program[i + 2] as number;
      const length = program[i + 3] as number;
      const start = at;
      at += program[i + 1] as number;
      if (stop === QUOTE) at = closing(bytes, this.#untils[i >> 2] as Uint8Array, at);
      else if (stop >= LIST) at = behindList(bytes, this.#untils[i >> 2] as Uint8Array, at);
      else {
        for (; at < end; at += 1) {
          if (bytes[at] !== stop) continue;
          if (length < 2 || standsAt(bytes, this.#untils[i >> 2] as Uint8Array, at)) break;
        }
      }
      if (at >= end) {
        // A line may end with its last field, where the format goes on behind it.
        if (at > end || i + 4 < program.length || stop === QUOTE) return false;
      }
      const field = program[i] as number;
      if (field >= 0) {
        this.#from[field] = start;
        this.#to[field] = at;
      }
      at += length;
    }
    return true;
  }
}

/** Where the quote that ends a field stands, and what follows it; a quote within has a backslash before it. */
function closing(bytes: Uint8Array, until: Uint8Array, from: number): number {
  const end = bytes.length;
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === BACKSLASH) at += 1;
    else if (byte === QUOTE && (until.length === 1 || standsAt(bytes, until, at))) return at;
  }
  return end;
}

/** Where a list ends, such as nginx makes of several servers: `0.010, 0.020 : 0.030`. */
function behindList(bytes: Uint8Array, until: Uint8Array, from: number): number {
  const end = bytes.length;
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
