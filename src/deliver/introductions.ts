import type { Clock } from '../clock/index.ts';
import type { Log } from '../log/index.ts';
import type { Point } from '../metric/index.ts';
import type { Limits } from './backlog.ts';
import { sizeOf } from './queue.ts';

/** Milliseconds until the first word on names that wait: by then rates have their names, too. */
const FIRST_WORD = 15_000;
const NEXT_WORD = 60_000;
/** What a name costs, where each of the names per minute earns 1 per millisecond. */
const NAME = 60_000;
/** A name that was not seen for a day, or up to two, is new again: memory is bounded. */
const REMEMBERED = 86_400_000;

export interface IntroductionNeeds {
  /** The handler instance. */
  readonly name: string;
  /** New names per minute; so many at once, after a minute without any. */
  readonly perMinute: number;
  /** The most that waits. */
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info'>;
  /** Is told of each point for which there was no room. */
  readonly dropped: () => void;
}

/** From the first name that waits to the last. Times are on the monotonic clock. */
interface Wait {
  readonly since: number;
  /** What {@link Introductions.dropped} was then. */
  readonly dropped: number;
  /** When to speak of it next. */
  readonly word: number;
  readonly spoken: boolean;
}

/**
 * Introduces new names at the pace at which the peer takes them. Names wait in line in the order in
 * which they first came, with their points; where there is no room for another point, the oldest of
 * its name goes, so that what is lost is a series' beginning and leaves no hole.
 */
export class Introductions {
  readonly #needs: IntroductionNeeds;
  #known = new Set<string>();
  #before = new Set<string>();
  #renewed: number;
  readonly #line = new Map<string, Point[]>();
  #samples = 0;
  #bytes = 0;
  #dropped = 0;
  /** How much may be introduced now: a name costs {@link NAME}. */
  #allowed: number;
  #counted: number;
  #wait: Wait | undefined;

  constructor(needs: IntroductionNeeds) {
    this.#needs = needs;
    this.#allowed = needs.perMinute * NAME;
    this.#counted = needs.clock.monotonic();
    this.#renewed = this.#counted;
  }

  /** Points that wait. */
  get waiting(): number {
    return this.#samples;
  }

  /** Takes points in; gives back those whose names are introduced, now or before. */
  sift(points: readonly Point[]): readonly Point[] {
    const now = this.#needs.clock.monotonic();
    this.#count(now);
    const through: Point[] = [];
    for (const point of points) {
      if (this.#isKnown(point.name.path)) through.push(point);
      else this.#hold(point);
    }
    this.#introduce(through, now);
    return through;
  }

  /** Gives back everything that waits, in the order of the names. */
  release(): Point[] {
    const left = [...this.#line.values()].flat();
    this.#line.clear();
    this.#samples = 0;
    this.#bytes = 0;
    return left;
  }

  #count(now: number): void {
    const { perMinute } = this.#needs;
    const gained = (now - this.#counted) * perMinute;
    this.#allowed = Math.min(perMinute * NAME, this.#allowed + gained);
    this.#counted = now;
    if (now - this.#renewed < REMEMBERED) return;
    this.#before = this.#known;
    this.#known = new Set();
    this.#renewed = now;
  }

  #isKnown(path: string): boolean {
    if (this.#known.has(path)) return true;
    if (!this.#before.has(path)) return false;
    this.#known.add(path);
    return true;
  }

  #hold(point: Point): void {
    const { samples, bytes } = this.#needs.limits;
    const size = sizeOf(point);
    const full = this.#samples >= samples || this.#bytes + size > bytes;
    const held = this.#line.get(point.name.path);
    if (full) {
      this.#dropped += 1;
      this.#needs.dropped();
      if (held === undefined || held.length === 0) return;
      held.shift();
      held.push(point);
      return;
    }
    if (held === undefined) this.#line.set(point.name.path, [point]);
    else held.push(point);
    this.#samples += 1;
    this.#bytes += size;
  }

  #introduce(through: Point[], now: number): void {
    if (this.#line.size === 0) return;
    for (const [path, held] of this.#line) {
      if (this.#allowed < NAME) break;
      this.#allowed -= NAME;
      this.#line.delete(path);
      this.#known.add(path);
      for (const point of held) {
        through.push(point);
        this.#samples -= 1;
        this.#bytes -= sizeOf(point);
      }
    }
    if (this.#line.size === 0) {
      this.#finish(now);
      return;
    }
    const begun = { since: now, dropped: this.#dropped, word: now + FIRST_WORD, spoken: false };
    this.#wait = this.#speak(this.#wait ?? begun, now);
  }

  #speak(wait: Wait, now: number): Wait {
    if (now < wait.word) return wait;
    const { name, perMinute, log } = this.#needs;
    const introduced = this.#known.size;
    const names = introduced + this.#line.size;
    const minutes = Math.ceil(this.#line.size / perMinute);
    const points = this.#samples;
    log.info(
      { handler: name, introduced, names, points },
      `handler ${name}: ${introduced} of ${names} names introduced, at ${perMinute} a minute; ` +
        `about ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} to go. ${points} points wait`,
    );
    return { ...wait, word: now + NEXT_WORD, spoken: true };
  }

  #finish(now: number): void {
    const { name, log } = this.#needs;
    const wait = this.#wait;
    this.#wait = undefined;
    if (wait === undefined) return;
    const lost = this.#dropped - wait.dropped;
    if (!wait.spoken && lost === 0) return;
    const introduced = this.#known.size;
    const minutes = ((now - wait.since) / 60_000).toFixed(1);
    const said = lost === 0 ? 'no point was lost' : `${lost} of their oldest points were dropped`;
    log.info(
      { handler: name, introduced, dropped: lost },
      `handler ${name}: all ${introduced} names introduced, after ${minutes} minutes; ${said}`,
    );
  }
}
