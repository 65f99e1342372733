import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import { Foreseen } from '../plugin/index.ts';
import { faultOf } from './faults.ts';
import {
  type Beginning,
  FINDINGS,
  type Inspected,
  type Judgement,
  type Parcel,
  type Place,
  type Question,
} from './protocol.ts';
import { Thread, type Why } from './thread.ts';
import { threads } from './threads.ts';

/** A file to be looked at. */
export type Suspect = Pick<Place, 'path' | 'as'>;

/** What a process says of a file, in a line of JSON. */
export type Finding =
  | { readonly error: string }
  | { readonly found: Omit<Inspected, 'texts'> & { readonly texts: readonly [string, string][] } };

/** Milliseconds for a file to be loaded, and for options to be checked while the agent waits. */
const LONGEST_LOAD = 5000;
const LONGEST_JUDGEMENT = 3000;
/** How often the memory of a process is looked at. */
const LOOK = 100;
const PAGE = 4096;
/** What the runtime takes itself. */
const RUNTIME = 150 * 2 ** 20;
const MiB = 2 ** 20;

/**
 * Looks at files in a process of their own, which ends: what it took is given back, where a thread
 * would leave some MiB behind. What their plugins make of options is asked in a thread, which is there
 * for as long as a configuration is read, and only where there are options to ask about.
 */
export class Inspector {
  readonly #program: string;
  readonly #host: Beginning['host'];
  readonly #memory: number;
  #child: ChildProcess | undefined;
  #bell: Int32Array | undefined;
  #port: MessagePort | undefined;
  #thread: Thread | undefined;
  #closed = false;

  constructor({
    program,
    host,
    memory,
  }: {
    readonly program: string;
    readonly host: Beginning['host'];
    readonly memory: number;
  }) {
    this.#program = program;
    this.#host = host;
    this.#memory = memory;
  }

  /** @throws {@link Foreseen} if it cannot be loaded; its like are loaded all the same. */
  inspect(suspect: Suspect): Promise<Inspected> {
    const child = this.#child ?? this.#spawned();
    this.#child = child;
    return new Promise((resolve, reject) => {
      const { stdin } = child;
      const findings = child.stdio[FINDINGS] as Readable | null;
      if (stdin === null || findings === null) throw new Error('a process without pipes');
      let line = '';
      const over = (why: Why | undefined, message = ''): void => {
        done();
        this.#child = undefined;
        child.kill('SIGKILL');
        reject(new Foreseen(why === undefined ? message : unloaded(why)));
      };
      const late = setTimeout(() => {
        over({ kind: 'blocked', seconds: LONGEST_LOAD / 1000 });
      }, LONGEST_LOAD);
      const look = setInterval(() => {
        if (residentOf(child.pid) > RUNTIME + 2 * this.#memory) {
          over({ kind: 'memory', bytes: this.#memory });
        }
      }, LOOK);
      const ended = (code: number | null) => over({ kind: 'exit', what: `exit code ${code}` });
      const failed = (error: Error) => over(undefined, `it cannot be looked at: ${error.message}`);
      const done = (): void => {
        clearTimeout(late);
        clearInterval(look);
        findings.off('data', heard);
        child.off('exit', ended).off('error', failed);
      };
      child.once('exit', ended).once('error', failed);
      // Node's own reader of lines would stay loaded, for this alone.
      const heard = (some: string) => {
        line += some;
        if (!some.endsWith('\n')) return;
        let finding: Finding;
        try {
          finding = JSON.parse(line) as Finding;
        } catch {
          return over(undefined, 'it writes to a descriptor that is not its own (3)');
        }
        done();
        if ('error' in finding) reject(new Foreseen(finding.error));
        else resolve({ ...finding.found, texts: new Map(finding.found.texts) });
      };
      findings.on('data', heard);
      stdin.write(`${JSON.stringify(suspect)}\n`);
    });
  }

  #spawned(): ChildProcess {
    const most = `--max-old-space-size=${Math.round(this.#memory / MiB)}`;
    const child = spawn(process.execPath, [most, this.#program], {
      stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
    });
    (child.stdio[FINDINGS] as Readable).setEncoding('utf8');
    child.stdin?.on('error', () => {
      // It has ended, and is known to have.
    });
    return child;
  }

  /** What a plugin makes of options. It is waited for, because a configuration is read all at once. */
  judge(parcel: Parcel, input: unknown): Judgement {
    const wrong = (message: string): Judgement => ({
      issues: [{ code: 'custom', message, path: [] }],
    });
    if (this.#closed || this.#thread?.ended === true) {
      return wrong('cannot be checked: the plugin is not loaded any more');
    }
    this.#thread ??= this.#begun();
    const { key, path, index, as, texts, doors } = parcel;
    const question: Question = { key, path, index, as, texts, doors, input };
    const bell = this.#bell as Int32Array;
    const before = Atomics.load(bell, 0);
    this.#port?.postMessage(question);
    Atomics.wait(bell, 0, before, LONGEST_JUDGEMENT);
    const answer = this.#port && threads().receiveMessageOnPort(this.#port);
    if (answer !== undefined) return answer.message as Judgement;
    this.#thread.end({ kind: 'hung' }, 1);
    return wrong(`cannot be checked: it took more than ${LONGEST_JUDGEMENT / 1000} s`);
  }

  #begun(): Thread {
    const { MessageChannel } = threads();
    const { port1, port2 } = new MessageChannel();
    const bell = new Int32Array(new SharedArrayBuffer(4));
    const thread = new Thread({
      ...{ program: this.#program, host: this.#host, memory: this.#memory, role: 'inspect' },
      block: LONGEST_LOAD,
      ended: () => {},
      // Whatever it prints while it is loaded, it prints again where it runs.
      said: () => {},
    });
    thread.note({ port: port2, bell: bell.buffer as SharedArrayBuffer }, [port2]);
    this.#port = port1;
    this.#bell = bell;
    return thread;
  }

  /** Ends the process once all files have been looked at. */
  rest(): void {
    this.#child?.stdin?.end();
    this.#child = undefined;
  }

  async close(): Promise<void> {
    this.rest();
    this.#closed = true;
    this.#port?.close();
    this.#port = undefined;
    await this.#thread?.close();
  }
}

function unloaded(why: Why): string {
  const { message, remedy } = faultOf(why, 'it');
  return `while it was loaded, ${message.replace(/: its thread .*$/s, '')}. ${remedy.replace(/\.$/, '')}`;
}

/** Bytes of memory that a process has; 0 where nobody can tell. */
function residentOf(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE;
  } catch {
    return 0;
  }
}
