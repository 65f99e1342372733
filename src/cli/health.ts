import { Foreseen } from '../plugin/index.ts';
import { type Condition, request } from '../status/index.ts';
import { type Asking, askFirst, socketsOf } from './asking.ts';
import { EXIT, type Io } from './io.ts';

interface Options extends Asking {
  readonly ready?: boolean;
  readonly json?: boolean;
}

/** `cullinan health`: whether the running agent lives, and with `--ready` delivers, as an exit code. */
export async function health(io: Io, { ready, json, ...asking }: Options): Promise<number> {
  const answer = await askFirst(socketsOf(io, asking), (socket) =>
    request(socket, { ask: 'health' }),
  );
  if (!isCondition(answer)) throw new Foreseen('what answers is no agent of this version');
  const good = ready ? answer.ready : answer.alive;
  if (json) io.out(`${JSON.stringify(answer)}\n`);
  else if (good) io.out('ok\n');
  else for (const reason of answer.reasons) io.out(`${reason}\n`);
  return good ? EXIT.ok : EXIT.failure;
}

const isCondition = (answer: unknown): answer is Condition =>
  typeof answer === 'object' && answer !== null && 'alive' in answer && 'ready' in answer;
