import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { Foreseen } from '../plugin/index.ts';
import { faultOf } from './faults.ts';
import type { Beginning, Inspected, Judgement, Place, Question } from './protocol.ts';
import { Refused, Thread } from './thread.ts';

/** A file to be looked at. */
export type Suspect = Pick<Place, 'path' | 'as'>;

/** Milliseconds for a file to be loaded, and for options to be checked while the agent waits. */
const LONGEST_LOAD = 5000;
const LONGEST_JUDGEMENT = 2000;

/**
 * A thread that looks at files, one after the other, and then at options for the plugins in them. It is
 * there for as long as a configuration is read.
 */
export class Inspector {
  readonly #program: string;
  readonly #host: Beginning['host'];
  readonly #memory: number;
  readonly #bell = new Int32Array(new SharedArrayBuffer(4));
  #port: MessageChannel['port1'] | undefined;
  #thread: Thread | undefined;
  #good: Suspect[] = [];
  #why: string | undefined;

  constructor({
    program,
    host,
    memory,
  }: { readonly program: string; readonly host: Beginning['host']; readonly memory: number }) {
    this.#program = program;
    this.#host = host;
    this.#memory = memory;
  }

  /** @throws {@link Foreseen} if it cannot be loaded; its like are loaded all the same. */
  async inspect(suspect: Suspect): Promise<Inspected> {
    const inspected = await this.#load(suspect);
    this.#good.push(suspect);
    return inspected;
  }

  async #load(suspect: Suspect): Promise<Inspected> {
    const thread = await this.#begun();
    const { path, as } = suspect;
    let late: NodeJS.Timeout | undefined;
    try {
      late = setTimeout(() => thread.end({ kind: 'hung' }, 1), LONGEST_LOAD);
      return (await thread.ask(1, { does: 'inspect', path, as })) as Inspected;
    } catch (error) {
      if (error instanceof Refused) throw new Foreseen(error.message);
      throw new Foreseen(this.#why ?? `${path} cannot be loaded: ${(error as Error).message}`);
    } finally {
      clearTimeout(late);
    }
  }

  /** A thread that has loaded what was good so far: one that ended took it along. */
  async #begun(): Promise<Thread> {
    if (this.#thread?.ended === false) return this.#thread;
    this.#why = undefined;
    const { port1, port2 } = new MessageChannel();
    const thread = new Thread({
      ...{ program: this.#program, host: this.#host, memory: this.#memory, role: 'inspect' },
      block: LONGEST_LOAD - 1000,
      ended: (why) => {
        const { message, remedy } = faultOf(why, 'it');
        this.#why = `while it was loaded, ${message.replace(/: its thread .*$/s, '')}. ${remedy.replace(/\.$/, '')}`;
      },
      // Whatever it prints while it is loaded, it prints again where it runs.
      said: () => {},
    });
    this.#thread = thread;
    this.#port = port1;
    thread.note({ port: port2, bell: this.#bell.buffer as SharedArrayBuffer }, [port2]);
    for (const each of this.#good) await this.#load(each);
    return thread;
  }

  /** What a plugin makes of options. It is waited for, because a configuration is read all at once. */
  judge(question: Question): Judgement {
    const wrong = (message: string): Judgement => ({
      issues: [{ code: 'custom', message, path: [] }],
    });
    if (this.#port === undefined || this.#thread?.ended !== false) {
      return wrong('cannot be checked: the plugin is not loaded any more');
    }
    const before = Atomics.load(this.#bell, 0);
    this.#port.postMessage(question);
    Atomics.wait(this.#bell, 0, before, LONGEST_JUDGEMENT);
    const answer = receiveMessageOnPort(this.#port);
    if (answer !== undefined) return answer.message as Judgement;
    this.#thread.end({ kind: 'hung' }, 1);
    return wrong(`cannot be checked: it took more than ${LONGEST_JUDGEMENT / 1000} s`);
  }

  async close(): Promise<void> {
    this.#port?.close();
    this.#port = undefined;
    await this.#thread?.close();
  }
}
