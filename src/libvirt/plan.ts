import type { Labels, Metric, Observation } from '../plugin/index.ts';
import type { DomainStats, Shape, Value } from '../wire/libvirt/stats.ts';

/** What becomes of one of libvirt's values: it is multiplied, then divided. */
export interface Target {
  readonly metric: Metric;
  /** Labels besides those that say whose it is. */
  readonly labels: Labels;
  readonly times: number;
  readonly per: number;
  /** What the values of all devices together are observed as. */
  readonly total: Metric | undefined;
  /** A value below it says that libvirt does not know; 0 where absent. */
  readonly least?: number;
}

/** libvirt's names and what becomes of each: of a guest's own, and of those of its devices without their number. */
export interface Targets {
  readonly guest: Readonly<Record<string, Target>>;
  readonly vcpu: Readonly<Record<string, Target>>;
  readonly net: Readonly<Record<string, Target>>;
  readonly block: Readonly<Record<string, Target>>;
  /** An event that is counted, by its name. */
  readonly perf: Target;
}

/** How devices are called; `undefined` leaves one out. */
export interface Devices {
  /** A disk, by the values that libvirt has of it: `name`, `path`. */
  disk(values: ReadonlyMap<string, Value>): string | undefined;
  /** An interface, likewise. */
  nic(values: ReadonlyMap<string, Value>): string | undefined;
}

interface Step extends Target {
  /** Which of the values; several are added up. */
  readonly at: readonly number[];
}

/** What is observed of a guest, worked out once for as long as libvirt says the same things of it. */
export interface Plan {
  /** Whether it still holds for what libvirt says now. */
  fits(stats: DomainStats): boolean;
  /**
   * @param host that it speaks for, where that is not the agent's own.
   * @param all gets the observations.
   */
  observe(stats: DomainStats, host: string | undefined, all: (Observation | Error)[]): void;
}

const DEVICE = /^(vcpu|net|block)\.(\d+)\.(.+)$/;
/** All are counters but the cache that a guest takes, which Linux stopped telling in 4.14. */
const PERF = /^perf\.(?!cmt$)(.+)$/;

/**
 * Works out what is observed of a guest.
 *
 * @param labels say whose it is, and are part of the labels of everything.
 * @param labelled a metric as it is observed, where the configuration gives it more labels.
 */
export function createPlan(
  { shape, values }: DomainStats,
  targets: Targets,
  devices: Devices,
  labels: Labels,
  labelled: (metric: Metric) => Metric,
): Plan {
  const { names } = shape;
  const groups = { vcpu: new Map(), net: new Map(), block: new Map() } as Record<
    'vcpu' | 'net' | 'block',
    Map<string, Map<string, number>>
  >;
  const steps: Step[] = [];
  const sums = new Map<string, { target: Target; at: number[] }>();
  const texts: (readonly [number, Value])[] = [];
  const seen = new Set<string>();
  const shared = new Map<string, Labels>();
  /** Observations that have the same labels have the same object. */
  const withLabels = (more: Labels): Labels => {
    const key = JSON.stringify(more);
    const known = shared.get(key) ?? { ...labels, ...more };
    shared.set(key, known);
    return known;
  };
  const add = (target: Target, at: number, more: Labels): void => {
    const own = withLabels({ ...more, ...target.labels });
    const key = `${target.metric.name} ${JSON.stringify(own)}`;
    // A device that is listed twice is observed once.
    if (seen.has(key)) return;
    seen.add(key);
    steps.push({ ...target, metric: labelled(target.metric), labels: own, at: [at] });
    if (target.total === undefined) return;
    const sum = `${target.total.name} ${JSON.stringify(target.labels)}`;
    const known = sums.get(sum) ?? { target, at: [] };
    known.at.push(at);
    sums.set(sum, known);
  };
  for (const [at, name] of names.entries()) {
    const value = values[at];
    const [, group, number = '', field = ''] = DEVICE.exec(name) ?? [];
    if (typeof value === 'string') texts.push([at, value]);
    if (group !== undefined) {
      const devices = groups[group as keyof typeof groups];
      const fields = devices.get(number) ?? new Map<string, number>();
      devices.set(number, fields.set(field, at));
      continue;
    }
    const [, event] = PERF.exec(name) ?? [];
    const target = Object.hasOwn(targets.guest, name) ? targets.guest[name] : undefined;
    if (target !== undefined) add(target, at, {});
    else if (event !== undefined) add(targets.perf, at, { event });
  }
  const addDevices = (
    group: keyof typeof groups,
    label: string,
    called: (number: string, values: ReadonlyMap<string, Value>) => string | undefined,
  ): void => {
    for (const [number, fields] of groups[group]) {
      const its = new Map([...fields].map(([field, at]) => [field, values[at] ?? '']));
      const device = called(number, its);
      if (device === undefined) continue;
      const rules = targets[group];
      for (const [field, at] of fields) {
        const target = Object.hasOwn(rules, field) ? rules[field] : undefined;
        if (target !== undefined) add(target, at, { [label]: device });
      }
    }
  };
  addDevices('vcpu', 'vcpu', (number) => number);
  addDevices('block', 'device', (_, values) => devices.disk(values));
  addDevices('net', 'device', (_, values) => devices.nic(values));
  for (const { target, at } of sums.values()) {
    const { total, labels: own } = target;
    if (total === undefined) continue;
    steps.push({ ...target, metric: labelled(total), labels: withLabels(own), at });
  }
  return new WorkedOut(shape, texts, steps);
}

class WorkedOut implements Plan {
  readonly #shape: Shape;
  readonly #texts: readonly (readonly [number, Value])[];
  readonly #steps: readonly Step[];

  constructor(shape: Shape, texts: readonly (readonly [number, Value])[], steps: readonly Step[]) {
    this.#shape = shape;
    this.#texts = texts;
    this.#steps = steps;
  }

  fits({ shape, values }: DomainStats): boolean {
    return shape === this.#shape && this.#texts.every(([at, text]) => values[at] === text);
  }

  observe({ values }: DomainStats, host: string | undefined, all: (Observation | Error)[]): void {
    const steps = this.#steps;
    for (let i = 0; i < steps.length; i += 1) {
      const { metric, labels, at, times, per, least = 0 } = steps[i] as Step;
      let sum = 0;
      for (let k = 0; k < at.length; k += 1) {
        const value = values[at[k] as number];
        sum = typeof value === 'number' && value >= least ? sum + value : Number.NaN;
      }
      if (sum >= 0) all.push({ metric, labels, value: (sum * times) / per, host });
    }
  }
}
