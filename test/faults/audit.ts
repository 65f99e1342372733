import { expect, vi } from 'vitest';
import type { HandlerStatus } from '../../src/plugin/index.ts';
import { imbalance } from '../support/delivery.ts';
import type { Observations, RunningAgent } from '../support/running.ts';
import type { Arrival, FaultPeer, Subject } from './subject.ts';

/** The archive rounds as the dialect says, to whole numbers at most; a wire that keeps all digits does not. */
const ROUNDING = 0.5;

/** Milliseconds after a tick in which the next is far: they are a second apart. */
const FAR = 400;

/** What was observed and did not arrive, and what arrived and was not observed, or once too often. */
interface Difference {
  readonly missing: readonly Required<Arrival>[];
  readonly surplus: readonly Arrival[];
}

/**
 * Holds what arrived against what was observed. Where the protocol has times, a point that arrived twice
 * is one point; where it has none, each is one of its own.
 *
 * An agent that is started again within a second observes that tick twice; then either will do.
 */
function difference(
  observed: Observations,
  arrived: readonly Arrival[],
  spelled: (path: string) => string = (path) => path,
): Difference {
  const pool = new Map<string, Set<Arrival>>();
  for (const each of arrived) {
    const of = pool.get(each.path) ?? new Set();
    pool.set(each.path, of.add(each));
  }
  const missing: Required<Arrival>[] = [];
  for (const [path, points] of observed) {
    const there = pool.get(spelled(path)) ?? new Set();
    for (const [time, values] of points) {
      const timed = [...there].filter((each) => each.time === time);
      const fits = (value: number) => (each: Arrival) => Math.abs(each.value - value) <= ROUNDING;
      const arrivedInTime = timed.filter((each) => values.some((value) => fits(value)(each)));
      for (const each of arrivedInTime) there.delete(each);
      if (arrivedInTime.length > 0) continue;
      for (const value of values) {
        const found = [...there].filter(({ time: at }) => at === undefined).find(fits(value));
        if (found === undefined) missing.push({ path, time, value });
        else there.delete(found);
      }
    }
  }
  return { missing, surplus: [...pool.values()].flatMap((rest) => [...rest]) };
}

/** Says of many points how many they are, and shows a few. */
const none = (points: readonly Arrival[]): void =>
  expect({ points: points.length, 'such as': points.slice(0, 3) }).toEqual({
    points: 0,
    'such as': [],
  });

const until = <T>(condition: () => Promise<T>): Promise<T> =>
  vi.waitFor(condition, { timeout: 40_000, interval: 50 });

/** Follows what becomes of an agent's points, and knows its books. */
export class Audit {
  readonly #agent: RunningAgent;
  readonly #peer: FaultPeer;
  readonly #subject: Subject;
  /** The ticks that kill -9 may have cost. */
  readonly #spared = new Set<number>();
  readonly #unbalanced: HandlerStatus[] = [];

  constructor(agent: RunningAgent, peer: FaultPeer, subject: Subject) {
    this.#agent = agent;
    this.#peer = peer;
    this.#subject = subject;
  }

  /** Waits until everything observed so far has arrived. */
  async arrived(): Promise<void> {
    const observed = await until(async () => {
      // Of a tick, the archive may have the first batch only.
      expect(await this.#agent.books('file')).toMatchObject({ queued: 0 });
      return this.#agent.observations();
    });
    await until(async () => {
      expect(await this.#books()).toMatchObject({ queued: 0, spooled: 0 });
      none(this.#missing(observed, await this.#peer.received()));
    });
  }

  /** Waits until a tick has arrived; where nothing is sent again, also that the next one is far. */
  async quiet(): Promise<void> {
    for (let far = false; !far; ) {
      await this.#agent.ticks(1);
      const ticked = performance.now();
      await this.arrived();
      far = this.#subject.repeats || performance.now() - ticked < FAR;
    }
  }

  /** Kills the agent as soon as all that it has observed is on disk. What a tick brings in between may be lost. */
  async crash(): Promise<void> {
    const kept = await until(async () => {
      const times = new Set(this.#agent.times);
      const { queued, spooled } = await this.#books();
      expect(spooled).toBeGreaterThan(0);
      expect(queued).toBe(0);
      return times;
    });
    await this.#agent.crash();
    for (const time of this.#agent.times) if (!kept.has(time)) this.#spared.add(time);
  }

  /** Waits until the agent is past what a fault has cost, and then for everything of two ticks. */
  async goesOn(): Promise<void> {
    await this.#agent.ticks(1);
    const before = (await this.#peer.received()).length;
    await until(async () => {
      expect((await this.#books()).connected).toBe(true);
      expect((await this.#peer.received()).length).toBeGreaterThan(before);
    });
    const from = (await this.#peer.received()).length;
    // What is observed from the next tick on arrives after what has arrived by now.
    await this.#agent.ticks(1);
    const past = new Set(this.#agent.times);
    await this.#agent.ticks(2);
    const observed = [...this.#agent.observations()].map(([path, points]) => {
      return [path, new Map([...points].filter(([time]) => !past.has(time)))] as const;
    });
    await until(async () => {
      const arrived = (await this.#peer.received()).slice(from);
      none(this.#missing(new Map(observed), arrived));
    });
  }

  /** Ends the agent. Its books balance, nothing was dropped, and nothing was made up or doubled. */
  async close(): Promise<void> {
    const books = (await this.#agent.stop()).get('subject');
    if (books === undefined) throw new Error('it has no books of it');
    const { shutdown = 0, ...dropped } = books.dropped;
    expect(imbalance(books)).toBe(0);
    expect(this.#unbalanced).toEqual([]);
    expect(Object.entries(dropped).filter(([, points]) => points > 0)).toEqual([]);
    // A tick that comes with the signal may be too late, and is counted.
    expect(shutdown + books.delivered).toBe(books.observed);
    const observed = this.#agent.observations();
    const arrived = await this.#peer.received();
    none(difference(observed, arrived, this.#subject.spelled).surplus);
  }

  #missing(observed: Observations, arrived: readonly Arrival[]): Difference['missing'] {
    return difference(observed, arrived, this.#subject.spelled).missing.filter(
      ({ time }) => !this.#spared.has(time),
    );
  }

  async #books(): Promise<HandlerStatus> {
    const books = await this.#agent.books('subject');
    if (imbalance(books) !== 0) this.#unbalanced.push(books);
    return books;
  }
}
