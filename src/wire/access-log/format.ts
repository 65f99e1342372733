import { encoded } from '../bytes.ts';

/** What is read of an access log's line. A `request` is `GET /path HTTP/1.1`. */
export const FIELDS = [
  'vhost',
  'time',
  'iso',
  'epoch',
  'request',
  'method',
  'path',
  'status',
  'bytes',
  'received',
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
  I: 'received',
  D: 'microseconds',
  T: 'seconds',
};

/** Apache's `%{…}T`. */
const APACHE_TOOK: Readonly<Record<string, AccessField>> = {
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
};

/** Apache's `%{…}t`, with strftime's words, where it comes to a form that is read. */
const APACHE_TIME: readonly (readonly [RegExp, AccessField])[] = [
  [/^(sec|%s)$/, 'epoch'],
  [/^%d\/%b\/%Y:(%H:%M:%S|%T)/, 'time'],
  [/^(%Y-%m-%d|%F)[T ](%H:%M:%S|%T)/, 'iso'],
];

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
  document_uri: 'path',
  status: 'status',
  bytes_sent: 'bytes',
  body_bytes_sent: 'bytes',
  request_length: 'received',
  request_time: 'seconds',
  upstream_response_time: 'upstream',
};

/** What goes on with the field before it, or is empty: the query behind a path. */
const GOES_ON = /^(q|is_args|args|query_string)$/;

/** A field, or -1 for one that is read over, and what ends it. */
export interface Step {
  readonly field: number;
  readonly until: Uint8Array;
  /** Bytes of `until` that do not belong to the next field. */
  readonly passed: number;
  /** It may have commas and colons in it, each with `until` behind. */
  readonly isList: boolean;
}

export interface Compiled {
  readonly before: Uint8Array;
  readonly steps: readonly Step[];
}

interface Variable {
  readonly name: string;
  readonly field: AccessField | undefined;
}
type Piece = string | Variable;

const APACHE_DIRECTIVE = /%(?:[<>]|!?\d{3}(?:,\d{3})*)*(?:\{([^}]*)\})?(\^t[io]|\^FB|[A-Za-z%])/y;
const NGINX_VARIABLE = /\$(?:\{([a-z0-9_]+)\}|([a-z0-9_]+))/y;

function apachePieces(argument: string | undefined, letter: string): readonly Piece[] {
  if (letter === '%') return ['%'];
  if (letter === 't') {
    // Apache puts the time into brackets of its own, unless it is told how to write it.
    if (argument === undefined) return ['[', { name: letter, field: 'time' }, ']'];
    const form = argument.replace(/^(begin|end):/, '');
    const field = APACHE_TIME.find(([pattern]) => pattern.test(form))?.[1];
    return [{ name: letter, field }];
  }
  if (letter === 'T') return [{ name: letter, field: APACHE_TOOK[argument ?? 's'] }];
  return [{ name: letter, field: argument === undefined ? APACHE[letter] : undefined }];
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
    const name = match[1] ?? match[2] ?? '';
    if (nginx) pieces.push({ name, field: NGINX[name] });
    else pieces.push(...apachePieces(match[1], match[2] ?? ''));
    at += match[0].length;
  }
  return pieces;
}

/** A format's text, out of the server's own configuration if it was taken from there whole. */
function textOf(given: string): string {
  const named = NAMED[given];
  if (named !== undefined) return named;
  const nginx =
    /^\s*log_format\s+\S+\s+(?:escape=\w+\s+)?(.*?);?\s*$/s.exec(given)?.[1] ??
    /^\s*('.*\$.*')\s*$/s.exec(given)?.[1];
  const apache = /^\s*LogFormat\s+("(?:[^"\\]|\\.)*")/i.exec(given)?.[1];
  const text = nginx ?? apache;
  if (text === undefined) return unescaped(given);
  return [...text.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|[^\s'"]+/g)]
    .map(([word, single, double]) => unescaped(single ?? double ?? word))
    .join('');
}

const CONTROLS: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r' };

/** As a configuration file has it, where a quote needs a backslash before it. */
const unescaped = (text: string): string =>
  text.replace(/\\(["'\\tnr])/g, (_, char: string) => CONTROLS[char] ?? char);

/**
 * Makes the steps to read a line out of a format.
 *
 * @throws {@link Error} that says what is wrong with a format: no status in it, two fields with nothing
 *   between them, no such directive.
 */
export function compile(format: string): Compiled {
  const text = textOf(format);
  if (!/[%$]/.test(text)) {
    throw new Error(
      `it is none of ${Object.keys(NAMED).join(', ')}, and has no directive such as %>s, and no variable such as $status`,
    );
  }
  let before = '';
  const steps: { variable: Variable; field: number; until: string; passed?: number }[] = [];
  const seen = new Set<AccessField>();
  for (const piece of piecesOf(text)) {
    const latest = steps.at(-1);
    if (typeof piece === 'string') {
      if (latest === undefined) before += piece;
      else latest.until += piece;
      continue;
    }
    if (latest?.until === '') {
      if (GOES_ON.test(piece.name)) continue;
      if (piece.field !== 'path') {
        throw new Error('two fields have nothing between them that could tell where one ends');
      }
      latest.until = '/';
      latest.passed = 0;
    }
    // A field that comes twice is read where it comes first.
    const wanted = piece.field !== undefined && !seen.has(piece.field);
    if (piece.field !== undefined) seen.add(piece.field);
    const field = wanted ? FIELDS.indexOf(piece.field as AccessField) : -1;
    steps.push({ variable: piece, field, until: '' });
  }
  if (!seen.has('status')) throw new Error('it has no status: %>s for Apache, $status for nginx');
  // What stands behind the last field that is wanted is never looked at.
  while ((steps.at(-1)?.field ?? 0) < 0) steps.pop();
  return {
    before: encoded(before),
    steps: steps.map(({ variable, field, until, passed }) => {
      const bytes = encoded(until);
      const isList = variable.name.startsWith('upstream_') && until !== '' && until[0] !== '"';
      return { field, until: bytes, passed: passed ?? bytes.length, isList };
    }),
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
