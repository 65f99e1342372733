import { performance } from 'node:perf_hooks';
import {
  bytes,
  type Chosen,
  type CollectContext,
  count,
  type Labels,
  type Metric,
  NoData,
  type Observation,
  ratio,
  seconds,
} from '../plugin/index.ts';
import type { Node } from '../wire/libvirt/calls.ts';
import type { DomainStats, Shape } from '../wire/libvirt/guest.ts';
import { STATS } from '../wire/libvirt/stats.ts';
import { Ended, Libvirt, type LibvirtOptions } from './client.ts';
import { type Guest, type GuestOptions, Guests } from './guests.ts';
import { labelledBy } from './labelled.ts';
import { metrics, targets } from './metrics.ts';
import { type Naming, Plans, sumOf } from './plan.ts';
import { Poll, type Polled, type PollOptions } from './poll.ts';

/** A hypervisor, and how it is asked. */
export interface HypervisorOptions
  extends LibvirtOptions,
    Pick<PollOptions, 'inactive'>,
    Pick<GuestOptions, 'identity' | 'labels'> {
  /** Groups of values besides the state. */
  readonly stats: readonly (keyof typeof STATS)[];
  readonly guests: Chosen;
  /** Whether there are totals of all disks, and of all interfaces, of a guest. */
  readonly totals: boolean;
  readonly disks: Chosen;
  /** Whether a disk is called by its name in the guest or by what is behind it. */
  readonly diskName: 'target' | 'source';
  readonly interfaces: Chosen;
  /** Whether an interface is called by its name on the hypervisor, its MAC address or its place in the guest. */
  readonly interfaceName: 'target' | 'address' | 'number';
}

type Context = Pick<CollectContext, 'signal' | 'since'>;

// biome-ignore format: by libvirt's numbers for them
const STATES = ['nostate', 'running', 'blocked', 'paused', 'shutdown', 'shutoff', 'crashed', 'pmsuspended'];

/** Where certain values stand in a shape; -1 where it has none. */
const findPlaces = ({ names }: Shape) => ({
  state: names.indexOf('state.state'),
  cpuTime: names.indexOf('cpu.time'),
  vcpus: names.indexOf('vcpu.current'),
  memory: names.indexOf('balloon.maximum'),
  available: names.indexOf('balloon.available'),
  usable: names.indexOf('balloon.usable'),
  unused: names.indexOf('balloon.unused'),
});
type Places = ReturnType<typeof findPlaces>;

const KIB = 1024;
const NANOSECONDS = 1e9;
const TIME = ['time'] as const;
const ALLOCATED = { which: 'allocated' };
const PHYSICAL = { which: 'physical' };

/** A hypervisor and its guests, asked over one connection that is made anew when it ended. */
export class Hypervisor {
  readonly #options: HypervisorOptions;
  /** The host that it speaks for, where that is not the agent's own. */
  readonly #host: string | undefined;
  readonly #plans: Plans;
  readonly #poll: Poll;
  readonly #guests: Guests;
  readonly #utilization: Metric;
  readonly #usage: Metric;
  readonly #places = new WeakMap<Shape, Places>();
  #libvirt: Libvirt | undefined;
  #node: Node | undefined;

  constructor(options: HypervisorOptions) {
    this.#options = options;
    const { uri, stats, inactive, identity, labels, guests, interfaceName } = options;
    const more = labelledBy(labels);
    const labelled = (metric: Metric): Metric => more.get(metric) ?? metric;
    this.#plans = new Plans(targets, labelled, options.totals);
    this.#utilization = labelled(metrics.utilization);
    this.#usage = labelled(metrics.memoryUsage);
    this.#host = uri.server?.host;
    let bits: number = STATS.state;
    for (const group of new Set(stats)) bits |= STATS[group];
    this.#poll = new Poll({ stats: bits, inactive });
    const addresses = interfaceName === 'address';
    this.#guests = new Guests({ identity, labels, addresses, chosen: guests });
  }

  /**
   * Asks for everything. A daemon that was restarted since the last time costs nothing.
   *
   * @throws what {@link Libvirt.open} throws, and whatever ends the connection: the next time there is a new one.
   */
  async collect(context: Context): Promise<Iterable<Observation | Error>> {
    const kept = this.#libvirt;
    try {
      return await this.#ask(context);
    } catch (error) {
      if (!(error instanceof Ended) || kept === undefined || kept !== this.#libvirt) throw error;
      return await this.#ask(context).catch((again: unknown) => {
        throw again instanceof NoData ? error : again;
      });
    }
  }

  async #ask(context: Context): Promise<Iterable<Observation | Error>> {
    const { signal } = context;
    const began = performance.now();
    if (this.#libvirt?.alive !== true) {
      this.#libvirt = undefined;
      this.#node = undefined;
      this.#libvirt = await Libvirt.open(this.#options, signal);
    }
    const libvirt = this.#libvirt;
    this.#node ??= await libvirt.node(signal);
    const polled = await this.#poll.ask(libvirt, signal);
    const met = await this.#guests.meet(polled.guests, libvirt, signal);
    const took = (performance.now() - began) / 1000;
    return this.#observe({ ...polled, errors: [...polled.errors, ...met] }, took, context);
  }

  async close(): Promise<void> {
    await this.#libvirt?.close();
  }

  *#observe(
    { guests, errors }: Polled,
    took: number,
    { since }: Context,
  ): Generator<Observation | Error> {
    const host = this.#host;
    const states = STATES.map(() => 0);
    let vcpus = 0;
    let memory = 0;
    for (const stats of guests) {
      const places = this.#placesOf(stats.shape);
      const state = valueAt(stats, places.state) ?? 0;
      if (states[state] !== undefined) states[state] += 1;
      if (stats.id >= 0) {
        vcpus += valueAt(stats, places.vcpus) ?? 0;
        memory += (valueAt(stats, places.memory) ?? 0) * KIB;
      }
      const guest = this.#guests.get(stats.uuid);
      if (guest?.labels === undefined) continue;
      if (guest.plan?.stats !== stats) {
        guest.plan = this.#plans.create(stats, guest.labels, this.#namingOf(guest));
      }
      const { steps, sets } = guest.plan;
      const { numbers } = stats;
      // A generator within this one would cost as much again for each of a thousand guests' values.
      for (let i = 0; i < steps.length; i += 1) {
        const step = steps[i] as (typeof steps)[number];
        const value =
          step.others === undefined ? (numbers[step.at] as number) : sumOf(step, numbers);
        if (value >= step.least) {
          const labels = sets[step.variant] as Labels;
          yield { metric: step.metric, labels, value: value / step.per, host };
        }
      }
      const utilization = this.#utilizationOf(guest.run, stats, places, since);
      if (utilization !== undefined) {
        yield { metric: this.#utilization, labels: guest.labels, value: utilization, host };
      }
      const usage = usageOf(stats, places);
      if (usage !== undefined) {
        yield { metric: this.#usage, labels: guest.labels, value: usage, host };
      }
    }
    yield* this.#sum({ states, vcpus, memory, took, refused: errors.length });
    yield* errors;
  }

  #utilizationOf(
    run: string,
    stats: DomainStats,
    { cpuTime, vcpus }: Places,
    since: Context['since'],
  ): number | undefined {
    const time = valueAt(stats, cpuTime);
    const cpus = valueAt(stats, vcpus);
    if (time === undefined || cpus === undefined || cpus === 0) return undefined;
    const grown = since(run, { time }, TIME);
    if (grown === undefined || grown.seconds <= 0) return undefined;
    return grown.time / NANOSECONDS / grown.seconds / cpus;
  }

  *#sum({ states, vcpus, memory, took, refused }: Totals): Generator<Observation> {
    const elsewhere = this.#host === undefined ? undefined : { host: this.#host };
    for (const [i, state] of STATES.entries()) {
      const guests = states[i] ?? 0;
      // Only Xen has guests without a state.
      if (i === 0 && guests === 0) continue;
      yield metrics.guests.observe(count(guests), { state }, elsewhere);
    }
    const { cpus = 0, memory: physical = 0 } = this.#node ?? {};
    const { stats } = this.#options;
    if (stats.includes('vcpu') && cpus > 0) {
      yield metrics.allVcpus.observe(count(vcpus), ALLOCATED, elsewhere);
      yield metrics.allVcpus.observe(count(cpus), PHYSICAL, elsewhere);
      yield metrics.vcpuOvercommit.observe(ratio(vcpus / cpus), {}, elsewhere);
    }
    if (stats.includes('balloon') && physical > 0) {
      yield metrics.allMemory.observe(bytes(memory), ALLOCATED, elsewhere);
      yield metrics.allMemory.observe(bytes(physical), PHYSICAL, elsewhere);
      yield metrics.memoryOvercommit.observe(ratio(memory / physical), {}, elsewhere);
    }
    yield metrics.time.observe(seconds(took), {}, elsewhere);
    yield metrics.refused.observe(count(refused), {}, elsewhere);
  }

  #namingOf({ addresses }: Guest): Naming {
    const { disks, diskName, interfaces, interfaceName } = this.#options;
    return (group, said, number) => {
      const target = said.get('name') ?? '';
      const other =
        group === 'block'
          ? diskName === 'source' && said.get('path')
          : interfaceName === 'address'
            ? addresses.get(target)
            : interfaceName === 'number' && `interface-${Number(number) + 1}`;
      const name = other || target;
      return name !== '' && (group === 'block' ? disks : interfaces)(name) ? name : undefined;
    };
  }

  #placesOf(shape: Shape): Places {
    let places = this.#places.get(shape);
    if (places === undefined) {
      places = findPlaces(shape);
      this.#places.set(shape, places);
    }
    return places;
  }
}

/** What is told of all guests together. */
interface Totals {
  /** How many are in each of the states. */
  readonly states: readonly number[];
  readonly vcpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Seconds. */
  readonly took: number;
  readonly refused: number;
}

/** A value that libvirt knows. */
function valueAt({ numbers }: DomainStats, place: number): number | undefined {
  const value = place < 0 ? undefined : numbers[place];
  return value !== undefined && value >= 0 ? value : undefined;
}

/** Memory that a guest uses of what it sees, in bytes. */
function usageOf(stats: DomainStats, { available, usable, unused }: Places): number | undefined {
  const all = valueAt(stats, available);
  const free = valueAt(stats, usable) ?? valueAt(stats, unused);
  return all !== undefined && free !== undefined && all >= free ? (all - free) * KIB : undefined;
}
