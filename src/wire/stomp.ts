/**
 * STOMP 1.2, in which message brokers speak to whoever has no library: frames of a command, headers and a body.
 *
 * @see https://stomp.github.io/stomp-specification-1.2.html
 */

/** What one side says to the other: `SEND`, `MESSAGE`, `ERROR`. */
export interface StompFrame {
  readonly command: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Bytes of a frame at most. */
const LONGEST = 1024 * 1024;

const ESCAPES: readonly (readonly [plain: string, escaped: string])[] = [
  ['\\', '\\\\'],
  ['\r', '\\r'],
  ['\n', '\\n'],
  [':', '\\c'],
];
const escaped = new Map(ESCAPES);
const plain = new Map(ESCAPES.map(([one, other]) => [other, one]));

const escapedIn = (text: string): string =>
  text.replace(/[\\\r\n:]/g, (character) => escaped.get(character) ?? '');

/** @throws SyntaxError for a sequence that STOMP does not have. */
const unescaped = (text: string): string =>
  text.replace(/\\.?/g, (sequence) => {
    const character = plain.get(sequence);
    if (character === undefined) throw new SyntaxError(`a header of STOMP with "${sequence}"`);
    return character;
  });

/** @param headers must not have line breaks or colons where the command is CONNECT, which escapes nothing. */
export function encodeFrame(
  command: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): string {
  const clean = command === 'CONNECT' ? (text: string) => text.replace(/[\r\n]/g, '') : escapedIn;
  const lines = Object.entries(headers).map(
    ([name, text]) => `${escapedIn(name)}:${clean(text)}\n`,
  );
  const length = body === '' ? '' : `content-length:${Buffer.byteLength(body)}\n`;
  return `${command}\n${lines.join('')}${length}\n${body}\0`;
}

function decode(head: string, body: string): StompFrame {
  const [command = '', ...lines] = head.split(/\r?\n/);
  if (!/^[A-Z]{1,20}$/.test(command)) {
    throw new SyntaxError(`a frame of STOMP that begins ${JSON.stringify(command.slice(0, 40))}`);
  }
  const read = command === 'CONNECTED' ? (text: string) => text : unescaped;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 0)
      throw new SyntaxError(`a header of STOMP without a colon: "${line.slice(0, 80)}"`);
    const name = read(line.slice(0, colon));
    // Of several of a name the first one counts.
    if (!headers.has(name)) headers.set(name, read(line.slice(colon + 1)));
  }
  return { command, headers, body };
}

/** Puts frames together from whatever pieces they come in. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws SyntaxError if what came is no STOMP, or too much. */
  push(bytes: Buffer): readonly StompFrame[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: StompFrame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): StompFrame | undefined {
    // Line ends between frames say that somebody is still there.
    let from = 0;
    while (this.#rest[from] === 0x0a || this.#rest[from] === 0x0d) from += 1;
    const bytes = this.#rest.subarray(from);
    this.#rest = bytes;
    const whole = boundary(bytes);
    if (whole === undefined) {
      if (bytes.length > LONGEST) throw new SyntaxError('a frame of STOMP without an end');
      return undefined;
    }
    this.#rest = bytes.subarray(whole.end + 1);
    const head = bytes.toString('utf8', 0, whole.head);
    return decode(head, bytes.toString('utf8', whole.body, whole.end));
  }
}

interface Boundary {
  readonly head: number;
  readonly body: number;
  /** Where its last byte is, which is 0. */
  readonly end: number;
}

/** Where the parts of the first frame are, once it is there. */
function boundary(bytes: Buffer): Boundary | undefined {
  const zero = bytes.indexOf(0);
  const text = bytes.toString('latin1', 0, zero < 0 ? Math.min(bytes.length, LONGEST) : zero);
  const gap = /\r?\n\r?\n/.exec(text);
  if (gap === null) {
    if (zero >= 0) throw new SyntaxError('a frame of STOMP whose headers have no end');
    return undefined;
  }
  const [head, body] = [gap.index, gap.index + gap[0].length];
  const length = /\ncontent-length:(\d{1,9})(?=\r?\n|$)/.exec(text.slice(0, head))?.[1];
  if (length === undefined) return zero < 0 ? undefined : { head, body, end: zero };
  const end = body + Number(length);
  if (end > LONGEST) throw new SyntaxError(`a body of STOMP of ${length} bytes`);
  if (end >= bytes.length) return undefined;
  if (bytes[end] !== 0) throw new SyntaxError('a body of STOMP that does not end where it says');
  return { head, body, end };
}
