import { codeOf, Foreseen } from '../plugin/index.ts';

/** A connection that takes bytes, and says when it is over. */
export interface Stream {
  /** Resolves when the kernel has taken all of them; rejects when the connection cannot be used any more. */
  write(bytes: string | readonly Buffer[]): Promise<void>;
  /** Ends it in order: what the kernel has is still delivered. */
  close(): Promise<void>;
  /**
   * Ends it in order, and waits for as long as it takes until the peer has done so, too: by then it has
   * read everything. Rejects if the peer broke it off, or ended it first. Absent where nothing tells.
   */
  readonly finish?: () => Promise<void>;
  /** Settles with the reason when it ended without being told to. */
  readonly ended: Promise<Error>;
}

/**
 * An error of a connection that says where, and keeps its code; an error per address comes without
 * any message. What was foreseen stays so.
 */
export function failed(where: string, error: unknown): Error {
  const causes: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const texts = causes.map((cause) => (cause instanceof Error ? cause.message : String(cause)));
  const said = `${where}: ${texts.join('; ')}`;
  if (error instanceof Foreseen) return new Foreseen(said, { cause: error });
  return Object.assign(new Error(said, { cause: error }), { code: codeOf(error) ?? 'ECONNRESET' });
}
