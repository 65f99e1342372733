/**
 * Writes points as lines to the standard input of a command that it keeps running.
 *
 * Format    Graphite's lines, JSON or statsd's (src/wire): the command reads them until its input ends.
 * Delivery  A batch is delivered when it is in the pipe to the command: what the command had not read when
 *           it ended is lost, up to the 64 KiB that a pipe holds. A command that ends, or takes
 *           nothing for as long as the handler's timeout, is started anew, at growing intervals; what
 *           it wrote to its standard error is in the log then. It runs as the agent's user.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  type Batch,
  type Connection,
  codeOf,
  defineHandler,
  duration,
  Foreseen,
  type OpenContext,
  wholePath,
  within,
  z,
} from 'cullinan/plugin';
import { encodeLines } from 'cullinan/wire/graphite';
import { encodeJson } from 'cullinan/wire/lines';
import { printable } from 'cullinan/wire/printable';
import { encodeStatsd } from 'cullinan/wire/statsd';

const word = z.string().regex(/^[^\0]*$/, 'must not have a null character');

const options = z
  .strictObject({
    command: z
      .union([word.min(1), z.array(word).min(1)])
      .describe('The program and its words, as a list; with shell: true, one text.'),
    shell: z.boolean().default(false).describe('Whether a shell (/bin/sh) reads the command.'),
    format: z.enum(['graphite', 'json', 'statsd']).default('graphite').describe('What a line is.'),
    folder: wholePath().default('/').describe('Where it runs.'),
    environment: z
      .record(z.string().regex(/^[^=\0]+$/, 'must be the name of a variable'), word)
      .default({})
      .describe('Variables of its environment, beside PATH, HOME, LANG and TZ.'),
    grace: duration()
      .prefault('5s')
      .describe('Time it has to end after the end of its input; then it is killed.'),
  })
  .superRefine(({ command, shell }, { addIssue }) => {
    const bad = (message: string) => addIssue({ code: 'custom', path: ['command'], message });
    if (shell && typeof command !== 'string') bad('must be one text where shell is true');
    if (!shell && typeof command === 'string') {
      bad('must be a list, ["program", "word"], or have shell: true beside it');
    }
    if (!shell && command[0] === '') bad('must begin with a program');
  });
type Options = z.output<typeof options>;

/** Bytes that are kept of what the command complains about, from the end. */
const KEPT = 4096;
/** Milliseconds within which a command that cannot work has ended, and one that ended is silent. */
const MOMENT = 100;

function encoder(format: Options['format']): (batch: Batch) => string {
  if (format === 'graphite') return (batch) => encodeLines(batch);
  if (format === 'statsd') return (batch) => encodeStatsd(batch, { tags: 'graphite', zeros: true });
  return (batch) => batch.map((point) => encodeJson(point, { path: true })).join('');
}

function start({ command, folder, environment }: Options): ChildProcess {
  const [program = '', ...words] =
    typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const { PATH, HOME, LANG, TZ } = process.env;
  return spawn(program, words, {
    cwd: folder,
    env: { PATH, HOME, LANG, TZ, ...environment },
    detached: true, // A group of its own, so that what it starts can be killed with it.
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}

/** Kills it, if it still runs, and whatever it started and did not take out of its group. */
function kill(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) killGroup(child);
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

/** Settles with why it is gone, and with what it said last. */
function ending(
  child: ChildProcess,
  name: string,
  { folder }: Options,
  clock: OpenContext['clock'],
): Promise<Error> {
  let said = '';
  const { stderr } = child;
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT);
    // A command that complains without end waits, instead of keeping the agent busy reading it.
    if (child.exitCode !== null || child.signalCode !== null) return;
    stderr.pause();
    clock.after(MOMENT, () => void stderr.resume());
  });
  return new Promise((resolve) => {
    child.once('error', (cause) => {
      const remedy = "Check that it and the folder exist and that the agent's user may run it.";
      const code = codeOf(cause) ?? cause.message;
      resolve(
        new Foreseen(`${name} cannot be started in ${folder} (${code}). ${remedy}`, { cause }),
      );
    });
    child.once('exit', async (code, signal) => {
      const silent = once(child, 'close');
      stderr?.resume();
      killGroup(child);
      // What left its group may hold the pipe open for ever.
      await within(silent, MOMENT, clock);
      child.stderr?.destroy();
      const how = signal === null ? `with status ${code}` : `by ${signal}`;
      const last = said.trim().split('\n').slice(-3).map(printable).join(' | ');
      const why = last === '' ? 'It said nothing on its standard error.' : `It said: ${last}`;
      resolve(new Foreseen(`${name} ended ${how}, and should run until its input ends. ${why}`));
    });
  });
}

export default defineHandler({
  name: 'exec',
  summary: 'Writes points as lines to the standard input of a command.',
  options,
  dialect: 'diamond',
  counters: 'rates',
  idempotent: false,
  acknowledged: false,
  async open({ options: given, signal, clock }): Promise<Connection> {
    const { command, format, grace } = given;
    const encode = encoder(format);
    const name = typeof command === 'string' ? 'the shell' : (command[0] ?? '');
    signal.throwIfAborted();
    const child = start(given);
    signal.addEventListener('abort', () => kill(child), { once: true });
    const ended = ending(child, name, given, clock);
    const { stdin } = child;
    stdin?.on('error', () => {
      // Each write tells of its own.
    });
    const falseStart = await within(ended, MOMENT, clock);
    if (falseStart !== undefined) throw falseStart;
    if (stdin === null) throw new Foreseen(`${name} has no standard input`);
    return {
      ended,
      async write(batch) {
        const error = await new Promise<Error | null | undefined>((taken) => {
          stdin.write(encode(batch), taken);
        });
        if (!error) return;
        const gone = await within(ended, MOMENT, clock);
        throw gone ?? new Foreseen(`${name} has closed its standard input (${codeOf(error)})`);
      },
      async close() {
        stdin.end();
        await within(ended, grace * 1000, clock);
        kill(child);
        await ended;
      },
    };
  },
});
