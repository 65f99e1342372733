import { DOMAINS, type Domain } from '../wire/libvirt/calls.ts';
import type { DomainStats } from '../wire/libvirt/guest.ts';
import { NOWAIT, STATS, StatsReader } from '../wire/libvirt/stats.ts';
import { LibvirtError, NO_DOMAIN } from './channel.ts';
import type { Libvirt } from './client.ts';

export interface PollOptions {
  /** Bits of {@link STATS}, of guests that run. */
  readonly stats: number;
  /** Whether guests that are off are asked for, too. */
  readonly inactive: boolean;
}

/** What one poll came to. */
export interface Polled {
  readonly guests: readonly DomainStats[];
  /** What went wrong with a guest that could not be read. */
  readonly errors: readonly Error[];
}

/** Of `virErrorNumber`. */
const INVALID_ARGUMENT = 8;

/** Asks a hypervisor for everything, at each tick. */
export class Poll {
  readonly #options: PollOptions;
  readonly #active = new StatsReader();
  readonly #inactive = new StatsReader();
  /** Not known to libvirt before 4.5. */
  #nowait = NOWAIT;

  constructor(options: PollOptions) {
    this.#options = options;
  }

  /**
   * One call for all guests that run. Of those that are off only the state is asked for, in a call of its
   * own: for their disks libvirt would open each image, and hang where the storage does.
   */
  async ask(libvirt: Libvirt, signal: AbortSignal): Promise<Polled> {
    const running = this.#running(libvirt, signal);
    if (!this.#options.inactive) return running;
    const [{ guests, errors }, off] = await Promise.all([running, this.#off(libvirt, signal)]);
    // One that was started or stopped between the two is in both.
    const known = new Set(guests.map(({ uuid }) => uuid));
    return {
      guests: [...guests, ...off.guests.filter(({ uuid }) => !known.has(uuid))],
      errors: [...errors, ...off.errors],
    };
  }

  async #off(libvirt: Libvirt, signal: AbortSignal): Promise<Polled> {
    const request = { stats: STATS.state, flags: DOMAINS.inactive };
    try {
      return { guests: await libvirt.stats(request, this.#inactive, signal), errors: [] };
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      return { guests: [], errors: [error] };
    }
  }

  async #running(libvirt: Libvirt, signal: AbortSignal): Promise<Polled> {
    const { stats } = this.#options;
    try {
      const flags = DOMAINS.active + this.#nowait;
      return { guests: await libvirt.stats({ stats, flags }, this.#active, signal), errors: [] };
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      if (this.#nowait !== 0 && error.code === INVALID_ARGUMENT) {
        this.#nowait = 0;
        return this.#running(libvirt, signal);
      }
      // One guest can spoil it for all: then they are asked for in ever smaller parts.
      const domains = await libvirt.list(DOMAINS.active, signal);
      if (domains.length === 0) throw error;
      const guests: DomainStats[] = [];
      const errors: Error[] = [];
      await this.#part(domains, libvirt, signal, guests, errors);
      if (guests.length === 0 && errors.length > 0) throw error;
      return { guests, errors };
    }
  }

  async #part(
    domains: readonly Domain[],
    libvirt: Libvirt,
    signal: AbortSignal,
    guests: DomainStats[],
    errors: Error[],
  ): Promise<void> {
    const { stats } = this.#options;
    try {
      const request = { domains, stats, flags: this.#nowait };
      guests.push(...(await libvirt.stats(request, new StatsReader(), signal)));
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      if (domains.length > 1) {
        const half = domains.length >> 1;
        await this.#part(domains.slice(0, half), libvirt, signal, guests, errors);
        await this.#part(domains.slice(half), libvirt, signal, guests, errors);
      } else if (error.code !== NO_DOMAIN) errors.push(error);
    }
  }
}
