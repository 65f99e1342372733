import type { Labels, Metric, Observation } from '../metric/index.ts';
import type { Reading } from '../wire/readings/reading.ts';

/** Takes after which a series that nobody mentioned is forgotten. */
const FORGET_AFTER = 30;

/** A series of another program, and what was said of it since the latest take. */
interface Slot {
  readonly metric: Metric;
  readonly labels: Labels;
  readonly host: string | undefined;
  value: number;
  time: number | undefined;
  fresh: boolean;
  /** The take that saw it last. */
  seen: number;
}

export interface HarvestOptions {
  /** Series that are told apart at once. */
  readonly most: number;
  /** What stands before each name. */
  readonly prefix?: string | undefined;
  /** The host that the agent runs on. */
  readonly own?: string | undefined;
}

/**
 * What programs said since the tick before: of a level and a total what was said last, of amounts the sum.
 *
 * Metrics and labels are the same objects for as long as a series lives, in the same order at every tick, so
 * that finding a series again costs the agent nothing.
 */
export class Harvest {
  readonly #most: number;
  readonly #prefix: string;
  readonly #own: string | undefined;
  readonly #metrics = new Map<string, { readonly metric: Metric; slots: number }>();
  readonly #slots = new Map<string, Slot>();
  #takes = 0;
  #refused = 0;

  constructor({ most, prefix, own }: HarvestOptions) {
    this.#most = most;
    this.#prefix = prefix === undefined ? '' : `${prefix}.`;
    this.#own = own;
  }

  /** Series that live now. */
  get size(): number {
    return this.#slots.size;
  }

  put(reading: Reading): void {
    const { name, labels, value, time } = reading;
    const host = reading.host === '' || reading.host === this.#own ? undefined : reading.host;
    let metricKey = name;
    let values = host ?? '';
    for (const label in labels) {
      metricKey += `\x01${label}`;
      values += `\x02${labels[label]}`;
    }
    const key = `${metricKey}\x03${values}`;
    const slot = this.#slots.get(key) ?? this.#add(key, metricKey, reading, host);
    if (slot === undefined) return;
    if (slot.metric.kind === 'delta') {
      slot.value = slot.fresh ? slot.value + value : value;
    } else {
      slot.value = value;
      slot.time = time;
    }
    slot.fresh = true;
  }

  /** How many readings were left out since the latest time, because they were of too many series. */
  refusals(): number {
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }

  /** What was said since the latest take. */
  *take(): Generator<Observation> {
    this.#takes += 1;
    for (const [key, slot] of this.#slots) {
      if (!slot.fresh) {
        if (this.#takes - slot.seen > FORGET_AFTER) this.#forget(key, slot);
        continue;
      }
      slot.fresh = false;
      slot.seen = this.#takes;
      const { metric, labels, host, value, time } = slot;
      yield { metric, value, labels, host, time };
    }
  }

  #add(key: string, metricKey: string, reading: Reading, host: string | undefined) {
    if (this.#slots.size >= this.#most) {
      this.#refused += 1;
      return undefined;
    }
    const known = this.#metrics.get(metricKey) ?? { metric: this.#metric(reading), slots: 0 };
    known.slots += 1;
    this.#metrics.set(metricKey, known);
    const { metric } = known;
    const slot: Slot = {
      ...{ metric, labels: reading.labels, host },
      ...{ value: 0, time: undefined, fresh: false, seen: this.#takes },
    };
    this.#slots.set(key, slot);
    return slot;
  }

  #metric({ name, kind, unit, labels, help = '', origin }: Reading): Metric {
    return {
      ...{ kind, unit, help, name: this.#prefix + name, labels: Object.keys(labels) },
      // Under a name of ours it is no longer as it was given.
      origin: this.#prefix === '' ? origin : undefined,
    };
  }

  #forget(key: string, { metric, labels }: Slot): void {
    this.#slots.delete(key);
    const metricKey = [metric.name.slice(this.#prefix.length), ...Object.keys(labels)].join('\x01');
    const known = this.#metrics.get(metricKey);
    if (known === undefined) return;
    known.slots -= 1;
    if (known.slots === 0) this.#metrics.delete(metricKey);
  }
}
