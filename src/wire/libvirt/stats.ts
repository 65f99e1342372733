/**
 * CONNECT_GET_ALL_DOMAIN_STATS: everything of all guests in one reply, as `virsh domstats --raw` prints it.
 *
 * Each guest is a list of named values, some fifty of them, so a thousand guests are 1.7 MB. But from one tick
 * to the next hardly anything changes but the numbers. So what is said of a guest is first taken for what was
 * said before with other numbers: they are picked out, and what is left is compared as a whole. Only where
 * that is not the same it is read from its beginning to its end.
 */
import type { Sink } from '../libvirt.ts';
import { XdrReader, XdrWriter } from '../xdr.ts';
import { type Domain, readDomain, readDomains, writeDomain } from './calls.ts';
import { type DomainStats, GuestReader, type Told } from './guest.ts';
import { NOTHING, Window, wordsIn } from './window.ts';

/** Groups of values, by the bit that asks for each. One that a daemon does not know is left out. */
export const STATS = {
  state: 1,
  cpu: 2,
  balloon: 4,
  vcpu: 8,
  interface: 16,
  block: 32,
  perf: 64,
  dirtyrate: 512,
} as const;

/** Says of a guest that is busy with a job what is known without waiting for it. libvirt 4.5 and later. */
export const NOWAIT = 2 ** 29;

/** What is asked for. */
export interface StatsRequest {
  /** Of whom; of all that `flags` choose where there is none. */
  readonly domains?: readonly Domain[];
  /** Bits of {@link STATS}. */
  readonly stats: number;
  /** Bits: which domains, and {@link NOWAIT}. */
  readonly flags: number;
}

export function encodeStatsRequest({ domains = [], stats, flags }: StatsRequest): Buffer {
  const writer = new XdrWriter().uint(domains.length);
  for (const domain of domains) writeDomain(writer, domain);
  return writer.uint(stats).uint(flags).finish();
}

/** Moves what is kept of guests into two pieces of memory: two for each would take as much again. */
function moveTogether(all: readonly Told[]): void {
  const wordsOf = ({ form: { spans } }: Told): number => wordsIn(spans);
  const numbers = new Float64Array(all.reduce((sum, one) => sum + one.numbers.length, 0));
  const words = new Uint32Array(all.reduce((sum, one) => sum + wordsOf(one), 0));
  let numbersAt = 0;
  let wordsAt = 0;
  for (const one of all) {
    const { length } = one.numbers;
    const own = wordsOf(one);
    numbers.set(one.numbers, numbersAt);
    words.set(one.own.subarray(one.ownAt, one.ownAt + own), wordsAt);
    one.numbers = numbers.subarray(numbersAt, numbersAt + length);
    one.own = words;
    one.ownAt = wordsAt;
    numbersAt += length;
    wordsAt += own;
  }
}

/** Bytes that are held back at most, between two replies. */
const HELD = 131_072;
/** How many guests a reply is about, while that is not known. */
const UNKNOWN = -1;
/** Bytes of the word that says so. */
const WORD = 4;

/**
 * Reads the replies to one question, and remembers the latest.
 *
 * A reply is read as it arrives, and what was read of it is not held: {@link begin}, {@link take} for
 * each of its pieces, {@link end}.
 */
export class StatsReader implements Sink {
  readonly #guests = new GuestReader();
  #known: readonly Told[] = [];
  readonly #window = new Window();
  /** What has arrived and could not be read yet: the beginning of a guest, mostly. */
  #held: Buffer = NOTHING;
  #filled = 0;
  /** How much of it there has to be before it is looked at again. */
  #enough = 0;
  /** Guests that the reply is still to tell of. */
  #left = UNKNOWN;
  #now: Told[] = [];
  /** Which of those known is expected next. */
  #next = 0;
  /** Where those known are, once somebody else than the expected one came. */
  #places: ReadonlyMap<string, number> | undefined;

  /** Reads a whole reply: see {@link end}. */
  read(payload: Buffer): readonly DomainStats[] {
    this.begin().take(payload);
    return this.end();
  }

  /** From now on comes another reply. */
  begin(): this {
    this.#letGo();
    this.#enough = WORD;
    this.#left = UNKNOWN;
    this.#next = 0;
    this.#places = undefined;
    return this;
  }

  take(bytes: Buffer): void {
    // Nothing of what may be behind the last guest was written by libvirt.
    if (this.#left === 0) return;
    this.#hold(bytes);
    if (this.#filled >= this.#enough) this.#advance(false);
  }

  /**
   * The reply is whole.
   *
   * @throws a SyntaxError if it is not as documented.
   */
  end(): readonly DomainStats[] {
    try {
      if (this.#left !== 0) this.#advance(true);
      const now = this.#now;
      if (this.#places !== undefined || now.length !== this.#known.length) {
        moveTogether(now);
        this.#known = now;
        this.#guests.keep(now);
      }
    } finally {
      this.#letGo();
    }
    return this.#known;
  }

  /** Forgets the reply, which may have made no sense until its end, or had none. */
  #letGo(): void {
    this.#filled = 0;
    this.#now = [];
    if (this.#held.length > HELD) this.#held = NOTHING;
  }

  #hold(bytes: Buffer): void {
    const length = this.#filled + bytes.length;
    if (length > this.#held.length) {
      const more = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#held.length));
      this.#held.copy(more, 0, 0, this.#filled);
      this.#held = more;
    }
    bytes.copy(this.#held, this.#filled);
    this.#filled = length;
  }

  /**
   * Reads what is whole of what is held. Where a guest ends is known when it was read: one that makes no sense may
   * do so with what is still to come, and is read again when there is twice as much, or all.
   */
  #advance(isAll: boolean): void {
    const held = this.#held.subarray(0, this.#filled);
    this.#window.open(held);
    let at = 0;
    try {
      if (this.#left === UNKNOWN) {
        this.#left = readDomains(new XdrReader(held));
        at = WORD;
      }
      for (; this.#left > 0; this.#left -= 1) {
        const expected = this.#known[this.#next]?.form.bytes.length ?? 0;
        if (!isAll && held.length - at < expected) break;
        const told = this.#readNext(held, at);
        this.#now.push(told);
        at += told.form.bytes.length;
      }
    } catch (error) {
      if (isAll || !(error instanceof SyntaxError)) throw error;
    } finally {
      this.#window.close();
    }
    held.copy(held, 0, at);
    this.#filled -= at;
    this.#enough = 2 * this.#filled;
  }

  #readNext(held: Buffer, at: number): Told {
    const window = this.#window;
    const before = this.#known;
    const expected = before[this.#next];
    if (expected !== undefined && window.shows(expected, at)) {
      this.#next += 1;
      return expected;
    }
    // Another guest than the last time, or the same with other values.
    this.#places ??= new Map(before.map(({ uuid }, place) => [uuid, place]));
    const rest = held.subarray(at);
    const place = this.#places.get(readDomain(new XdrReader(rest)).uuid);
    const known = place === undefined || place === this.#next ? undefined : before[place];
    const told = known !== undefined && window.shows(known, at) ? known : this.#guests.read(rest);
    if (place !== undefined) this.#next = place + 1;
    return told;
  }
}
