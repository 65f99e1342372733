import { Foreseen } from '../plugin/index.ts';
import { follow } from '../status/index.ts';
import { type Asking, askFirst, socketsOf } from './asking.ts';
import { countOf, EXIT, type Io } from './io.ts';

interface Options extends Asking {
  readonly handler?: string;
  readonly json?: boolean;
  readonly count?: string;
}

/** `cullinan tap`: shows the points of a running agent as they pass. */
export async function tap(io: Io, patterns: readonly string[], options: Options): Promise<number> {
  const { handler, json, ...asking } = options;
  const count = countOf(options.count);
  const ending = new AbortController();
  const stop = () => ending.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const request = { ask: 'tap', patterns, handler } as const;
  let shown = 0;
  await askFirst(socketsOf(io, asking), (socket) =>
    follow(
      socket,
      request,
      (line) => {
        if (!isLine(line))
          throw new Foreseen(`${socket}: what answers is no agent of this version`);
        if ('leftOut' in line) {
          io.err(`cullinan: ${line.leftOut} were left out: they came faster than they are taken\n`);
          return true;
        }
        const { text, ...point } = line;
        io.out(json ? `${JSON.stringify(point)}\n` : `${text}\n`);
        shown += 1;
        return count === undefined || shown < count;
      },
      ending.signal,
    ),
  );
  return EXIT.ok;
}

type Line = { readonly text: string } | { readonly leftOut: number };

const isLine = (line: unknown): line is Line =>
  typeof line === 'object' &&
  line !== null &&
  (('text' in line && typeof line.text === 'string') ||
    ('leftOut' in line && typeof line.leftOut === 'number'));
