/**
 * RESP, the protocol of Redis, Valkey and their kin: what one asks, and the answers of version 2.
 *
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

/** An answer; `null` for one that is not there. */
export type Reply = string | number | null | RespError | readonly Reply[];

/** What the server refuses, as it says it: `NOAUTH Authentication required.` */
export class RespError extends Error {
  override readonly name = 'RespError';
}

/** Bytes of an answer at most, and answers within each other. */
const LONGEST = 4 * 1024 * 1024;
const DEEPEST = 8;
const MOST = 100_000;

/** A command and its words. */
export function encodeCommand(words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join('')}`;
}

/** Nothing where there are not all bytes yet. */
type Read = { readonly reply: Reply; readonly end: number } | undefined;

function read(bytes: Buffer, at: number, depth: number): Read {
  const end = bytes.indexOf('\r\n', at);
  if (end < 0) {
    // All lines are short but those of a server that is none.
    if (bytes.length - at > 65_536) throw new SyntaxError('a line of RESP without an end');
    return undefined;
  }
  const line = bytes.toString('utf8', at + 1, end);
  const next = end + 2;
  const type = String.fromCharCode(bytes[at] ?? 0);
  switch (type) {
    case '+':
      return { reply: line, end: next };
    case '-':
      return { reply: new RespError(line), end: next };
    case ':':
      return { reply: whole(line), end: next };
    case '$': {
      const length = whole(line);
      if (length < 0) return { reply: null, end: next };
      if (length > LONGEST) throw new SyntaxError(`a text of RESP of ${length} bytes`);
      if (bytes.length < next + length + 2) return undefined;
      if (bytes.toString('latin1', next + length, next + length + 2) !== '\r\n') {
        throw new SyntaxError('a text of RESP that does not end where it says');
      }
      return { reply: bytes.toString('utf8', next, next + length), end: next + length + 2 };
    }
    case '*': {
      const length = whole(line);
      if (length < 0) return { reply: null, end: next };
      if (length > MOST || depth >= DEEPEST) throw new SyntaxError('a list of RESP beyond measure');
      const list: Reply[] = [];
      let place = next;
      for (let i = 0; i < length; i += 1) {
        const one = read(bytes, place, depth + 1);
        if (one === undefined) return undefined;
        list.push(one.reply);
        place = one.end;
      }
      return { reply: list, end: place };
    }
    default:
      throw new SyntaxError(`an answer of RESP that begins ${JSON.stringify(type)}`);
  }
}

function whole(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new SyntaxError('a number of RESP that is none');
  return Number(text);
}

/** Puts answers together from whatever pieces they come in. */
export class ReplyReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws SyntaxError if what came is no RESP, or too much. */
  push(bytes: Buffer): readonly Reply[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const replies: Reply[] = [];
    let at = 0;
    while (at < this.#rest.length) {
      const one = read(this.#rest, at, 0);
      if (one === undefined) break;
      replies.push(one.reply);
      at = one.end;
    }
    this.#rest = this.#rest.subarray(at);
    if (this.#rest.length > 2 * LONGEST) throw new SyntaxError('an answer of RESP without an end');
    return replies;
  }
}
