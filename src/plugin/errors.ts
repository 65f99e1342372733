import type { Batch } from '../metric/index.ts';

/**
 * An error that was foreseen: its message says it all, so the log needs no stack. Everything that a
 * collector or a handler throws on purpose is one; any other error is taken for a bug.
 */
export class Foreseen extends Error {
  override readonly name: string = 'Foreseen';
}

/**
 * What a person should know, though nothing is missing: what a program said on its standard error. It is logged as
 * information, once, and a collection that yields it is none the worse.
 */
export class Remark extends Foreseen {
  override readonly name: string = 'Remark';
}

/** A plugin has done what it must not do, and was stopped for it. */
export class Fault extends Foreseen {
  override readonly name: string = 'Fault';
  /** What whoever runs it, or wrote it, can do about it. */
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** The source answered, but not in the shape the kernel (or the peer) documents. */
export class ParseError extends Foreseen {
  override readonly name: string = 'ParseError';
}

/** The source does not exist on this host. Absent is not broken: counted, never logged as an error. */
export class NoData extends Foreseen {
  override readonly name: string = 'NoData';
}

/** The source exists, and the agent's user may not read it. The message names the file. */
export class AccessDenied extends Foreseen {
  override readonly name: string = 'AccessDenied';
}

/** The source did not answer before its deadline: a hung mount, a stuck device. */
export class Unresponsive extends Foreseen {
  override readonly name: string = 'Unresponsive';
}

/** The peer will never take this batch, however often it is sent: it is dropped and counted. */
export class Unsendable extends Foreseen {
  override readonly name: string = 'Unsendable';
  /** How many points of the batch the peer did not take, where it took the others. */
  readonly points: number | undefined;

  constructor(message: string, { points, ...options }: ErrorOptions & { points?: number } = {}) {
    super(message, options);
    this.points = points;
  }
}

/**
 * The peer has taken the batch but for some points, which it may take later: they are sent again after
 * a pause, and nothing else of the batch is. The connection lives on.
 */
export class Unsettled extends Foreseen {
  override readonly name: string = 'Unsettled';
  /** What it has not taken, of the batch as it was given. */
  readonly points: Batch;

  constructor(message: string, { points, ...options }: ErrorOptions & { points: Batch }) {
    super(message, options);
    this.points = points;
  }
}

/** The code of a failed system call, such as `ENOENT`; `undefined` for any other error. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
