import type { Worker } from 'node:worker_threads';
import { Foreseen } from '../plugin/index.ts';
import { Marks } from './marks.ts';
import {
  type Again,
  type Answer,
  type Beginning,
  type Call,
  type Note,
  type Order,
  type Said,
  untold,
} from './protocol.ts';
import { threads } from './threads.ts';

/** Why a thread was ended. */
export type Why =
  | { readonly kind: 'blocked'; readonly seconds: number }
  | { readonly kind: 'hung' }
  | { readonly kind: 'memory'; readonly bytes: number }
  | { readonly kind: 'growth'; readonly bytes: number }
  | { readonly kind: 'exit'; readonly what: string }
  | { readonly kind: 'unhandled'; readonly error: Error };

export interface ThreadNeeds {
  /** The program that runs in it. */
  readonly program: string;
  readonly role: Beginning['role'];
  readonly host: Beginning['host'];
  /** Bytes that its plugins may hold. */
  readonly memory: number;
  /** Milliseconds for which a plugin may keep its thread from coming round. */
  readonly block: number;
  /** It has ended, and whoever waited for it does in vain. @param number whose fault it was; 0 if nobody can tell. */
  readonly ended: (why: Why, number: number) => void;
  readonly said: (said: Exclude<Said, { said: 'fault' }>) => void;
}

/** How long somebody waits for an answer. */
export interface Until {
  /** Aborted when it is to end early. Asked for only where the answer does not come at once. */
  readonly signal: () => AbortSignal;
  /** Milliseconds that it has then. */
  readonly grace: number;
}

interface Waiting {
  readonly number: number;
  readonly until: Until | undefined;
  /** Lets go of its signal; there once it has been looked at. */
  off: (() => void) | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Milliseconds within which most collections are done. They are waited for without the event loop: two timers, and a turn
 * for the answer, would cost as much as the collection.
 */
const AT_ONCE = 2;
/** How often one looks after a thread that has not answered yet. */
const LOOK = 100;
/** Milliseconds until a thread comes round for the first time. */
const LONGEST_START = 5000;
/** Milliseconds for which the end of a thread is waited for. */
const PATIENCE = 2000;
/** A stack deeper than this is one that has no end. */
const STACK = 4;
const MiB = 2 ** 20;

/** Threads that are being ended. One that waits in the kernel, for a disk that hangs, does not end before that does. */
const ending = new Set<Thread>();

/** Node ends after its threads, and would wait for such a one for ever: it is left by a signal that services are ended by. */
function leave(): void {
  if (ending.size === 0) return;
  process.removeAllListeners('SIGTERM');
  process.kill(process.pid, 'SIGTERM');
}

/** A thread with plugins, and whoever waits for its answers. */
export class Thread {
  readonly worker: Worker;
  readonly #needs: ThreadNeeds;
  readonly #marks = new Marks();
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #ended = false;
  #gone = false;
  #watch: NodeJS.Timeout | undefined;
  /** Resident memory when the beat was asked for. */
  #resident = 0;
  /** When the beat was asked for that has not come. */
  #asked: number | undefined;
  #beats = 0;
  /** When it was last looked at, since somebody waits. */
  #looked: number | undefined;

  constructor(needs: ThreadNeeds) {
    this.#needs = needs;
    const { program, role, host, memory } = needs;
    const workerData: Beginning = { role, host, memory, marks: this.#marks.memory };
    const { Worker } = threads();
    this.worker = new Worker(program, {
      workerData,
      stdin: false,
      stdout: true,
      stderr: true,
      argv: [],
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: Math.max(8, Math.round(memory / MiB)),
        maxYoungGenerationSizeMb: 2,
        stackSizeMb: STACK,
      },
    });
    this.worker.unref();
    this.worker.once('online', () => {
      // While it is being ended its end is waited for, and nothing else may keep the process.
      if (this.#waiting.size === 0 && !this.#ended) this.worker.unref();
    });
    this.worker.on('message', (message: Answer | Said | Again | null) => this.#heard(message));
    this.worker.on('error', (error: NodeJS.ErrnoException) => {
      const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.end(
        memory ? { kind: 'memory', bytes: this.#needs.memory } : { kind: 'unhandled', error },
        this.#atFault(),
      );
    });
    this.worker.on('exit', (code) => {
      this.#gone = true;
      ending.delete(this);
      this.end({ kind: 'exit', what: `the thread ended with ${code}` }, this.#atFault());
    });
    // Answered before anything is asked of a plugin: from then on whoever keeps it from coming round is one.
    this.#beats = 1;
    this.note({ beat: this.#beats });
  }

  /**
   * Has it do something.
   *
   * @param number the plugin's.
   * @param transfer what it gets for good.
   * @throws what the plugin threw, or an error that says that the thread has ended.
   */
  ask(
    number: number,
    order: Order,
    {
      until,
      transfer = [],
    }: { until?: Until | undefined; transfer?: readonly ArrayBuffer[] | undefined } = {},
  ): Promise<unknown> {
    if (this.#ended) return this.#inVain();
    this.#calls += 1;
    const call = this.#calls;
    this.worker.postMessage({ ...order, call } satisfies Call, transfer);
    return this.#answer(call, number, until);
  }

  /**
   * Has a session collect again.
   *
   * @param number the plugin's.
   * @returns nothing, where it has done so at once and only values have changed, which are in shared
   * memory. A promise of nothing, where that took a while.
   */
  again(number: number, session: number, until: Until): Promise<unknown> | undefined {
    if (this.#ended) return this.#inVain();
    // One that is busy has been waited for already.
    const free = this.#waiting.size === 0;
    if (free) this.#marks.expect(session);
    this.worker.postMessage(session satisfies Again);
    if (free && this.#marks.awaited(session, AT_ONCE)) return undefined;
    return this.#answer(-session, number, until);
  }

  #inVain(): Promise<never> {
    return Promise.reject(new Foreseen('the thread has ended'));
  }

  #answer(call: number, number: number, until: Until | undefined): Promise<unknown> {
    if (this.#waiting.size === 0) this.worker.ref();
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(call, { number, resolve, reject, until, off: undefined });
    });
    this.#watchOver();
    return answer;
  }

  /** An answer that is late may be given up. */
  #await(call: number, waiting: Waiting, { signal, grace }: Until): void {
    const it = signal();
    let late: NodeJS.Timeout | undefined;
    const over = () => {
      this.note({ abort: call });
      late = setTimeout(() => this.#late(waiting.number), grace);
    };
    waiting.off = () => {
      clearTimeout(late);
      it.removeEventListener('abort', over);
    };
    if (it.aborted) over();
    else it.addEventListener('abort', over, { once: true });
  }

  /** Who is waited for in vain: it does not come back, or another one does not let it. */
  #late(number: number): void {
    const away =
      this.#marks.beat === this.#beats ? 0 : performance.now() - (this.#asked ?? Infinity);
    const other = away > LOOK && this.#marks.atWork !== number;
    if (!other) this.end({ kind: 'hung' }, number);
    else this.end({ kind: 'blocked', seconds: Math.floor(away / 100) / 10 }, this.#atFault());
  }

  note(note: Note, transfer: readonly Extract<Note, { port: unknown }>['port'][] = []): void {
    if (!this.#ended) this.worker.postMessage(note, transfer);
  }

  /** Whether anybody waits for a plugin. */
  waits(number: number): boolean {
    for (const each of this.#waiting.values()) if (each.number === number) return true;
    return false;
  }

  /** Ends it for a plugin's fault. */
  end(why: Why, number: number): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#watch);
    void this.#terminate();
    // Whoever waits is told why by whoever looks after the thread.
    this.#needs.ended(why, number);
    this.#dismiss();
  }

  /** Ends it because nobody needs it any more. */
  async close(): Promise<void> {
    this.#ended = true;
    clearInterval(this.#watch);
    this.#dismiss();
    await this.#terminate();
  }

  async #terminate(): Promise<void> {
    if (this.#gone) return;
    process.off('exit', leave).on('exit', leave);
    ending.add(this);
    setTimeout(() => this.worker.unref(), PATIENCE).unref();
    await this.worker.terminate();
  }

  /** Whoever waits does so in vain. */
  #dismiss(): void {
    for (const { off, reject } of this.#waiting.values()) {
      off?.();
      reject(new Foreseen('the thread has ended'));
    }
    this.#waiting.clear();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether it is no more: what waits in the kernel goes on after it was ended. */
  get gone(): boolean {
    return this.#gone;
  }

  #heard(message: Answer | Said | Again | null): void {
    if (this.#ended) return;
    if (typeof message === 'number') {
      this.#settle(-message)?.resolve(undefined);
      return;
    }
    // A plugin that finds its thread's port may send anything.
    if (typeof message !== 'object' || message === null) return;
    if ('said' in message) {
      if (message.said !== 'fault') this.#needs.said(message);
      else this.#fault(message);
      return;
    }
    const waiting = this.#settle(message.call);
    const { value, error } = message;
    if (error === undefined) waiting?.resolve(value);
    // As it was told: whoever asked knows what it was about.
    else waiting?.reject(new Refused(message));
  }

  /** Whoever waits for an answer does no longer. */
  #settle(call: number): Waiting | undefined {
    const waiting = this.#waiting.get(call);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(call);
    if (this.#waiting.size === 0) {
      this.worker.unref();
      clearInterval(this.#watch);
      this.#watch = undefined;
    }
    waiting.off?.();
    return waiting;
  }

  #fault({ kind, number, error }: Extract<Said, { said: 'fault' }>): void {
    // What has been kept for long, or was thrown later on, says nothing of who is at work.
    const whose = number === 0 && kind === 'exit' ? this.#atFault() : number;
    if (kind === 'memory') this.end({ kind, bytes: this.#needs.memory }, whose);
    else if (kind === 'exit') this.end({ kind, what: error?.message ?? '' }, whose);
    else this.end({ kind, error: error === undefined ? new Error('?') : untold(error) }, whose);
  }

  /** Who it must have been: who was at work, or the only one that is waited for. */
  #atFault(): number {
    if (this.#marks.atWork !== 0) return this.#marks.atWork;
    const numbers = new Set([...this.#waiting.values()].map(({ number }) => number));
    return numbers.size === 1 ? ([...numbers][0] as number) : 0;
  }

  #watchOver(): void {
    if (this.#watch !== undefined) return;
    this.#asked = undefined;
    this.#looked = undefined;
    this.#watch = setInterval(() => this.#look(), LOOK);
    this.#watch.unref();
  }

  /** Looks whether the event loop of a thread that owes an answer comes round, and what memory it takes. */
  #look(): void {
    for (const [call, waiting] of this.#waiting) {
      if (waiting.off === undefined && waiting.until !== undefined) {
        this.#await(call, waiting, waiting.until);
      }
    }
    const { memory, block } = this.#needs;
    const resident = process.memoryUsage.rss();
    const now = performance.now();
    // Where the whole process was kept from running, nobody here can be blamed for it.
    const late = now - (this.#looked ?? now) > 5 * LOOK;
    this.#looked = now;
    if (this.#asked === undefined || late || this.#marks.beat === this.#beats) {
      this.#beats += 1;
      this.#asked = now;
      this.#resident = resident;
      this.note({ beat: this.#beats });
      return;
    }
    // V8 bounds its heap, and not what is beside it; a thread that does not come round cannot say how much that is.
    // One that never has is being started, which takes long where others keep the machine busy.
    const begun = this.#marks.beat > 0;
    if (begun && resident - this.#resident > 2 * memory + 32 * MiB) {
      this.end({ kind: 'growth', bytes: resident - this.#resident }, this.#atFault());
      return;
    }
    const most = begun ? block : Math.max(block, LONGEST_START);
    if (now - this.#asked > most)
      this.end({ kind: 'blocked', seconds: most / 1000 }, this.#atFault());
  }
}

/** What a plugin threw, as it came over. */
export class Refused extends Error {
  readonly told: Answer['error'];

  constructor({ error }: Answer) {
    super(error?.message);
    this.told = error;
  }
}
