import type { Labels, Metric, Observation } from '../metric/index.ts';
import { Foreseen } from '../plugin/index.ts';
import { type Brought, type Told, told } from './protocol.ts';

/** So many observations of one collection go over; whoever has more has gone astray. */
const MOST = 20_000;
const MOST_ERRORS = 100;
const LONGEST_LABEL = 4096;
/** Series that were seen once and not again are forgotten when there are so many more than are seen. */
const STALE = 10_000;

interface Known {
  readonly id: number;
  readonly metric: Metric;
  readonly labels: Labels;
  readonly host: string | undefined;
  /** The collection that observed it last. */
  seen: number;
}

/** What is collected, as it goes to the agent: numbers, and names of what is new. One collection at a time. */
export interface Packer {
  begin(): void;
  /** @returns `false` once there is too much. */
  add(item: Observation | Error): boolean;
  thrown(error: unknown): void;
  done(): Omit<Brought, 'awaits' | 'asks'>;
  /** What the agent wrote in front of the values: when it is. */
  readonly time: number;
}

/**
 * Packs the collections of one collector.
 *
 * A collector observes the same things in the same order at every tick: then only their values go over.
 *
 * @param metrics those it declares, in an order that the agent knows.
 */
export function packer(metrics: readonly Metric[]): Packer {
  const indexes = new Map(metrics.map((metric, index) => [metric, index]));
  let byKey = new Map<string, Known>();
  let next = 0;
  let before: Known[] = [];
  let values = shared(64);
  let turn = 0;
  // Of the collection under way:
  let anew = false;
  let fresh: Brought['fresh'][number][] = [];
  let when: Brought['when'][number][] = [];
  let errors: Told[] = [];
  /** As they come: the same as before, where they are the same. */
  let order: Known[] = [];
  let same = true;
  let count = 0;
  let thrown: Told | undefined;

  const keyOf = ({ labels: names }: Metric, index: number, labels: Labels, host = '') =>
    [index, host, ...names.map((name) => labels[name])].join('\x02');

  const wrong = (error: unknown): void => {
    if (errors.length < MOST_ERRORS) errors.push(told(error));
  };

  /** Whoever is wrong again and again does not stop by itself. */
  function goesOn(): boolean {
    if (errors.length < MOST_ERRORS) return true;
    thrown = told(new Foreseen(`was wrong ${MOST_ERRORS} times: the rest is left out`));
    return false;
  }

  function find({ metric, labels, host }: Observation): Known | undefined {
    const guess = before[count];
    if (guess !== undefined && guess.metric === metric && guess.host === host) {
      if (guess.labels === labels || sameLabels(metric, guess.labels, labels)) return guess;
    }
    same = false;
    const index = indexes.get(metric);
    if (index === undefined) {
      wrong(new Foreseen(`observed ${nameOf(metric)}, which it does not declare`));
      return undefined;
    }
    if (host !== undefined && (typeof host !== 'string' || host.length > LONGEST_LABEL)) {
      wrong(new Foreseen(`observed ${metric.name} of a host that is no name`));
      return undefined;
    }
    const own: Record<string, string> = {};
    for (const name of metric.labels) {
      const label = (labels as Labels | undefined)?.[name];
      if (typeof label !== 'string') {
        wrong(new Foreseen(`observed ${metric.name} without its label ${name}`));
        return undefined;
      }
      if (label.length > LONGEST_LABEL) {
        wrong(
          new Foreseen(
            `observed ${metric.name} with a label ${name} of ${label.length} characters`,
          ),
        );
        return undefined;
      }
      own[name] = label;
    }
    const key = keyOf(metric, index, own, host);
    let known = byKey.get(key);
    if (known === undefined) {
      known = { id: next, metric, labels: own, host, seen: 0 };
      next += 1;
      byKey.set(key, known);
      fresh.push([known.id, index, own, host]);
    }
    return known;
  }

  return {
    get time() {
      return values[0] as number;
    },
    begin() {
      turn += 1;
      anew = byKey.size > before.length + STALE;
      if (anew) {
        byKey = new Map();
        before = [];
        next = 0;
      }
      fresh = [];
      when = [];
      errors = [];
      thrown = undefined;
      same = !anew;
      count = 0;
    },
    add(item) {
      if (item instanceof Error) {
        wrong(item);
        return goesOn();
      }
      if (typeof item !== 'object' || item === null || !('metric' in item)) {
        wrong(
          new Foreseen(
            `yielded ${typeof item}, which is no observation: yield metrics.….observe(…)`,
          ),
        );
        return goesOn();
      }
      if (typeof item.value !== 'number') {
        wrong(
          new Foreseen(`observed ${nameOf(item.metric)} as ${quoted(item.value)}, not a number`),
        );
        return goesOn();
      }
      if (count >= MOST) {
        thrown = told(
          new Foreseen(
            `yielded more than ${MOST} observations: the rest is left out. Select fewer things, or sum them up`,
          ),
        );
        return false;
      }
      const known = find(item);
      if (known === undefined) return goesOn();
      if (known.seen === turn) {
        wrong(new Foreseen(`observed ${known.metric.name} twice in one collection`));
        return goesOn();
      }
      known.seen = turn;
      if (count + 1 === values.length) {
        const more = shared(2 * values.length);
        more.set(values);
        values = more;
        same = false;
      }
      order[count] = known;
      const { time, seconds } = item;
      if (time !== undefined || seconds !== undefined) {
        when.push([count, numberOr(time), numberOr(seconds)]);
      }
      count += 1;
      values[count] = item.value;
      return true;
    },
    thrown(error) {
      thrown ??= told(error);
    },
    done() {
      same &&= count === before.length;
      if (!same) {
        order.length = count;
        [before, order] = [order, before];
      }
      const ids = same ? undefined : Int32Array.from(before, ({ id }) => id);
      return { anew, fresh, when, errors, thrown, order: ids, values };
    },
  };
}

/** Numbers that the agent reads where they were written: at most ticks nothing else is handed over. */
const shared = (length: number) => new Float64Array(new SharedArrayBuffer(length * 8));

function sameLabels({ labels: names }: Metric, a: Labels, b: Labels): boolean {
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] as string;
    if (a[name] !== b?.[name]) return false;
  }
  return true;
}

const numberOr = (value: unknown) => (typeof value === 'number' ? value : undefined);
const nameOf = (metric: Partial<Metric> | undefined): string => String(metric?.name);
const quoted = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : typeof value;
