import { encoded, standsAt } from './bytes.ts';

/** What is read of an access log's line. A `request` is `GET /path HTTP/1.1`. */
const FIELDS = [
  'vhost',
  'time',
  'iso',
  'epoch',
  'request',
  'method',
  'path',
  'status',
  'bytes',
  'seconds',
  'milliseconds',
  'microseconds',
  'upstream',
] as const;
export type AccessField = (typeof FIELDS)[number];

/** Formats that have a name. nginx's combined is Apache's. */
const NAMED: Readonly<Record<string, string>> = {
  common: '%h %l %u %t "%r" %>s %b',
  combined: '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',
  vhost_common: '%v %h %l %u %t "%r" %>s %b',
  vhost_combined: '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"',
};

/** Apache's directives by their letter; the others are read over. */
const APACHE: Readonly<Record<string, AccessField>> = {
  v: 'vhost',
  V: 'vhost',
  r: 'request',
  m: 'method',
  U: 'path',
  s: 'status',
  b: 'bytes',
  B: 'bytes',
  O: 'bytes',
  D: 'microseconds',
  T: 'seconds',
};

/** Apache's `%{…}T`. */
const APACHE_TIME: Readonly<Record<string, AccessField>> = {
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
};

/** nginx's variables; the others are read over. */
const NGINX: Readonly<Record<string, AccessField>> = {
  host: 'vhost',
  server_name: 'vhost',
  http_host: 'vhost',
  time_local: 'time',
  time_iso8601: 'iso',
  msec: 'epoch',
  request: 'request',
  request_method: 'method',
  request_uri: 'path',
  uri: 'path',
  status: 'status',
  bytes_sent: 'bytes',
  body_bytes_sent: 'bytes',
  request_time: 'seconds',
  upstream_response_time: 'upstream',
};

/** A field, or -1 for one that is read over, and the text behind it. */
interface Step {
  readonly field: number;
  readonly until: Uint8Array;
}

interface Compiled {
  readonly before: Uint8Array;
  readonly steps: readonly Step[];
}

const APACHE_DIRECTIVE = /%(?:[<>]|!?\d{3}(?:,\d{3})*)*(?:\{([^}]*)\})?(\^t[io]|[A-Za-z%])/y;
const NGINX_VARIABLE = /\$(?:\{([a-z0-9_]+)\}|([a-z0-9_]+))/y;

type Piece = string | { readonly field: AccessField | undefined };

function apachePiece(argument: string | undefined, letter: string): readonly Piece[] {
  if (letter === '%') return ['%'];
  // Apache puts the time into brackets of its own, unless it is told how to write it.
  if (letter === 't' && argument === undefined) return ['[', { field: 'time' }, ']'];
  if (letter === 'T' && argument !== undefined) return [{ field: APACHE_TIME[argument] }];
  return [{ field: argument === undefined ? APACHE[letter] : undefined }];
}

function piecesOf(format: string): readonly Piece[] {
  const pieces: Piece[] = [];
  const nginx = /\$\{?[a-z]/.test(format);
  for (let at = 0; at < format.length; ) {
    const expression = nginx ? NGINX_VARIABLE : APACHE_DIRECTIVE;
    expression.lastIndex = at;
    const match = expression.exec(format);
    if (match === null) {
      if (!nginx && format[at] === '%') {
        throw new Error(`"${format.slice(at, at + 12)}" is no directive of Apache's LogFormat`);
      }
      pieces.push(format[at] as string);
      at += 1;
      continue;
    }
    if (nginx) pieces.push({ field: NGINX[match[1] ?? match[2] ?? ''] });
    else pieces.push(...apachePiece(match[1], match[2] ?? ''));
    at += match[0].length;
  }
  return pieces;
}

/**
 * @throws {@link Error} that says what is wrong with a format: no status in it, two fields with nothing
 *   between them, no such directive.
 */
function compile(format: string): Compiled {
  // Out of a configuration file, where a quote needs a backslash before it.
  const plain = (NAMED[format] ?? format).replaceAll('\\"', '"');
  let before = '';
  const steps: { field: number; until: string }[] = [];
  const seen = new Set<AccessField>();
  for (const piece of piecesOf(plain)) {
    const latest = steps.at(-1);
    if (typeof piece === 'string') {
      if (latest === undefined) before += piece;
      else latest.until += piece;
      continue;
    }
    if (latest?.until === '') {
      throw new Error('two fields have nothing between them that could tell where one ends');
    }
    // A field that comes twice is read where it comes first.
    const wanted = piece.field !== undefined && !seen.has(piece.field);
    if (piece.field !== undefined) seen.add(piece.field);
    steps.push({ field: wanted ? FIELDS.indexOf(piece.field as AccessField) : -1, until: '' });
  }
  if (!seen.has('status')) throw new Error('it has no status: %>s for Apache, $status for nginx');
  // What stands behind the last field that is wanted is never looked at.
  while ((steps.at(-1)?.field ?? 0) < 0) steps.pop();
  return {
    before: encoded(before),
    steps: steps.map(({ field, until }) => ({ field, until: encoded(until) })),
  };
}

/** Why a format cannot be read; `undefined` if it can. */
export function formatProblem(format: string): string | undefined {
  try {
    compile(format);
    return undefined;
  } catch (error) {
    return `"${format}" is no format of an access log: ${(error as Error).message}`;
  }
}

/** Bytes that a field has at least: these need no looking at. */
const SHORTEST: Readonly<Record<string, number>> = { time: 20, iso: 19, status: 3 };

const BACKSLASH = 92;
const QUOTE = 34;

/**
 * Reads lines of an access log: where each field stands in the latest line. It goes through a line
 * once, up to the last field that is wanted, and makes no string of any.
 *
 * Formats are Apache's `LogFormat` strings, nginx's `log_format` strings, and the names `common`,
 * `combined`, `vhost_common` and `vhost_combined`.
 *
 * @see https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
 * @see https://nginx.org/en/docs/http/ngx_http_log_module.html
 */
export class AccessLine {
  readonly #before: Uint8Array;
  /** Four numbers per step: its field, bytes it has at least, what ends it, where that stands. */
  readonly #program: Int32Array;
  readonly #untils: readonly Uint8Array[];
  readonly #from = new Int32Array(FIELDS.length);
  readonly #to = new Int32Array(FIELDS.length);

  /** @throws {@link Error} that says what is wrong with the format; see {@link formatProblem}. */
  constructor(format: string) {
    const { before, steps } = compile(format);
    this.#before = before;
    this.#program = Int32Array.from(
      steps.flatMap(({ field, until }) => [
        field,
        SHORTEST[FIELDS[field] ?? ''] ?? 0,
        until[0] ?? -1,
        until.length,
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

/** The number that a field goes by in {@link AccessLine}. */
export const fieldNumber = (field: AccessField): number => FIELDS.indexOf(field);
