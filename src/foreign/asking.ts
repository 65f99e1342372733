import type { MessagePort } from 'node:worker_threads';
import type { Beginning, Judgement, Parcel, Question } from './protocol.ts';
import { Thread } from './thread.ts';
import { threads } from './threads.ts';

/** Milliseconds for options to be checked while the agent waits, and for a plugin to be loaded for that. */
const LONGEST_JUDGEMENT = 3000;
const LONGEST_LOAD = 5000;

/**
 * Asks plugins what they make of options, in a thread that is there for as long as a configuration is
 * read, and only where there are options to ask about.
 */
export class Asking {
  readonly #needs: Pick<Beginning, 'host' | 'memory'> & { readonly program: string };
  #open: { readonly thread: Thread; readonly port: MessagePort; bell: Int32Array } | undefined;
  #closed = false;

  constructor(needs: Pick<Beginning, 'host' | 'memory'> & { readonly program: string }) {
    this.#needs = needs;
  }

  /** What a plugin makes of options. It is waited for, because a configuration is read all at once. */
  judge(parcel: Parcel, input: unknown): Judgement {
    const wrong = (message: string): Judgement => ({
      issues: [{ code: 'custom', message, path: [] }],
    });
    if (this.#closed || this.#open?.thread.ended === true) {
      return wrong('cannot be checked: the plugin is not loaded any more');
    }
    this.#open ??= this.#begun();
    const { thread, port, bell } = this.#open;
    const { key, path, index, as, texts, doors, maps } = parcel;
    const question: Question = { key, path, index, as, texts, doors, maps, input };
    const before = Atomics.load(bell, 0);
    port.postMessage(question);
    Atomics.wait(bell, 0, before, LONGEST_JUDGEMENT);
    const answer = threads().receiveMessageOnPort(port);
    if (answer !== undefined) return answer.message as Judgement;
    thread.end({ kind: 'hung' }, 1);
    return wrong(`cannot be checked: it took more than ${LONGEST_JUDGEMENT / 1000} s`);
  }

  #begun() {
    const { MessageChannel } = threads();
    const { port1, port2 } = new MessageChannel();
    const bell = new Int32Array(new SharedArrayBuffer(4));
    const thread = new Thread({
      ...{ ...this.#needs, role: 'inspect', block: LONGEST_LOAD },
      ended: () => {},
      // Whatever it prints while it is loaded, it prints again where it runs.
      said: () => {},
    });
    thread.note({ port: port2, bell: bell.buffer as SharedArrayBuffer }, [port2]);
    return { thread, port: port1, bell };
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#closed = true;
    this.#open = undefined;
    open?.port.close();
    await open?.thread.close();
  }
}
