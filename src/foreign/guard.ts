import process from 'node:process';
import type { AtWork } from './at-work.ts';
import { type Said, told } from './protocol.ts';

/** A plugin of this thread, and how its code is recognised in a stack. */
export interface Member {
  readonly number: number;
  readonly paths: readonly string[];
}

/** So many lines of output are passed on; that it writes at all is what there is to say. */
const MOST_OUTPUT = 20;
const LONGEST = 200;

/** What a plugin must not do in a process that is not its own comes to the agent's ears, and not to pass. */
export function guard(members: readonly Member[], atWork: AtWork, say: (said: Said) => void): void {
  /** Whose code a stack shows; 0, nobody's, where it is that of several who are not at work. */
  const whose = (stack = ''): number | undefined => {
    const found = members.filter(({ paths }) => paths.some((path) => stack.includes(path)));
    if (found.length < 2) return found[0]?.number;
    return found.find(({ number }) => number === atWork.number)?.number ?? 0;
  };
  const of = (stack: string | undefined): number => whose(stack) ?? atWork.number;
  const exit = process.exit.bind(process);
  const leave = (what: string): never => {
    const { stack } = new Error(what);
    say({
      said: 'fault',
      kind: 'exit',
      number: of(stack),
      error: { name: 'Error', message: what },
    });
    return exit(1);
  };
  process.exit = () => leave('process.exit()');
  const kill = process.kill.bind(process);
  process.kill = (pid, signal) => {
    if (pid !== process.pid || signal === 0) return kill(pid, signal);
    return leave('process.kill() of the agent itself');
  };
  let lines = 0;
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (chunk: unknown, ...rest: unknown[]): boolean => {
      const done = rest.find((it) => typeof it === 'function') as (() => void) | undefined;
      if (done !== undefined) setImmediate(done);
      if (lines < MOST_OUTPUT) {
        lines += 1;
        const text = typeof chunk === 'string' ? chunk : String(chunk);
        say({
          said: 'output',
          number: of(new Error().stack),
          text: text.trimEnd().slice(0, LONGEST),
        });
      }
      return true;
    };
  }
  const unhandled = (error: unknown): void => {
    // It was begun some time ago: who is at work by now says nothing.
    const number = whose(error instanceof Error ? error.stack : undefined) ?? 0;
    say({ said: 'fault', kind: 'unhandled', number, error: told(error) });
  };
  process.on('uncaughtException', unhandled);
  process.on('unhandledRejection', unhandled);
  guardStacks();
  // What is added to these shows in every other plugin, long after: now it is refused to the one that adds it.
  for (const all of [Object.prototype, Array.prototype]) Object.preventExtensions(all);
}

/** Whoever writes stacks his own way, and throws there while an error is uncaught, has Node abort the whole process. */
function guardStacks(): void {
  let its: unknown = Error.prepareStackTrace;
  const guarded = (error: Error, sites: NodeJS.CallSite[]): unknown => {
    try {
      return (its as typeof guarded)(error, sites);
    } catch {
      return [`${error.name}: ${error.message}`, ...sites].join('\n    at ');
    }
  };
  Object.defineProperty(Error, 'prepareStackTrace', {
    get: () => (typeof its === 'function' ? guarded : its),
    set: (given: unknown) => {
      if (given !== guarded) its = given;
    },
  });
}
