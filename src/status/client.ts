import { connect } from 'node:net';
import { Foreseen, Unresponsive } from '../plugin/index.ts';
import type { Snapshot } from './snapshot.ts';

const PATIENCE = 5000;
/** Bytes of an answer, at most: an agent with a thousand collectors needs a tenth. */
const MOST = 16 * 1024 * 1024;

/**
 * Asks the agent that listens at a path.
 *
 * @throws the system's error if nobody does (`ENOENT`, `ECONNREFUSED`) or one may not (`EACCES`);
 *   {@link Unresponsive} or {@link Foreseen} if what answers is no agent.
 */
export async function ask(path: string): Promise<Snapshot> {
  const text = await new Promise<string>((resolve, reject) => {
    let got = '';
    const socket = connect(path);
    socket.setEncoding('utf8');
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

function decode(path: string, text: string): Snapshot {
  try {
    const answer: unknown = JSON.parse(text);
    if (isSnapshot(answer)) return answer;
  } catch {
    // No JSON, no agent.
  }
  throw new Foreseen(`${path}: what answers is no agent of this version`);
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
