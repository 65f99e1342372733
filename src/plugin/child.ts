import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { codeOf, Foreseen, NoData, Unresponsive } from './errors.ts';

/** More than any answer of a line or two; what is beyond it is thrown away. */
const OUTPUT_LIMIT = 64 * 1024;

/** How much of what a program says is kept. */
export interface ChildOptions {
  /** Bytes that are kept of its standard output, at most; 64 KiB unless said. */
  readonly keep?: number;
  /** Takes standard output as it comes, one character per byte; nothing of it is kept then. */
  readonly received?: ((text: string) => void) | undefined;
}

/** How a process ended. */
export interface Ended {
  /** The exit code; `null` if a signal ended it. */
  readonly code: number | null;
  /** One character per byte. */
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that runs. */
export interface Child {
  /** Settles when the kernel has let go of it; rejects when it could not be started. */
  readonly ended: Promise<Ended>;
  /**
   * Kills it and whatever it started. A child in an uninterruptible system call stays until the
   * kernel answers; neither the agent nor its end waits for that.
   */
  kill(): void;
}

/** Starts a program in a process group of its own, with nothing on stdin. */
export function startChild(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  { keep = OUTPUT_LIMIT, received }: ChildOptions = {},
): Child {
  // Its own group, so that what it starts can be killed with it; `/`, so that it holds no mount busy.
  const child = spawn(program, args, {
    cwd: '/',
    detached: true,
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    // There are no pipes when the agent is out of descriptors; 'error' says so below.
    const pipe: Readable | undefined = child[stream];
    pipe?.setEncoding('latin1').on('data', (text: string) => {
      if (stream === 'stdout' && received !== undefined) return received(text);
      const room = (stream === 'stdout' ? keep : OUTPUT_LIMIT) - output[stream].length;
      if (room > 0) output[stream] += text.length > room ? text.slice(0, room) : text;
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new Foreseen(`${program} cannot be started: ${codeOf(cause)}`, { cause })),
    );
    child.on('close', (code) => resolve({ code, ...output }));
  });
  return {
    ended,
    kill() {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It ended by itself just now.
        }
      }
      for (const pipe of child.stdio) pipe?.destroy();
      child.unref();
    },
  };
}

/** What was killed at its deadline, and which the kernel has not let go of, by its command. */
const hung = new Set<string>();

/**
 * Runs a program to its end, in the C locale, with the agent's PATH, to which those of administrators are
 * added, and nothing else of its environment.
 *
 * @param signal kills it. While the kernel keeps what was killed, the same command is not started again.
 * @throws {@link NoData} if there is no such program; {@link Unresponsive} at the deadline.
 */
export async function runChild(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
  options?: ChildOptions,
): Promise<Ended> {
  const command = [program, ...args].join('\0');
  if (hung.has(command)) throw new Unresponsive(`${program} still does not answer`);
  if (signal.aborted) throw new Unresponsive(`${program} was not asked in time`);
  const { PATH = '/usr/local/bin:/usr/bin:/bin' } = process.env;
  // Those of administrators are not on every user's path.
  const env = { PATH: `${PATH}:/usr/sbin:/sbin`, LC_ALL: 'C' };
  const child = startChild(program, args, env, options);
  let late = (): void => {};
  const deadline = new Promise<never>((_, reject) => {
    late = () => {
      hung.add(command);
      child.kill();
      reject(new Unresponsive(`${program} did not answer in time`));
    };
  });
  signal.addEventListener('abort', late, { once: true });
  const over = (): void => {
    signal.removeEventListener('abort', late);
    hung.delete(command);
  };
  child.ended.then(over, over);
  try {
    return await Promise.race([child.ended, deadline]);
  } catch (error) {
    const absent = error instanceof Error && codeOf(error.cause) === 'ENOENT';
    throw absent ? new NoData(`there is no program ${program} here`) : error;
  }
}
