/**
 * How ntpd is asked for its variables: control messages, mode 6 of NTP, as ntpq sends them.
 *
 * A message is a head of 12 bytes and text, `name=value, name="text"`; a long answer comes in pieces that say
 * where in it they belong.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9327
 */

const HEAD = 12;
const OPERATIONS = { list: 1, variables: 2 } as const;
/** Bytes of an answer at most. */
const LONGEST = 64 * 1024;

/** What ntpd refuses. */
export class NtpRefusal extends Error {
  override readonly name = 'NtpRefusal';
  /** Whether it is that we may not ask. */
  readonly denied: boolean;

  constructor(code: number) {
    super(ERRORS[code] ?? `it refuses with error ${code}`);
    this.denied = code === 1 || code === 7;
  }
}

const ERRORS: Readonly<Record<number, string>> = {
  1: 'authentication failed',
  2: 'it takes the question for malformed',
  3: 'it does not know the operation',
  4: 'it knows no such association',
  5: 'it knows no such variable',
  7: 'it is not allowed',
};

/** @param association 0 for ntpd itself. @param sequence 16 bits, which the answer has. */
export function encodeControl(
  operation: keyof typeof OPERATIONS,
  sequence: number,
  association = 0,
): Buffer {
  const bytes = Buffer.alloc(HEAD);
  // Version 2 of NTP, in which these messages are.
  bytes[0] = (2 << 3) | 6;
  bytes[1] = OPERATIONS[operation];
  bytes.writeUInt16BE(sequence, 2);
  bytes.writeUInt16BE(association, 6);
  return bytes;
}

/** Puts the pieces of an answer together. */
export class ControlAnswer {
  readonly #sequence: number;
  readonly #pieces = new Map<number, Buffer>();
  #length: number | undefined;

  /** @param sequence that of the question. */
  constructor(sequence: number) {
    this.#sequence = sequence;
  }

  /**
   * @returns the whole, once it is there.
   * @throws SyntaxError if it is no control message, {@link NtpRefusal} if ntpd refuses.
   */
  push(bytes: Buffer): Buffer | undefined {
    const flags = bytes[1] ?? 0;
    if (bytes.length < HEAD || ((bytes[0] ?? 0) & 7) !== 6 || (flags & 0x80) === 0) {
      throw new SyntaxError(`an answer of ${bytes.length} bytes that is no control message of NTP`);
    }
    if (bytes.readUInt16BE(2) !== this.#sequence) return undefined;
    if ((flags & 0x40) !== 0) throw new NtpRefusal(bytes[4] ?? 0);
    const [offset, count] = [bytes.readUInt16BE(8), bytes.readUInt16BE(10)];
    if (bytes.length < HEAD + count || offset + count > LONGEST) {
      throw new SyntaxError(
        `a control message of NTP of ${bytes.length} bytes that counts ${count}`,
      );
    }
    this.#pieces.set(offset, bytes.subarray(HEAD, HEAD + count));
    if ((flags & 0x20) === 0) this.#length = offset + count;
    return this.#whole();
  }

  #whole(): Buffer | undefined {
    if (this.#length === undefined) return undefined;
    const inOrder: Buffer[] = [];
    let at = 0;
    while (at < this.#length) {
      const piece = this.#pieces.get(at);
      if (piece === undefined || piece.length === 0) return undefined;
      inOrder.push(piece);
      at += piece.length;
    }
    return Buffer.concat(inOrder);
  }
}

/** What ntpd keeps time by: a server, a peer or a clock. */
export interface Association {
  readonly id: number;
  /** How it stands with it: 6 if the clock is set by it, 7 if by its pulse, 4 and 5 if it could be, 1 a falseticker. */
  readonly selection: number;
}

/** The answer to `list`. */
export function associationsIn(bytes: Buffer): readonly Association[] {
  const found: Association[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const id = bytes.readUInt16BE(at);
    found.push({ id, selection: (bytes[at + 2] ?? 0) & 7 });
  }
  return found;
}

/** The answer to `variables`: each by its name, as text without quotes. */
export function variablesIn(bytes: Buffer): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const pairs = /(?:^|,)\s*([a-z_]\w{0,40})=("[^"]*"|[^,]*)/gi;
  for (const [, name = '', value = ''] of bytes.toString('latin1').matchAll(pairs)) {
    found.set(name, value.startsWith('"') ? value.slice(1, -1) : value.trim());
  }
  return found;
}
