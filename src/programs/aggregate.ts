import { Distribution, statistics } from '../wire/distribution.ts';
import type { Reading } from '../wire/readings/reading.ts';
import type { StatsdEvent } from '../wire/readings/statsd.ts';

/** Flushes after which what nobody mentioned is forgotten. */
const FORGET_AFTER = 30;
/** Members of one set that are told apart. */
const MOST_MEMBERS = 10_000;

type Named = Pick<StatsdEvent, 'name' | 'labels' | 'type'>;

interface Aggregate extends Named {
  /** A counter's sum, or a gauge's level. */
  value: number;
  /** Events of a timer, with those that were not sampled. */
  times: number;
  readonly spread: Distribution | undefined;
  readonly members: Set<string> | undefined;
  silent: number;
}

/**
 * statsd's own work: counters are added up and gauges kept from one tick to the next, timers become their count
 * and their spread, sets the number of their members.
 *
 * A counter that is not mentioned is 0, as statsd has it, until it is forgotten.
 */
export class StatsdAggregates {
  readonly #all = new Map<string, Aggregate>();
  readonly #most: number;
  readonly #percentiles: readonly number[];
  #refused = 0;

  /** @param most names that are told apart. */
  constructor(most: number, percentiles: readonly number[]) {
    this.#most = most;
    this.#percentiles = percentiles;
  }

  add(event: StatsdEvent): void {
    const it = this.#find(event);
    if (it === undefined) return;
    it.silent = 0;
    const { value, times } = event;
    switch (event.type) {
      case 'counter':
        it.value += value * times;
        break;
      case 'gauge':
        it.value = event.relative ? it.value + value : value;
        break;
      case 'timer':
        it.spread?.add(value);
        it.times += times;
        break;
      case 'set':
        if (it.members !== undefined && it.members.size < MOST_MEMBERS)
          it.members.add(event.member);
    }
  }

  /** Events that were left out since the latest time, because they were of too many names. */
  refusals(): number {
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }

  /** What it amounts to since the latest flush. */
  flush(put: (reading: Reading) => void): void {
    for (const [key, it] of this.#all) {
      const { name, labels, type } = it;
      const gauge = { name, labels, unit: 'count', kind: 'gauge' } as const;
      if (type === 'counter') {
        if (Number.isFinite(it.value)) put({ ...gauge, kind: 'delta', value: it.value });
        it.value = 0;
      } else if (type === 'gauge') {
        // A level goes on being what it was said to be.
        if (Number.isFinite(it.value)) put({ ...gauge, value: it.value });
      } else if (type === 'set') {
        put({ ...gauge, value: it.members?.size ?? 0 });
        it.members?.clear();
      } else {
        put({ ...gauge, name: `${name}.count`, kind: 'delta', value: it.times });
        if (it.spread !== undefined) {
          for (const [word, value] of statistics(it.spread, this.#percentiles)) {
            put({ ...gauge, name: `${name}.${word}`, value });
          }
          if (it.spread.count > 0) put({ ...gauge, name: `${name}.sum`, value: it.spread.sum });
          it.spread.clear();
        }
        it.times = 0;
      }
      it.silent += 1;
      if (it.silent > FORGET_AFTER) this.#all.delete(key);
    }
  }

  #find({ name, labels, type }: StatsdEvent): Aggregate | undefined {
    let key = `${type}\x01${name}`;
    for (const label in labels) key += `\x02${label}\x03${labels[label]}`;
    const known = this.#all.get(key);
    if (known !== undefined) return known;
    if (this.#all.size >= this.#most) {
      this.#refused += 1;
      return undefined;
    }
    const made: Aggregate = {
      ...{ name, labels, type, value: 0, times: 0, silent: 0 },
      spread: type === 'timer' ? new Distribution(1000) : undefined,
      members: type === 'set' ? new Set() : undefined,
    };
    this.#all.set(key, made);
    return made;
  }
}
