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

/** Bytes of a frame whose memory is worth keeping for the next: not that of an answer of one word. */
const LARGE = 65_536;

/** One message. */
export interface Frame {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  /** That of the call, in its reply. */
  readonly serial: number;
  readonly status: number;
  /** Whose memory nobody else has; it begins at a whole word. */
  readonly payload: Buffer;
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
 * version. After that the stream has no meaning any more.
 */
export class FrameReader {
  /** The frame that is being put together, or the word that says how long it is. */
  #frame: Buffer = Buffer.alloc(WORD);
  #filled = 0;
  #spare: ArrayBufferLike | undefined;

  /**
   * Takes the memory of a frame that nobody needs any more: the next one that is about as long gets it. A
   * thousand guests are 1.7 MB at each tick, which would be garbage for long.
   */
  giveBack({ buffer }: Buffer): void {
    if (buffer.byteLength >= LARGE) this.#spare = buffer;
  }

  /** The frames that are whole with these bytes, each in memory of its own. */
  push(bytes: Buffer): readonly Frame[] {
    const frames: Frame[] = [];
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.copy(this.#frame, this.#filled, at);
      at += taken;
      this.#filled += taken;
      if (this.#filled < this.#frame.length) break;
      if (this.#filled === WORD) {
        const frame = this.#room(lengthOf(this.#frame));
        this.#frame.copy(frame);
        this.#frame = frame;
      } else {
        frames.push(decode(this.#frame.subarray(WORD)));
        this.#frame = Buffer.alloc(WORD);
        this.#filled = 0;
      }
    }
    return frames;
  }

  #room(length: number): Buffer {
    const spare = this.#spare;
    if (length >= LARGE) {
      this.#spare = undefined;
      const size = spare?.byteLength ?? 0;
      if (spare !== undefined && size >= length && size <= 2 * length) {
        return Buffer.from(spare, 0, length);
      }
    }
    // Not of a pool that others share: a reply may be held for long. Nothing of it is touched yet.
    return Buffer.allocUnsafeSlow(length);
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

function decode(bytes: Buffer): Frame {
  const reader = new XdrReader(bytes);
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
    payload: bytes.subarray(HEADER - WORD),
  };
}
