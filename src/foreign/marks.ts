/** Of the memory that the agent and a thread share: who is at work in it, also when it answers no more. */
const AT_WORK = 0;
/** The latest beat that it has come round to. */
const BEAT = 1;
/** The session that the agent waits for; then one of the following. */
const AWAITED = 2;
const WORDS = 3;

const DONE = 0;
const LATER = -1;

/** A class, because V8 finds the setters of an object of its own anew at each call. */
export class Marks {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** The number of the plugin whose code runs; 0 where nobody can tell. */
  get atWork(): number {
    return Atomics.load(this.#words, AT_WORK);
  }
  set atWork(number: number) {
    Atomics.store(this.#words, AT_WORK, number);
  }

  /** The latest beat that the thread's event loop has come round to. */
  get beat(): number {
    return Atomics.load(this.#words, BEAT);
  }
  set beat(number: number) {
    Atomics.store(this.#words, BEAT, number);
  }

  /** The agent is about to ask a session, and to wait for it. */
  expect(session: number): void {
    Atomics.store(this.#words, AWAITED, session);
  }

  /**
   * Waits for the session that is expected, and expects it no longer.
   *
   * @returns whether it is done. If not, its answer comes as a message.
   */
  awaited(session: number, ms: number): boolean {
    Atomics.wait(this.#words, AWAITED, session, ms);
    return Atomics.exchange(this.#words, AWAITED, DONE) === DONE;
  }

  /**
   * Lets the agent go on, if it waits for a session.
   *
   * @param done whether there is nothing more to say; otherwise a message follows.
   * @returns whether it did wait.
   */
  letGo(session: number, done: boolean): boolean {
    const now = done ? DONE : LATER;
    if (Atomics.compareExchange(this.#words, AWAITED, session, now) !== session) return false;
    Atomics.notify(this.#words, AWAITED);
    return true;
  }
}
