import { connect, type Socket } from 'node:net';
import { Foreseen, Unresponsive } from '../plugin/index.ts';
import { Refused } from './refused.ts';
import type { Request } from './request.ts';
import type { Snapshot } from './snapshot.ts';

const PATIENCE = 5000;
/** Bytes of an answer, at most: an agent with a thousand collectors needs a tenth. */
const MOST = 16 * 1024 * 1024;

/**
 * Asks the agent that listens at a path how it is.
 *
 * @throws the system's error if nobody does (`ENOENT`, `ECONNREFUSED`) or one may not (`EACCES`);
 *   {@link Unresponsive} or {@link Foreseen} if what answers is no agent.
 */
export async function ask(path: string): Promise<Snapshot> {
  const answer = await request(path, { ask: 'status' });
  if (isSnapshot(answer)) return answer;
  throw new Foreseen(`${path}: what answers is no agent of this version`);
}

/** Asks for one object. Throws like {@link ask}, and what the agent refuses. */
export async function request(
  path: string,
  asked: Exclude<Request, { ask: 'tap' }>,
): Promise<unknown> {
  const text = await new Promise<string>((resolve, reject) => {
    let got = '';
    const socket = called(path, asked);
    socket.setTimeout(PATIENCE, () => {
      socket.destroy(new Unresponsive(`${path}: no answer within ${PATIENCE / 1000} s`));
    });
    socket.on('data', (more: string) => {
      got += more;
      if (got.length > MOST) socket.destroy(new Foreseen(`${path}: what answers is no agent`));
    });
    socket.on('end', () => resolve(got));
    socket.on('error', reject);
  });
  return decode(path, text);
}

/**
 * Has every line of what flows until `signal` is aborted, or `each` says that it was enough. Throws like
 * {@link request}, and if the agent ends.
 */
export function follow(
  path: string,
  asked: Extract<Request, { ask: 'tap' }>,
  each: (line: unknown) => boolean,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let got = '';
    let over = false;
    const socket = called(path, asked);
    const end = (error?: Error) => {
      over = true;
      signal.removeEventListener('abort', stop);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const stop = () => end();
    signal.addEventListener('abort', stop);
    socket.on('data', (more: string) => {
      got += more;
      if (got.length > MOST) return end(new Foreseen(`${path}: what answers is no agent`));
      const lines = got.split('\n');
      got = lines.pop() ?? '';
      try {
        for (const line of lines) {
          if (line !== '' && !each(decode(path, line))) return end();
        }
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('end', () => {
      if (!over) end(new Foreseen(`${path}: the agent has ended`));
    });
    socket.on('error', (error) => {
      if (!over) end(error);
    });
  });
}

function called(path: string, asked: Request): Socket {
  const socket = connect(path);
  socket.setEncoding('utf8');
  socket.write(`${JSON.stringify(asked)}\n`);
  return socket;
}

function decode(path: string, text: string): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // No JSON, no agent.
    throw new Foreseen(`${path}: what answers is no agent of this version`);
  }
  if (typeof answer === 'object' && answer !== null && 'error' in answer) {
    throw new Refused(`the agent refuses: ${String(answer.error).slice(0, 4000)}`);
  }
  return answer;
}

/** As much as is needed to show it. */
function isSnapshot(answer: unknown): answer is Snapshot {
  if (typeof answer !== 'object' || answer === null) return false;
  const { version, pid, handlers, collectors } = answer as Partial<Record<keyof Snapshot, unknown>>;
  return (
    typeof version === 'string' &&
    typeof pid === 'number' &&
    Array.isArray(handlers) &&
    Array.isArray(collectors)
  );
}
