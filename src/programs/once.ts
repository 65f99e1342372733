import { once } from 'node:events';
import { type Clock, systemClock } from '../clock/index.ts';
import { Foreseen, within } from '../plugin/index.ts';
import { type Command, Complaint, calledIn, howEnded, kill, notStarted, start } from './command.ts';

/** What one run of a program brought. */
export interface Output {
  /** What it said, where nobody took it piece by piece. */
  readonly text: string;
  /** Its exit code; 128 and the like where a signal ended it. */
  readonly code: number;
  /** What it said on its standard error last. */
  readonly complaint: string;
  /** How it ended, in words. */
  readonly how: string;
}

interface RunOptions {
  readonly most: number;
  readonly signal: AbortSignal;
  readonly each?: ((piece: Uint8Array) => void) | undefined;
  readonly clock?: Clock;
}

/** Milliseconds that what it left behind has to close its output. */
const MOMENT = 100;

/**
 * Runs a program to its end.
 *
 * @param line its whole command line.
 * @param most bytes of output; with more it is ended.
 * @param each takes what it says while it says it.
 * @param signal ends it, and all that it started.
 * @throws Foreseen if it cannot be started, says too much, or is ended by the signal.
 */
export async function runOnce(
  it: Command,
  line: readonly string[],
  environment: NodeJS.ProcessEnv,
  { most, signal, each, clock = systemClock }: RunOptions,
): Promise<Output> {
  signal.throwIfAborted();
  const name = calledIn(it);
  const child = start(it, line, environment);
  const complaint = new Complaint();
  const pieces: Buffer[] = [];
  const take = each ?? ((piece: Buffer) => void pieces.push(piece));
  let bytes = 0;
  let failure: Error | undefined;
  const give = (error: Error) => {
    failure ??= error;
    kill(child);
  };
  const aborted = () =>
    give(new Foreseen(`${name} had not ended at the deadline of this tick, and was killed`));
  signal.addEventListener('abort', aborted, { once: true });
  child.stdin?.on('error', () => {
    // It does not read; it was given nothing.
  });
  child.stdin?.end();
  child.stderr?.on('data', (piece: Buffer) => complaint.hear(piece));
  child.stdout?.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= most) take(piece);
    else give(new Foreseen(`${name} said more than ${most} bytes, and was killed`));
  });
  const closed = once(child, 'close').catch(() => undefined);
  try {
    const [code, by] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.once('error', (cause) => reject(notStarted(it, cause)));
      child.once('exit', (code, signal) => resolve([code, signal]));
    });
    // What it started and did not wait for may hold the pipe open for ever.
    await within(closed, MOMENT, clock);
    kill(child);
    if (failure !== undefined) throw failure;
    const text = Buffer.concat(pieces).toString('utf8');
    return { text, code: code ?? 128, complaint: complaint.take(), how: howEnded(code, by) };
  } finally {
    signal.removeEventListener('abort', aborted);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}
