import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { Foreseen } from '../plugin/index.ts';
import { codeOf } from './failures.ts';

/** More than any answer read here; what is beyond it is thrown away. */
const OUTPUT_LIMIT = 64 * 1024;

export interface Ended {
  /** The exit code; `null` if a signal ended it. */
  readonly code: number | null;
  /** One character per byte. */
  readonly stdout: string;
  readonly stderr: string;
}

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
      if (output[stream].length < OUTPUT_LIMIT) output[stream] += text;
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
