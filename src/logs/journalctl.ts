import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../clock/index.ts';
import { AccessDenied, codeOf, Foreseen, Unresponsive } from '../plugin/index.ts';

const PROGRAM = 'journalctl';
/** More than it ever says of errors. */
const SAID_LIMIT = 16 * 1024;
const PATIENCE = 30_000;

export interface JournalctlNeeds {
  readonly clock: Clock;
  /** Milliseconds in which it has to write something, or to end; half a minute where absent. */
  readonly patience?: number | undefined;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
  /** Where programs are; the process's own where absent. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * Runs journalctl, and hands over what it writes, piece by piece: a reader that is slow makes it wait.
 *
 * @param take is given each piece, and returns `enough` to end it.
 * @returns what it said on standard error, although it ended well.
 * @throws {@link AccessDenied} if this user may not read the journal, {@link Unresponsive} if it hangs,
 *   {@link Foreseen} if it is not there or ends otherwise than well; what `take` throws.
 */
export function journalctl(
  flags: readonly string[],
  { clock, signal, patience = PATIENCE, environment = process.env }: JournalctlNeeds,
  take: (bytes: Buffer) => 'enough' | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const given = ['--no-pager', '--output=export', ...flags];
    const env = { PATH: environment['PATH'], LC_ALL: 'C', SYSTEMD_LOG_LEVEL: 'notice' };
    // Its own group, so that it is killed with whatever it started; `/`, so that it holds no mount busy.
    const child = spawn(PROGRAM, given, {
      ...{ cwd: '/', detached: true, env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let over = false;
    let said = '';
    let timer = clock.after(patience, hung);
    const abort = () => stop(signal?.reason);
    // There are no pipes when the process is out of descriptors; 'error' says so below.
    const [stdout, stderr] = [child.stdout, child.stderr] as (Readable | undefined)[];

    function finish(settle: () => void): void {
      if (over) return;
      over = true;
      timer.cancel();
      signal?.removeEventListener('abort', abort);
      settle();
    }
    /** Whoever does not answer the signal, because the kernel holds it, is not waited for. */
    function kill(): void {
      try {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended by itself just now.
      }
      stdout?.destroy();
      stderr?.destroy();
      child.unref();
    }
    function stop(error: unknown): void {
      finish(() => reject(error));
      kill();
    }
    function hung(): void {
      const seconds = patience / 1000;
      stop(new Unresponsive(`${PROGRAM} has neither written nor ended within ${seconds} s`));
    }

    stdout?.on('data', (bytes: Buffer) => {
      if (over) return;
      timer.cancel();
      try {
        if (take(bytes) === 'enough') {
          finish(() => resolve(said));
          kill();
          return;
        }
      } catch (error) {
        stop(error);
        return;
      }
      timer = clock.after(patience, hung);
    });
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < SAID_LIMIT) said += text;
    });
    child.on('error', (cause) => stop(unstartable(cause)));
    child.on('close', (code, killed) => {
      // No unit is called so yet.
      if (/add filter for units: No data available/.test(said)) finish(() => resolve(''));
      const error = failure(said, code, killed);
      finish(error === undefined ? () => resolve(said.trim()) : () => reject(error));
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

function unstartable(cause: unknown): Foreseen {
  if (codeOf(cause) !== 'ENOENT') {
    return new Foreseen(`${PROGRAM} cannot be started: ${codeOf(cause)}`, { cause });
  }
  return new Foreseen(
    `there is no program ${PROGRAM}, which reads the journal: is this a host with systemd? On others, name the log's file.`,
    { cause },
  );
}

function failure(said: string, code: number | null, killed: string | null): Foreseen | undefined {
  // With its notice it ends well, and shows only what this user's own programs have written.
  if (/insufficient permissions|not seeing messages from other users/.test(said)) {
    return new AccessDenied(
      'the journal may not be read by this user. Add it to the group systemd-journal (or adm): usermod -aG systemd-journal USER',
    );
  }
  if (code === 0) return undefined;
  const how = killed === null ? `ends with ${code}` : `was ended by ${killed}`;
  const why = said.trim() === '' ? '' : `: ${said.trim().split('\n').slice(-3).join('; ')}`;
  return new Foreseen(`${PROGRAM} ${how}${why}`);
}
