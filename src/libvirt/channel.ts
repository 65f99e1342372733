import type { Stream } from '../net/index.ts';
import { Foreseen } from '../plugin/index.ts';
import {
  decodeError,
  PROCEDURES,
  type Procedure,
  type RemoteError,
} from '../wire/libvirt/calls.ts';
import {
  ERROR,
  encodeCall,
  encodePong,
  type Frame,
  FrameReader,
  type Header,
  KEEPALIVE,
  MESSAGE,
  OK,
  PING,
  REMOTE,
  REPLY,
  type Sink,
} from '../wire/libvirt.ts';

/** Of `virErrorNumber`: the guest is gone. */
export const NO_DOMAIN = 42;

/** libvirt answered that it will not, or could not. The connection lives on. */
export class LibvirtError extends Foreseen implements RemoteError {
  override readonly name: string = 'LibvirtError';
  readonly code: number;
  readonly domain: number;

  constructor(where: string, procedure: Procedure, { code, domain, message }: RemoteError) {
    super(`${where}: ${message || 'an error without a message'} (${procedure}, code ${code})`);
    this.code = code;
    this.domain = domain;
  }
}

interface Waiting {
  readonly procedure: Procedure;
  readonly sink: Sink | undefined;
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/** Calls and their replies over one connection. Several calls may be under way. */
export class Channel {
  readonly where: string;
  readonly #reader = new FrameReader((header) => this.#sinkOf(header));
  readonly #waiting = new Map<number, Waiting>();
  readonly #expectsByte: boolean;
  #greeted: ((byte: number) => void) | undefined;
  #stream: Stream | undefined;
  #serial = 0;
  #over: Error | undefined;

  /** @param greets whether a byte comes before all frames, as with TLS. */
  constructor(where: string, greets: boolean) {
    this.where = where;
    this.#expectsByte = greets;
  }

  /** Resolves with the byte that comes before all frames. */
  readonly greeting = new Promise<number>((resolve) => {
    this.#greeted = resolve;
  });

  /** What ended the connection, once it has. */
  get over(): Error | undefined {
    return this.#over;
  }

  attach(stream: Stream): void {
    this.#stream = stream;
    void stream.ended.then((error) => this.#end(error));
  }

  /**
   * Takes what the daemon sends.
   *
   * @throws {@link Foreseen} if that makes no sense, after which nothing can: the connection has to end.
   */
  received(bytes: Buffer): void {
    let rest = bytes;
    if (this.#expectsByte && this.#greeted !== undefined && bytes.length > 0) {
      this.#greeted(bytes[0] ?? 0);
      this.#greeted = undefined;
      rest = bytes.subarray(1);
    }
    try {
      for (const frame of this.#reader.push(rest)) this.#take(frame);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new Foreseen(`it sent ${error.message}. Is this a socket of libvirt's?`);
    }
  }

  /**
   * Calls a procedure.
   *
   * @param sink takes what it gives, as it arrives.
   * @returns what it gives, in memory that nobody else has; nothing where a sink took it.
   * @throws {@link LibvirtError} if libvirt answers with an error; any other error ended the connection.
   */
  call(procedure: Procedure, payload?: Buffer, sink?: Sink): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stream = this.#stream;
      if (this.#over !== undefined || stream === undefined) {
        reject(this.#over ?? new Error(`${this.where}: not connected`));
        return;
      }
      const serial = this.#serial;
      this.#serial = (serial + 1) >>> 0;
      this.#waiting.set(serial, { procedure, sink, resolve, reject });
      stream
        .write([encodeCall(PROCEDURES[procedure], serial, payload)])
        .catch((error: Error) => this.#end(error));
    });
  }

  async close(): Promise<void> {
    this.#end(new Foreseen(`${this.where}: closed`));
    await this.#stream?.close();
  }

  /** Whoever waits for what is behind this header. An error is no answer. */
  #sinkOf({ program, procedure, type, serial, status }: Header): Sink | undefined {
    if (program !== REMOTE || type !== REPLY || status !== OK) return undefined;
    const waiting = this.#waiting.get(serial);
    if (waiting === undefined || PROCEDURES[waiting.procedure] !== procedure) return undefined;
    return waiting.sink;
  }

  #take({ program, procedure, type, serial, status, payload }: Frame): void {
    if (program === KEEPALIVE) {
      // Not asked for, but easily given: a daemon may be set up to ask everybody.
      if (procedure === PING) this.#stream?.write([encodePong()]).catch(() => undefined);
      return;
    }
    // Events, which nobody registered for.
    if (type === MESSAGE) return;
    if (type !== REPLY) throw new SyntaxError(`a message of the type ${type} instead of a reply`);
    const waiting = this.#waiting.get(serial);
    if (waiting === undefined) {
      throw new SyntaxError(`a reply to the call ${serial}, which waits for none`);
    }
    if (PROCEDURES[waiting.procedure] !== procedure) {
      throw new SyntaxError(
        `a reply to the procedure ${procedure}, and the call was for ${waiting.procedure}`,
      );
    }
    if (status !== OK && status !== ERROR) throw new SyntaxError(`a reply of the status ${status}`);
    // Read before the call is forgotten: what makes no sense ends the connection, and the call with it.
    const refused = status === ERROR ? errorIn(payload) : undefined;
    this.#waiting.delete(serial);
    if (refused === undefined) waiting.resolve(payload);
    else waiting.reject(new LibvirtError(this.where, waiting.procedure, refused));
  }

  #end(error: Error): void {
    this.#over ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#over);
    this.#waiting.clear();
  }
}

function errorIn(payload: Buffer): RemoteError {
  try {
    return decodeError(payload);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`an error with ${error.message}`);
  }
}
