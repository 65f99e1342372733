import type { Labels, Metric } from '../plugin/index.ts';
import type { DomainStats, Shape } from '../wire/libvirt/guest.ts';

/** What becomes of one of libvirt's values. */
export interface Target {
  readonly metric: Metric;
  /** Labels besides those that say whose it is. */
  readonly labels: Labels;
  /** What it is divided by: a power of two below 1 multiplies, and loses nothing. */
  readonly per: number;
  /** What the values of all devices together are observed as. */
  readonly total: Metric | undefined;
  /** A value below it says that libvirt does not know. */
  readonly least: number;
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

/** The kinds of devices. */
type Group = 'vcpu' | 'block' | 'net';
const GROUPS = ['vcpu', 'block', 'net'] as const;

/**
 * How a device is called, by what libvirt says of it as a text (`name`, `path`) and its number among those
 * of its guest, from 0; `undefined` leaves it out.
 */
export type Naming = (
  group: 'block' | 'net',
  said: ReadonlyMap<string, string>,
  number: string,
) => string | undefined;

/** A device, and where its values stand among those of its guest. */
interface Device {
  readonly group: Group;
  readonly number: string;
  readonly fields: ReadonlyMap<string, number>;
}

/** What the names of a shape say. */
interface Layout {
  readonly own: readonly (readonly [name: string, at: number])[];
  readonly devices: readonly Device[];
}

/** One observation. */
interface Step {
  readonly metric: Metric;
  /** Which of the guest's values. */
  readonly at: number;
  /** Values that are added to it. */
  readonly others: readonly number[] | undefined;
  readonly per: number;
  readonly least: number;
  /** Which of the guest's sets of labels. */
  readonly variant: number;
}

/** Labels that are added to a guest's own: of one of its devices, or of none. */
interface Variant {
  readonly device: Device | undefined;
  readonly more: Labels;
}

/** What is observed of every guest of one shape, of which the same devices are chosen. */
interface Recipe {
  readonly steps: readonly Step[];
  readonly variants: readonly Variant[];
}

/** What is observed of one guest, for as long as libvirt says the same things of it. */
export interface Plan {
  /** Of what it was made, which stays the same object for that long. */
  readonly stats: DomainStats;
  readonly steps: readonly Step[];
  /** Sets of labels, by a step's `variant`. */
  readonly sets: readonly Labels[];
}

const DEVICE = /^(vcpu|net|block)\.(\d+)\.(.+)$/;
/** All are counters but the cache that a guest takes, which Linux stopped telling in 4.14. */
const PERF = /^perf\.(?!cmt$)(.+)$/;

/** Works out what is observed of guests. What guests have in common is worked out once, and kept once. */
export class Plans {
  readonly #targets: Targets;
  readonly #labelled: (metric: Metric) => Metric;
  readonly #totals: boolean;
  readonly #layouts = new WeakMap<Shape, Layout>();
  readonly #recipes = new WeakMap<Shape, Map<string, Recipe>>();

  /**
   * @param labelled a metric as it is observed, where the configuration gives it more labels.
   * @param totals whether the values of all devices together are observed, too.
   */
  constructor(targets: Targets, labelled: (metric: Metric) => Metric, totals: boolean) {
    this.#targets = targets;
    this.#labelled = labelled;
    this.#totals = totals;
  }

  /** @param labels say whose it is, and are part of the labels of everything. */
  create(stats: DomainStats, labels: Labels, naming: Naming): Plan {
    const { shape, texts } = stats;
    const layout = this.#layouts.get(shape) ?? readLayout(shape);
    this.#layouts.set(shape, layout);
    const called = new Map<Device, string>();
    const taken = new Set<string>();
    for (const device of layout.devices) {
      const { group, number, fields } = device;
      const said = new Map([...fields].map(([field, at]) => [field, texts.get(at) ?? '']));
      const name = group === 'vcpu' ? number : naming(group, said, number);
      // A device that is listed twice is observed once.
      if (name === undefined || taken.has(`${group} ${name}`)) continue;
      taken.add(`${group} ${name}`);
      called.set(device, name);
    }
    const recipes = this.#recipes.get(shape) ?? new Map<string, Recipe>();
    this.#recipes.set(shape, recipes);
    const key = [...called.keys()].map(({ group, number }) => group + number).join(' ');
    const recipe = recipes.get(key) ?? this.#write(layout, [...called.keys()]);
    recipes.set(key, recipe);
    const sets = recipe.variants.map(({ device, more }) => {
      const set: Record<string, string> = {};
      // One by one, so that V8 sees that those of all guests are alike: else each has a class of its own.
      for (const label in labels) set[label] = labels[label] ?? '';
      if (device !== undefined) {
        set[device.group === 'vcpu' ? 'vcpu' : 'device'] = called.get(device) ?? '';
      }
      for (const label in more) set[label] = more[label] ?? '';
      return set;
    });
    return { stats, steps: recipe.steps, sets };
  }

  #write({ own }: Layout, devices: readonly Device[]): Recipe {
    const targets = this.#targets;
    const steps: Step[] = [];
    const variants: Variant[] = [];
    const known = new Map<string, number>();
    const sums = new Map<string, { readonly target: Target; readonly at: number[] }>();
    const variantOf = (device: Device | undefined, more: Labels): number => {
      const key = JSON.stringify([device?.group, device?.number, more]);
      const before = known.get(key);
      if (before !== undefined) return before;
      known.set(key, variants.length);
      return variants.push({ device, more }) - 1;
    };
    const add = (target: Target, at: number, device?: Device, more: Labels = {}): void => {
      const { metric, labels, total } = target;
      const variant = variantOf(device, { ...more, ...labels });
      steps.push({ ...target, metric: this.#labelled(metric), at, others: undefined, variant });
      if (total === undefined || !this.#totals) return;
      const key = `${total.name} ${JSON.stringify(labels)}`;
      const sum = sums.get(key) ?? { target, at: [] };
      sum.at.push(at);
      sums.set(key, sum);
    };
    for (const [name, at] of own) {
      const target = Object.hasOwn(targets.guest, name) ? targets.guest[name] : undefined;
      const [, event] = PERF.exec(name) ?? [];
      if (target !== undefined) add(target, at);
      else if (event !== undefined) add(targets.perf, at, undefined, { event });
    }
    for (const device of devices) {
      const fields = targets[device.group];
      for (const [field, at] of device.fields) {
        const target = Object.hasOwn(fields, field) ? fields[field] : undefined;
        if (target !== undefined) add(target, at, device);
      }
    }
    for (const { target, at } of sums.values()) {
      if (target.total === undefined) continue;
      const [first = 0, ...more] = at;
      // Most guests have one disk and one interface.
      const others = more.length > 0 ? more : undefined;
      const variant = variantOf(undefined, target.labels);
      steps.push({ ...target, metric: this.#labelled(target.total), at: first, others, variant });
    }
    return { steps, variants };
  }
}

function readLayout({ names }: Shape): Layout {
  const own: (readonly [string, number])[] = [];
  const devices = new Map<string, Device & { readonly fields: Map<string, number> }>();
  for (const [at, name] of names.entries()) {
    const [, group, number = '', field = ''] = DEVICE.exec(name) ?? [];
    if (group === undefined) {
      own.push([name, at]);
      continue;
    }
    const key = `${group}.${number}`;
    const device = devices.get(key) ?? { group: group as Group, number, fields: new Map() };
    device.fields.set(field, at);
    devices.set(key, device);
  }
  const all = [...devices.values()];
  return { own, devices: GROUPS.flatMap((group) => all.filter((one) => one.group === group)) };
}

/** What a step comes to before it is scaled; NaN where libvirt does not know a part of it. */
export function sumOf({ at, others = [], least }: Step, numbers: Float64Array): number {
  let sum = numbers[at] as number;
  for (const other of others) {
    const value = numbers[other] as number;
    sum = sum >= least && value >= least ? sum + value : Number.NaN;
  }
  return sum;
}
