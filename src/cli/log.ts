import { Foreseen } from '../plugin/index.ts';
import { LOG_LEVELS, LONGEST_LEVEL, type LogLevelAnswer, request } from '../status/index.ts';
import { type Asking, askFirst, socketsOf } from './asking.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { seconds } from './seconds.ts';
import { spanned } from './spanned.ts';

interface Options extends Asking {
  readonly for: string;
  readonly json?: boolean;
}

/** `cullinan log`: what a running agent logs, or for a while logs more, or less. */
export async function log(io: Io, level: string | undefined, options: Options): Promise<number> {
  const levels = [...LOG_LEVELS, 'configured'] as const;
  const wanted = levels.find((it) => it === level);
  if (level !== undefined && wanted === undefined) {
    throw new UsageError(`there is no level "${level}"; it can be ${levels.join(', ')}`);
  }
  const time = seconds('--for', options.for, { least: 1, most: LONGEST_LEVEL });
  const lasting = wanted === undefined || wanted === 'configured' ? undefined : time;
  const answer = await askFirst(socketsOf(io, options), (socket) =>
    request(socket, { ask: 'log', level: wanted, seconds: lasting }),
  );
  if (!isAnswer(answer)) throw new Foreseen('what answers is no agent of this version');
  const { level: now, configured, seconds: left } = answer;
  if (options.json) io.out(`${JSON.stringify(answer)}\n`);
  else if (left === undefined) io.out(`${now}, as configured\n`);
  else io.out(`${now} for ${spanned(left)}, then ${configured} again\n`);
  return EXIT.ok;
}

const isAnswer = (answer: unknown): answer is LogLevelAnswer =>
  typeof answer === 'object' && answer !== null && 'level' in answer && 'configured' in answer;
