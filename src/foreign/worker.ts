/**
 * What runs apart from the agent. As a thread it makes plugins, and does what the agent asks of them; as a
 * process it only looks at the files that they are in.
 */
import { getHeapStatistics } from 'node:v8';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Unresponsive } from '../plugin/index.ts';
import { AtWork } from './at-work.ts';
import { guard, type Member } from './guard.ts';
import { inspectFiles, Judge } from './inspection.ts';
import { Marks } from './marks.ts';
import {
  type Again,
  type Answer,
  type Beginning,
  type Call,
  type Note,
  type Said,
  told,
} from './protocol.ts';
import { Residents } from './residents.ts';

/** Answers between two looks at memory beside the heap, which cost as much as a small collection. */
const LOOK_EVERY = 16;

if (parentPort === null) inspectFiles();
else serve(parentPort, workerData as Beginning);

function serve(port: MessagePort, beginning: Beginning): void {
  const shared = new Marks(beginning.marks);
  const atWork = new AtWork(shared);
  const members: Member[] = [];
  const say = (said: Said): void => port.postMessage(said);
  const aborters = new Map<number, AbortController>();
  const underWay = new Set<number>();
  let answers = 0;

  guard(members, atWork, say);
  const judge = new Judge(atWork);
  const residents = new Residents(beginning.host, atWork, members, say);

  port.on('message', (message: Call | Note | Again) => {
    if (typeof message === 'number') again(message);
    else if ('beat' in message) shared.beat = message.beat;
    else if ('abort' in message) {
      const aborter = aborters.get(message.abort) ?? new AbortController();
      // Whoever asks for it later finds it aborted.
      if (underWay.has(message.abort)) aborters.set(message.abort, aborter);
      aborter.abort(new Unresponsive('the deadline is over'));
    } else if ('port' in message) judge.listen(message.port, message.bell);
    else void answer(message);
  });

  /** Made when it is first asked for: few are. */
  function signalOf(call: number): AbortSignal {
    const aborter = aborters.get(call) ?? new AbortController();
    aborters.set(call, aborter);
    return aborter.signal;
  }

  function again(session: number): void {
    const call = -session;
    let brought: ReturnType<Residents['again']>;
    try {
      brought = residents.again(session, () => signalOf(call));
    } catch (error) {
      brought = Promise.reject(error);
    }
    const done = brought === undefined;
    if (shared.letGo(session, done) && done) over(call);
    else void follow(call, brought);
  }

  /** What takes a while, or has more to say than numbers. Only what is waited for can be aborted. */
  async function follow(call: number, brought: ReturnType<Residents['again']>): Promise<void> {
    underWay.add(call);
    try {
      const value = await brought;
      over(call, value === undefined ? -call : { call, value });
    } catch (error) {
      over(call, { call, error: told(error) });
    }
  }

  async function answer(order: Call): Promise<void> {
    const { call } = order;
    underWay.add(call);
    try {
      over(call, { call, value: await residents.do(order, () => signalOf(call)) });
    } catch (error) {
      over(call, { call, error: told(error, residents.batchOf(order)) });
    }
  }

  function over(call: number, said?: Answer | Again): void {
    if (said !== undefined) port.postMessage(said);
    aborters.delete(call);
    underWay.delete(call);
    answers += 1;
    if (answers % LOOK_EVERY > 0) return;
    // V8's own limit is for its heap; buffers are beside it.
    const { external_memory: outside } = getHeapStatistics();
    if (outside > beginning.memory) {
      // Whose they are, nobody can tell where several live.
      say({ said: 'fault', kind: 'memory', number: 0, error: undefined });
    }
  }
}
