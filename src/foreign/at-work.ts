import type { AgentStatus } from '../plugin/index.ts';
import type { Marks } from './marks.ts';
import type { AgentCopy } from './protocol.ts';

/** Says whose code runs, for as long as it has the thread. */
export class AtWork {
  readonly #marks: Marks;
  #turn = false;

  constructor(marks: Marks) {
    this.#marks = marks;
  }

  /** Runs what does not wait. */
  now<T>(number: number, work: () => T): T {
    this.#marks.atWork = number;
    try {
      return work();
    } finally {
      this.#marks.atWork = 0;
    }
  }

  /** Its code runs from now on, until the event loop comes round. */
  turn(number: number): void {
    this.#marks.atWork = number;
    if (this.#turn) return;
    this.#turn = true;
    setImmediate(() => {
      this.#turn = false;
      this.#marks.atWork = 0;
    });
  }

  /** The plugin whose code runs, as far as anybody can tell. */
  get number(): number {
    return this.#marks.atWork;
  }
}

/** The agent's state in a thread of its own: a copy, which is renewed for whoever asks for it. */
export class AgentSeen implements AgentStatus {
  asked = false;
  #copy: AgentCopy;

  constructor(copy: AgentCopy) {
    this.#copy = copy;
  }

  renew(copy: AgentCopy | undefined): void {
    if (copy !== undefined) this.#copy = copy;
  }

  #of<K extends keyof AgentStatus>(key: K): AgentStatus[K] {
    this.asked = true;
    return this.#copy[key];
  }

  get collectors() {
    return this.#of('collectors');
  }
  get handlers() {
    return this.#of('handlers');
  }
  get schedule() {
    return this.#of('schedule');
  }
  get counterResets() {
    return this.#of('counterResets');
  }
  get eventLoopLag() {
    return this.#of('eventLoopLag');
  }
  get residentMemory() {
    return this.#of('residentMemory');
  }
  get cpu() {
    return this.#of('cpu');
  }
  get problem() {
    return this.#of('problem');
  }
}
