import { type Clock, systemClock } from '../clock/index.ts';
import { type Fault, Foreseen } from '../plugin/index.ts';
import { faultOf, offBecause, stuck } from './faults.ts';
import type { Beginning, Lodger, Order, Parcel, Said } from './protocol.ts';
import { Refused, Thread, type Until, type Why } from './thread.ts';

/** A plugin that lives in threads, whichever. */
export interface Resident {
  readonly number: number;
  /** As a person knows it: `collector entropy (/etc/cullinan/plugins/entropy.ts)`. */
  readonly who: string;
  readonly parcel: Parcel | Lodger;
}

export interface ColonyNeeds {
  /** The program that runs in a thread. */
  readonly program: string;
  readonly host: Beginning['host'];
  readonly memory: number;
  /** Seconds. */
  readonly block: number;
  /** A person should know it. */
  readonly warn: (message: string) => void;
  readonly clock?: Clock;
}

/** So many faults within an hour, and a plugin is left alone. */
const MOST_FAULTS = 5;
const HOUR = 3_600_000;
/** Milliseconds; a handler pauses for a minute at most. */
const LONGEST_PAUSE = 90_000;

interface State {
  readonly resident: Resident;
  /** Whether it has a thread of its own. */
  alone: boolean;
  /** When it was at fault, on the monotonic clock. */
  faults: number[];
  off: Fault | undefined;
  /** What it did last; whoever waits for it is told. */
  last: Fault | undefined;
  /** The thread that was ended for its fault. */
  before: Thread | undefined;
  said: boolean;
  /** Whether somebody was told of a fault that came when nobody waited. */
  warned: boolean;
}

/** Its thread was ended for the fault of another: it may be asked again at once. */
export class Interrupted extends Foreseen {
  constructor() {
    super('its thread was stopped because of another plugin');
  }
}

/** A thread, the plugins that were brought to it, and how much is open in it. */
interface Home {
  readonly thread: Thread;
  readonly brought: Map<number, Promise<unknown>>;
  readonly open: Set<number>;
}

/**
 * Where plugins from outside live: all that behave share one thread, and one that does not gets one of
 * its own. A thread takes 6 MiB; a hundred plugins must not take six hundred.
 */
export class Colony {
  readonly #needs: ColonyNeeds;
  readonly #clock: Clock;
  readonly #states = new Map<string, State>();
  readonly #byNumber = new Map<number, State>();
  readonly #homes = new Set<Home>();
  #shared: Home | undefined;
  readonly #own = new Map<number, Home>();
  readonly #endings = new Map<number, (error: Error | undefined) => void>();
  readonly #lost = new Map<number, () => void>();
  #numbers = 0;
  #sessions = 0;

  constructor(needs: ColonyNeeds) {
    this.#needs = needs;
    this.#clock = needs.clock ?? systemClock;
  }

  /**
   * Knows a plugin; as the same one as before where it is the same version of the same file. What is never
   * asked for anything is not kept here: most plugins of a folder may be off.
   */
  settle(who: string, parcel: Parcel | Lodger): Resident {
    const known = this.#states.get(parcel.key);
    if (known !== undefined) return known.resident;
    this.#numbers += 1;
    return { number: this.#numbers, who, parcel };
  }

  #stateOf(resident: Resident): State {
    const { key } = resident.parcel;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state = {
      resident,
      alone: false,
      faults: [],
      off: undefined,
      last: undefined,
      before: undefined,
      said: false,
      warned: false,
    };
    this.#states.set(key, state);
    this.#byNumber.set(resident.number, state);
    return state;
  }

  /** A number for a session, or a connection, of a plugin. */
  session(): number {
    this.#sessions += 1;
    return this.#sessions;
  }

  /**
   * Has a plugin do something, in the thread where it lives.
   *
   * @param session what it is about. It lives as long as its thread, see `lost`.
   * @throws what the plugin threw; {@link Fault} where it, or another in its thread, was stopped.
   */
  async ask(
    resident: Resident,
    session: number,
    order: Order,
    given: { until?: Until | undefined; transfer?: readonly ArrayBuffer[] | undefined } = {},
  ): Promise<unknown> {
    const state = this.#stateOf(resident);
    if (state.off !== undefined) throw state.off;
    if (state.before?.gone === false) throw stuck(resident.who);
    const home = this.#home(state);
    const { number, parcel } = state.resident;
    try {
      home.open.add(session);
      let bringing = home.brought.get(number);
      if (bringing === undefined) {
        bringing = home.thread.ask(number, { does: 'bring', number, parcel });
        home.brought.set(number, bringing);
        // It may go better the next time: a file that it reads may be there then.
        bringing.catch(() => home.brought.delete(number));
      }
      await bringing;
      return await home.thread.ask(number, order, given);
    } catch (error) {
      if (order.does === 'open' && !home.thread.ended) this.#idle(home, session);
      throw this.#why(error, state, home);
    }
  }

  /**
   * Has a session that is known in its thread collect again.
   *
   * @returns nothing, where it has done so at once and only values have changed; a promise of nothing,
   * where that took a while. It rejects as {@link ask}.
   */
  again(resident: Resident, session: number, until: Until): Promise<unknown> | undefined {
    const state = this.#stateOf(resident);
    const home = this.#homeOf(state);
    if (home === undefined) return Promise.reject(state.off ?? new Interrupted());
    return home.thread.again(resident.number, session, until)?.catch((error) => {
      throw this.#why(error, state, home);
    });
  }

  #why(error: unknown, state: State, { thread }: Home): unknown {
    if (error instanceof Refused || !thread.ended) return error;
    return state.last ?? new Interrupted();
  }

  /** Calls back when a session is lost because its thread has ended. */
  watch(session: number, lost: () => void, ended?: (error: Error | undefined) => void): void {
    this.#lost.set(session, lost);
    if (ended !== undefined) this.#endings.set(session, ended);
  }

  /** A session is over; a thread without any ends. */
  async end(resident: Resident, session: number, aborted = false): Promise<void> {
    this.#lost.delete(session);
    this.#endings.delete(session);
    const state = this.#states.get(resident.parcel.key);
    const home = [...this.#homes].find(({ open }) => open.has(session));
    if (state === undefined || home === undefined) return;
    const asked = home.thread.ask(state.resident.number, { does: 'end', session, aborted });
    const late = new Promise((resolve) => setTimeout(resolve, 1000).unref());
    await Promise.race([asked.catch(() => {}), late]);
    home.open.delete(session);
    if (home.open.size > 0) return;
    this.#forget(home);
    await home.thread.close();
  }

  /** What could not be opened is tried again; a thread where nobody does so ends. */
  #idle(home: Home, session: number): void {
    home.open.delete(session);
    const look = () => {
      if (home.open.size > 0 || home.thread.ended) return;
      this.#forget(home);
      void home.thread.close();
    };
    setTimeout(look, LONGEST_PAUSE).unref();
  }

  #homeOf(state: State): Home | undefined {
    return state.alone ? this.#own.get(state.resident.number) : this.#shared;
  }

  #home(state: State): Home {
    const known = this.#homeOf(state);
    if (known !== undefined) return known;
    const { program, host, memory, block } = this.#needs;
    const thread: Thread = new Thread({
      ...{ program, host, memory, role: 'run', block: block * 1000 },
      ended: (why, number) => this.#ended(home, why, number),
      said: (said) => this.#said(said),
    });
    const home: Home = { thread, brought: new Map(), open: new Set() };
    this.#homes.add(home);
    if (state.alone) this.#own.set(state.resident.number, home);
    else this.#shared = home;
    return home;
  }

  #forget(home: Home): void {
    this.#homes.delete(home);
    if (this.#shared === home) this.#shared = undefined;
    for (const [number, each] of this.#own) if (each === home) this.#own.delete(number);
  }

  /** Names whoever was at fault; where nobody can tell, each of them gets a thread of its own. */
  #ended(home: Home, why: Why, number: number): void {
    this.#forget(home);
    const members = [...home.brought.keys()];
    const guilty = number === 0 && members.length === 1 ? members[0] : number;
    const states = members.flatMap((each) => this.#byNumber.get(each) ?? []);
    for (const state of states) {
      state.last = undefined;
      if (guilty === state.resident.number) this.#blame(state, why, home);
      else if (guilty === 0) state.alone = true;
    }
    if (guilty === 0 && states.length > 0) {
      const all = states.map(({ resident }) => resident.who).join(', ');
      const { message, remedy } = faultOf(why, `one of ${all}`);
      this.#needs.warn(
        `${message}. Each of them has a thread of its own from now on, so that it shows which one it is. ${remedy}`,
      );
    }
    for (const session of home.open) {
      const [lost, ended] = [this.#lost.get(session), this.#endings.get(session)];
      this.#lost.delete(session);
      this.#endings.delete(session);
      lost?.();
      ended?.(this.#byNumber.get(guilty ?? 0)?.last);
    }
  }

  #blame(state: State, why: Why, home: Home): void {
    const now = this.#clock.monotonic();
    state.alone = true;
    state.before = home.thread;
    state.faults = [...state.faults.filter((at) => now - at < HOUR), now];
    const { who } = state.resident;
    state.last = faultOf(why, who);
    const { message, remedy } = state.last;
    // Where nobody waits, nobody would ever be told.
    if (!home.thread.waits(state.resident.number) && !state.warned) {
      state.warned = true;
      this.#needs.warn(`${message}. ${remedy}`);
    }
    if (state.faults.length < MOST_FAULTS) return;
    state.off = state.last = offBecause(who, state.faults.length, state.last);
  }

  #said(said: Exclude<Said, { said: 'fault' }>): void {
    if (said.said === 'ended') {
      this.#endings.get(said.session)?.(said.error && new Foreseen(said.error.message));
      return;
    }
    const state = this.#byNumber.get(said.number);
    if (state?.said === true) return;
    if (state !== undefined) state.said = true;
    const who = state?.resident.who ?? 'a plugin';
    this.#needs.warn(
      `${who} writes to the agent's output, where it is left out: ${JSON.stringify(said.text)}. Take console.log and the like out of it; what is wrong is said by throwing.`,
    );
  }
}
