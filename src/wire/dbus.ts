/**
 * D-Bus: a message bus over a local socket, by which systemd and its kin are asked.
 *
 * A message is a head, fields (what is called, which call is answered, the body's signature) and a body
 * in the sender's byte order, each value aligned to its size. We write little-endian and read both.
 *
 * @see https://dbus.freedesktop.org/doc/dbus-specification.html
 */

/** What we call; the body holds texts only. */
export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly texts?: readonly string[];
}

/** A value as it was sent: numbers of 64 bits as the nearest number, a variant as what is in it. */
export type Value = number | string | boolean | readonly Value[];

/** An answer, or what nobody asked for. */
export interface Message {
  readonly type: 'call' | 'return' | 'error' | 'signal';
  /** The serial of the call that is answered; 0 if none is. */
  readonly answers: number;
  /** Of an error, such as `org.freedesktop.DBus.Error.AccessDenied`. */
  readonly error: string | undefined;
  readonly body: readonly Value[];
}

const TYPES = ['call', 'return', 'error', 'signal'] as const;
const HEAD = 16;
/** Bytes of a message at most: 50,000 units of systemd need as many. */
const LONGEST = 16 * 1024 * 1024;
/** Structures and arrays within each other, as the specification allows them. */
const DEEPEST = 64;
const FIELDS = { path: 1, interface: 2, member: 3, error: 4, answers: 5, to: 6, signature: 8 };

/** The first bytes of a connection: who we are, as the kernel will confirm. @param uid of this process. */
export const encodeHello = (uid: number): string =>
  `\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`;
/** Ends the greeting, once the bus has said `OK`. */
export const BEGIN = 'BEGIN\r\n';

class Writer {
  #bytes = Buffer.alloc(256);
  length = 0;

  #room(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    this.#bytes = Buffer.concat([this.#bytes], 2 * (this.length + more));
  }
  align(size: number): void {
    const to = Math.ceil(this.length / size) * size;
    this.#room(to - this.length);
    this.length = to;
  }
  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.length] = value;
    this.length += 1;
  }
  uint(value: number): void {
    this.align(4);
    this.#room(4);
    this.#bytes.writeUInt32LE(value, this.length);
    this.length += 4;
  }
  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.uint(length);
    this.#room(length + 1);
    this.#bytes.write(value, this.length);
    this.length += length + 1;
  }
  signature(value: string): void {
    this.byte(value.length);
    this.#room(value.length + 1);
    this.#bytes.write(value, this.length, 'latin1');
    this.length += value.length + 1;
  }
  overwrite(value: number, at: number): void {
    this.#bytes.writeUInt32LE(value, at);
  }
  take(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}

/** @param serial above 0: the answer names it. */
export function encodeCall(call: Call, serial: number): Buffer {
  const writer = new Writer();
  for (const byte of [0x6c, 1, 0, 1]) writer.byte(byte);
  writer.uint(0);
  writer.uint(serial);
  writer.uint(0);
  const field = (code: number, type: string, value: string) => {
    writer.align(8);
    writer.byte(code);
    writer.signature(type);
    if (type === 'g') writer.signature(value);
    else writer.text(value);
  };
  field(FIELDS.path, 'o', call.path);
  field(FIELDS.interface, 's', call.interface);
  field(FIELDS.member, 's', call.member);
  field(FIELDS.to, 's', call.destination);
  const texts = call.texts ?? [];
  if (texts.length > 0) field(FIELDS.signature, 'g', 's'.repeat(texts.length));
  writer.overwrite(writer.length - HEAD, 12);
  writer.align(8);
  const body = writer.length;
  for (const text of texts) writer.text(text);
  writer.overwrite(writer.length - body, 4);
  return writer.take();
}

const malformed = (what: string): SyntaxError => new SyntaxError(`a message of D-Bus with ${what}`);

/** The end of the first whole type of a signature. */
function endOfType(signature: string, from: number, depth = 0): number {
  if (depth > DEEPEST) throw malformed('a signature that is too deep');
  const type = signature[from];
  if (type === undefined) throw malformed('a signature that ends too soon');
  if (type === 'a') return endOfType(signature, from + 1, depth + 1);
  const close = type === '(' ? ')' : type === '{' ? '}' : undefined;
  if (close === undefined) return from + 1;
  let at = from + 1;
  while (signature[at] !== close) at = endOfType(signature, at, depth + 1);
  return at + 1;
}

const SIZES: Readonly<Record<string, number>> = {
  ...{ y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, s: 4, o: 4, a: 4, h: 4 },
  ...{ x: 8, t: 8, d: 8, '(': 8, '{': 8 },
};

class Reader {
  readonly #bytes: Buffer;
  readonly #little: boolean;
  at: number;

  constructor(bytes: Buffer, little: boolean, at: number) {
    this.#bytes = bytes;
    this.#little = little;
    this.at = at;
  }

  #take(length: number): number {
    const { at } = this;
    if (length > this.#bytes.length - at) throw malformed('a value beyond its end');
    this.at = at + length;
    return at;
  }
  align(size: number): void {
    this.at = Math.ceil(this.at / size) * size;
  }
  uint(): number {
    this.align(4);
    const at = this.#take(4);
    return this.#little ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }
  #text(length: number): string {
    const at = this.#take(length + 1);
    return this.#bytes.toString('utf8', at, at + length);
  }
  signature(): string {
    return this.#text(this.#bytes[this.#take(1)] ?? 0);
  }

  /** Every value of a signature. */
  values(signature: string, depth = 0): Value[] {
    const values: Value[] = [];
    for (let at = 0; at < signature.length; ) {
      const end = endOfType(signature, at);
      values.push(this.#value(signature.slice(at, end), depth));
      at = end;
    }
    return values;
  }

  #value(type: string, depth: number): Value {
    if (depth > DEEPEST) throw malformed('values that are too deep');
    const size = SIZES[type[0] ?? ''];
    if (size === undefined) throw malformed(`a value of type "${type.slice(0, 1)}"`);
    this.align(size);
    switch (type[0]) {
      case 's':
      case 'o':
        return this.#text(this.uint());
      case 'g':
        return this.signature();
      case 'v': {
        const [value] = this.values(this.signature(), depth + 1);
        if (value === undefined) throw malformed('a variant of nothing');
        return value;
      }
      case 'a':
        return this.#array(type.slice(1), depth + 1);
      case '(':
      case '{':
        return this.values(type.slice(1, -1), depth + 1);
      case 'b':
        return this.uint() !== 0;
      default:
        return this.#number(type, size);
    }
  }

  #array(type: string, depth: number): Value[] {
    const length = this.uint();
    this.align(SIZES[type[0] ?? ''] ?? 1);
    if (length > this.#bytes.length - this.at) throw malformed('an array beyond its end');
    const end = this.at + length;
    const values: Value[] = [];
    while (this.at < end) {
      const before = this.at;
      values.push(this.#value(type, depth));
      if (this.at === before) throw malformed('an array of nothing');
    }
    if (this.at !== end) throw malformed('an array that ends within a value');
    return values;
  }

  #number(type: string, size: number): number {
    const at = this.#take(size);
    const bytes = this.#bytes;
    const little = this.#little;
    switch (type) {
      case 'y':
        return bytes.readUInt8(at);
      case 'n':
        return little ? bytes.readInt16LE(at) : bytes.readInt16BE(at);
      case 'q':
        return little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
      case 'i':
        return little ? bytes.readInt32LE(at) : bytes.readInt32BE(at);
      case 'x':
        return Number(little ? bytes.readBigInt64LE(at) : bytes.readBigInt64BE(at));
      case 't':
        return Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
      case 'd':
        return little ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at);
      default:
        return little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    }
  }
}

/** Bytes of the message that begins here; `undefined` while its head is not whole. */
function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < HEAD) return undefined;
  const order = bytes[0];
  if ((order !== 0x6c && order !== 0x42) || bytes[3] !== 1) throw malformed('another beginning');
  const read = (at: number) => (order === 0x6c ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const length = HEAD + Math.ceil(read(12) / 8) * 8 + read(4);
  if (length > LONGEST) throw malformed(`${length} bytes, which is too long`);
  return length;
}

/**
 * Reads one whole message.
 *
 * @throws SyntaxError where it is none.
 */
export function decodeMessage(bytes: Buffer): Message {
  const little = bytes[0] === 0x6c;
  const type = TYPES[(bytes[1] ?? 0) - 1];
  if (type === undefined) throw malformed(`type ${bytes[1]}`);
  const reader = new Reader(bytes, little, 4);
  const bodyLength = reader.uint();
  reader.uint();
  const [fields = []] = reader.values('a(yv)');
  let [answers, error, signature]: [number, string | undefined, string] = [0, undefined, ''];
  for (const field of Array.isArray(fields) ? fields : []) {
    const [code, value] = field as readonly Value[];
    if (code === FIELDS.answers && typeof value === 'number') answers = value;
    if (code === FIELDS.error && typeof value === 'string') error = value;
    if (code === FIELDS.signature && typeof value === 'string') signature = value;
  }
  reader.align(8);
  if (reader.at + bodyLength !== bytes.length) throw malformed('a body of another length');
  return { type, answers, error, body: reader.values(signature) };
}

/** Takes a stream apart into messages. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #missing = HEAD;

  /** @throws SyntaxError where the stream is not of D-Bus; then nothing behind it can be read. */
  *push(bytes: Buffer): Generator<Message> {
    this.#parts.push(bytes);
    this.#missing -= bytes.length;
    // A long message comes in many pieces: they are put together once.
    if (this.#missing > 0) return;
    this.#rest = Buffer.concat([this.#rest, ...this.#parts]);
    this.#parts = [];
    let at = 0;
    for (;;) {
      const rest = this.#rest.subarray(at);
      const length = lengthOf(rest);
      if (length === undefined || rest.length < length) {
        this.#rest = Buffer.from(rest);
        this.#missing = (length ?? HEAD) - rest.length;
        return;
      }
      at += length;
      yield decodeMessage(rest.subarray(0, length));
    }
  }
}
