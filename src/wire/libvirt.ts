/**
 * libvirt's remote procedure calls: the frames that libvirtd and its modular siblings (virtqemud, …) speak
 * over sockets, in XDR. What is in the calls is in libvirt/calls.ts and libvirt/stats.ts.
 *
 * A frame is its own length, a header of six words (program, version, procedure, type, serial, status) and
 * what the procedure takes or gives. libvirt promises its library's interface and not this protocol, but
 * has changed neither a frame nor a procedure since 2008: old clients and new daemons have to meet.
 *
 * @see https://gitlab.com/libvirt/libvirt/-/blob/master/src/rpc/virnetprotocol.x
 */
import { XdrReader, XdrWriter } from './xdr.ts';

/** The program that everything but keep-alive is a procedure of. */
export const REMOTE = 0x2000_8086;
/** The program of keep-alive: "keep". */
export const KEEPALIVE = 0x6b65_6570;
const VERSION = 1;

/** Types of a message. */
export const CALL = 0;
export const REPLY = 1;
export const MESSAGE = 2;

/** Statuses: a reply holds what was asked for, or an error. */
export const OK = 0;
export const ERROR = 1;

/** Procedures of keep-alive; a message, which nobody replies to. */
export const PING = 1;
export const PONG = 2;

const WORD = 4;
const HEADER = 7 * WORD;
/** What libvirt's own library takes at most, without the word that says so: 32 MiB. */
export const LARGEST = 2 ** 25;

/** What is said of a message before its payload. */
export interface Header {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  /** That of the call, in its reply. */
  readonly serial: number;
  readonly status: number;
}

/** One message. */
export interface Frame extends Header {
  /** Whose memory nobody else has; it begins at a whole word. Empty where a {@link Sink} took it. */
  readonly payload: Buffer;
}

/** Takes a payload as it arrives, so that it is never held as a whole. */
export interface Sink {
  /** Takes the next piece, and keeps none of its memory. Throws nothing. */
  take(bytes: Buffer): void;
}

const frame = (program: number, procedure: number, type: number, serial: number, payload: Buffer) =>
  Buffer.concat([
    new XdrWriter()
      .uint(HEADER + payload.length)
      .uint(program)
      .uint(VERSION)
      .int(procedure)
      .uint(type)
      .uint(serial)
      .uint(OK)
      .finish(),
    payload,
  ]);

const NOTHING = Buffer.alloc(0);

/** Asks for a procedure. */
export const encodeCall = (procedure: number, serial: number, payload: Buffer = NOTHING): Buffer =>
  frame(REMOTE, procedure, CALL, serial, payload);

/** Answers a daemon that wants to know whether we are still there. */
export const encodePong = (): Buffer => frame(KEEPALIVE, PONG, MESSAGE, 0, NOTHING);

/**
 * Puts frames together from what a socket brings.
 *
 * A frame that says it is larger than libvirt allows, or too small for a header, throws a SyntaxError as
 * soon as its first word is there, before there is any room for it; so does one of another program or
 * version with its header. After that the stream has no meaning any more.
 */
export class FrameReader {
  readonly #sinkOf: (header: Header) => Sink | undefined;
  /** The header that is being put together, with the word that says how long the frame is. */
  readonly #words = Buffer.alloc(HEADER);
  #filled = 0;
  /** The frame whose payload arrives. */
  #frame: Frame | undefined;
  #sink: Sink | undefined;
  /** Bytes of the payload that are still to come. */
  #left = 0;

  /** @param sinkOf who takes what is behind a header; where it is nobody, the frame holds it. */
  constructor(sinkOf: (header: Header) => Sink | undefined = () => undefined) {
    this.#sinkOf = sinkOf;
  }

  /** The frames that are whole with these bytes. */
  push(bytes: Buffer): readonly Frame[] {
    const frames: Frame[] = [];
    for (let rest = bytes; rest.length > 0; ) {
      rest = rest.subarray(this.#frame === undefined ? this.#begin(rest) : this.#go(rest));
      if (this.#frame === undefined || this.#left > 0) continue;
      frames.push(this.#frame);
      this.#frame = undefined;
      this.#sink = undefined;
      this.#filled = 0;
    }
    return frames;
  }

  /** Takes a part of a header. */
  #begin(bytes: Buffer): number {
    const words = this.#words;
    const taken = bytes.copy(words, this.#filled);
    this.#filled += taken;
    if (this.#filled < WORD) return taken;
    this.#left = lengthOf(words) - HEADER;
    if (this.#filled < HEADER) return taken;
    const header = decodeHeader(words);
    this.#sink = this.#sinkOf(header);
    // Not of a pool that others share: a reply may be held for long. Nothing of it is touched yet.
    const payload = Buffer.allocUnsafeSlow(this.#sink === undefined ? this.#left : 0);
    this.#frame = { ...header, payload };
    return taken;
  }

  /** Takes a part of a payload. */
  #go(bytes: Buffer): number {
    const { payload } = this.#frame ?? { payload: bytes };
    const taken = Math.min(this.#left, bytes.length);
    if (this.#sink === undefined) bytes.copy(payload, payload.length - this.#left, 0, taken);
    else this.#sink.take(bytes.subarray(0, taken));
    this.#left -= taken;
    return taken;
  }
}

function lengthOf(bytes: Buffer): number {
  const length = bytes.readUInt32BE(0);
  if (length < HEADER)
    throw new SyntaxError(`a frame of ${length} bytes, and ${HEADER} are its header`);
  if (length > LARGEST + WORD) {
    throw new SyntaxError(`a frame of ${length} bytes, and libvirt allows ${LARGEST + WORD}`);
  }
  return length;
}

function decodeHeader(bytes: Buffer): Header {
  const reader = new XdrReader(bytes.subarray(WORD));
  const program = reader.uint();
  const version = reader.uint();
  if (program !== REMOTE && program !== KEEPALIVE) {
    throw new SyntaxError(
      `a frame of the program 0x${program.toString(16)}, which is none of libvirt's`,
    );
  }
  if (version !== VERSION) {
    throw new SyntaxError(`a frame of version ${version}, and ${VERSION} is spoken`);
  }
  return {
    program,
    version,
    procedure: reader.int(),
    type: reader.uint(),
    serial: reader.uint(),
    status: reader.uint(),
  };
}
