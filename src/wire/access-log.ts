import { type AccessField, compile, FIELDS } from './access-log/format.ts';
import { decimalAt, indexOfByte, standsAt } from './bytes.ts';

export { formatProblem } from './access-log/format.ts';

const TIME_LENGTH = 20;
const ZONE_LENGTH = 6;
/** Bytes that a field has at least: these need no looking at. */
const SHORTEST: Readonly<Record<string, number>> = { time: TIME_LENGTH, iso: 19 };
const [TIME, REQUEST, STATUS, BYTES] = (['time', 'request', 'status', 'bytes'] as const).map(
  (field) => FIELDS.indexOf(field),
) as [number, number, number, number];

/** Fields that are whole numbers, and are read as such on the way. */
const NUMBERS: ReadonlySet<string> = new Set<AccessField>(['status', 'bytes', 'received']);

/** Added to the byte that ends a list. */
const LIST = 256;
/** So many bytes are looked at one by one before V8 is asked where what ends a field stands. */
const NEAR = 2;

/** How a field is read over. */
interface Step {
  /** -1 for one that is not wanted. */
  readonly field: number;
  /** Bytes that it has at least. */
  readonly least: number;
  readonly isNumber: boolean;
  readonly until: Uint8Array;
  /** What ends it, and the byte behind that; -1 where that may be any. */
  readonly stop: number;
  readonly second: number;
  /** `stop` as a character. */
  readonly character: string;
  /** How much of what ends it is passed. */
  readonly passed: number;
}

const BACKSLASH = 92;
const QUOTE = 34;
const COMMA = 44;
const DASH = 45;
const NINE = 57;
const COLON = 58;
const SPACE = 32;
const OPEN = 91;
const CLOSE = 93;
const ZERO = 48;

/** What ends the fields `%h %l %u %t "%r" %>s`, and what is read of them and of `%b` behind: most formats have these. */
const COMMON = {
  until: [' ', ' ', ' [', '] "', '" ', ' '],
  fields: ['', '', '', 'time', 'request', 'status', 'bytes'],
} as const;

/** With which step these begin; -1 where they are not among them. */
function commonAt(steps: readonly Step[]): number {
  const { until, fields } = COMMON;
  const text = ({ until }: Step) => Buffer.from(until).toString('latin1');
  return steps.findIndex((_, at) => {
    const those = steps.slice(at, at + fields.length);
    const known = those.map(({ field }) => FIELDS[field] ?? '');
    return (
      known.join() === fields.join() &&
      until.every((end, i) => end === text(those[i] as Step)) &&
      (those.at(-1)?.until.length ?? 0) <= 2
    );
  });
}

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
  readonly #steps: readonly Step[];
  readonly #from = new Int32Array(FIELDS.length);
  readonly #to = new Int32Array(FIELDS.length);
  readonly #numbers = new Float64Array(FIELDS.length);
  readonly #commonAt: number;

  /** @throws {@link Error} that says what is wrong with the format; see {@link formatProblem}. */
  constructor(format: string) {
    const { before, steps } = compile(format);
    this.#before = before;
    this.#steps = steps.map(({ field, until, passed, isList }): Step => {
      const more = until[0] === QUOTE ? until.length > 1 : passed > 1;
      return {
        field,
        least: SHORTEST[FIELDS[field] ?? ''] ?? 0,
        isNumber: NUMBERS.has(FIELDS[field] ?? ''),
        until,
        stop: (until[0] ?? -1) + (isList ? LIST : 0),
        second: more ? (until[1] ?? -1) : -1,
        character: String.fromCharCode(until[0] ?? 0),
        passed,
      };
    });
    this.#commonAt = commonAt(this.#steps);
  }

  /** Whether lines have a field at all. */
  has(field: AccessField): boolean {
    const number = FIELDS.indexOf(field);
    return this.#steps.some(({ field }) => field === number);
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
    const steps = this.#steps;
    const last = steps.length - 1;
    let at = from + before.length;
    for (let i = 0; i <= last; i += 1) {
      if (i === this.#commonAt && characters !== '') {
        const behind = this.#common(bytes, at, to, characters);
        if (behind >= 0) {
          at = behind;
          i += COMMON.until.length;
          continue;
        }
      }
      const step = steps[i] as Step;
      const { stop, field } = step;
      const start = at;
      let digits = -1;
      if (step.isNumber) {
        let value = 0;
        for (; at < to; at += 1) {
          const digit = (bytes[at] as number) - ZERO;
          if (digit < 0 || digit > 9) break;
          value = value * 10 + digit;
        }
        digits = at;
        this.#numbers[field] = value;
      }
      if (at < start + step.least) at = start + step.least;
      if (stop === QUOTE) at = closing(bytes, characters, step, at, to);
      else if (stop >= LIST) at = behindList(bytes, step.until, at, to);
      else {
        const near = at + NEAR;
        while (at < to && !(bytes[at] === stop && isFollowed(bytes, step, at))) {
          at += 1;
          if (at !== near || characters === '') continue;
          at = characters.indexOf(step.character, at);
          if (at < 0 || at > to) at = to;
        }
      }
      if (at >= to) {
        // A line may end with its last field, where the format goes on behind it.
        if (at > to || i < last || stop === QUOTE) return false;
      }
      if (field >= 0) {
        this.#from[field] = start;
        this.#to[field] = at;
        if (digits >= 0 && (digits !== at || digits === start)) this.#numbers[field] = Number.NaN;
      }
      at += step.passed;
    }
    return true;
  }

  /**
   * Reads the fields that most formats have in one go, which takes a third of the time.
   *
   * @returns where the next field begins; -1 for what is out of the ordinary, and to be read field by field.
   */
  #common(bytes: Uint8Array, start: number, to: number, characters: string): number {
    let at = characters.indexOf(' ', start);
    if (at < 0) return -1;
    // Nearly all have `- - [` here; to ask V8 for each costs more than to look.
    if (bytes[at + 1] === DASH && bytes[at + 2] === SPACE) at += 2;
    else {
      at = characters.indexOf(' ', at + 1);
      if (at < 0) return -1;
    }
    if (bytes[at + 1] === DASH && bytes[at + 2] === SPACE && bytes[at + 3] === OPEN) at += 2;
    else at = characters.indexOf(' [', at + 1);
    if (at < 0 || at >= to) return -1;
    const time = at + 2;
    at = time + TIME_LENGTH;
    if (hasZone(bytes, at)) at += ZONE_LENGTH;
    if (bytes[at] !== CLOSE || bytes[at + 1] !== SPACE || bytes[at + 2] !== QUOTE) {
      at = characters.indexOf('] "', time + TIME_LENGTH);
    }
    if (at < 0 || at >= to) return -1;
    const timeEnd = at;
    const request = at + 3;
    at = characters.indexOf('"', request);
    // A quote within, or what looks like one.
    if (at < 0 || at >= to || bytes[at - 1] === BACKSLASH || bytes[at + 1] !== SPACE) return -1;
    const requestEnd = at;
    const status = at + 2;
    let value = 0;
    for (at = status; at < to; at += 1) {
      const byte = bytes[at] as number;
      if (byte < ZERO || byte > NINE) break;
      value = value * 10 + (byte - ZERO);
    }
    if (at === status || at >= to || bytes[at] !== SPACE) return -1;
    const statusEnd = at;
    const sent = at + 1;
    let size = 0;
    for (at = sent; at < to; at += 1) {
      const byte = bytes[at] as number;
      if (byte < ZERO || byte > NINE) break;
      size = size * 10 + (byte - ZERO);
    }
    if (at === sent) {
      if (bytes[at] !== DASH) return -1;
      size = Number.NaN;
      at += 1;
    }
    const last = this.#steps[this.#commonAt + COMMON.until.length] as Step;
    if (at >= to) {
      if (at > to || this.#commonAt + COMMON.fields.length < this.#steps.length) return -1;
    } else if (bytes[at] !== last.stop || (last.second >= 0 && bytes[at + 1] !== last.second)) {
      return -1;
    }
    this.#from[TIME] = time;
    this.#to[TIME] = timeEnd;
    this.#from[REQUEST] = request;
    this.#to[REQUEST] = requestEnd;
    this.#from[STATUS] = status;
    this.#to[STATUS] = statusEnd;
    this.#numbers[STATUS] = value;
    this.#from[BYTES] = sent;
    this.#to[BYTES] = at;
    this.#numbers[BYTES] = size;
    return at + last.passed;
  }
}

/** Whether ` +0000` stands at a place, or what looks like it: nothing of it ends a time. */
const hasZone = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === SPACE &&
  bytes[at + 1] !== CLOSE &&
  isDigit(bytes[at + 2]) &&
  isDigit(bytes[at + 3]) &&
  isDigit(bytes[at + 4]) &&
  isDigit(bytes[at + 5]);

const isDigit = (byte = 0): boolean => byte >= ZERO && byte <= NINE;

/** Whether what ends a field goes on as it must. */
const isFollowed = (bytes: Uint8Array, { second, until }: Step, at: number): boolean =>
  second < 0 || (bytes[at + 1] === second && (until.length === 2 || standsAt(bytes, until, at)));

/**
 * Where the quote that ends a field stands, and what follows it; `to` where none does. A quote within has
 * a backslash before it.
 */
function closing(
  bytes: Uint8Array,
  characters: string,
  step: Step,
  from: number,
  to: number,
): number {
  for (let at = from; at < to; at += 1) {
    at = characters === '' ? indexOfByte(bytes, QUOTE, at, to) : characters.indexOf('"', at);
    if (at < 0 || at >= to) return to;
    if (bytes[at - 1] === BACKSLASH && isEscaped(bytes, from, at)) continue;
    if (isFollowed(bytes, step, at)) return at;
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
