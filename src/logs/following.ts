import { type Clock, systemClock } from '../clock/index.ts';
import type { Metric, Observation } from '../metric/index.ts';
import { Mounts } from '../mounts/index.ts';
import {
  type CollectContext,
  Foreseen,
  type Host,
  type Parser,
  type Parsing,
  type Session,
  unlessAbsent,
  type z,
} from '../plugin/index.ts';
import { deadlined, type Until } from './deadline.ts';
import type { Finding, Noted } from './entries.ts';
import { type Files, liveFiles } from './files.ts';
import { Follow, type Look } from './follow.ts';
import { isJournal } from './journal-query.ts';
import { type Ledger, ledgerIn } from './ledger.ts';
import type { Loss } from './loss.ts';
import { type Handout, Outbox } from './outbox.ts';
import { scratch } from './read-on.ts';

/** A log that is to be followed, or a glob of them, and what reads it. */
export interface Followed {
  /** What tells it from the others, before and after a restart. */
  readonly reader: string;
  readonly path: string;
  readonly from: 'end' | 'start';
  readonly parsing: Parsing;
  readonly needles: readonly string[] | undefined;
  /** What the parser is given of the journal's entries; see {@link Parser.journal}. */
  readonly journal?: Parser['journal'] | undefined;
  /** All that it may observe, by name. */
  readonly metrics: ReadonlyMap<string, Metric>;
  /** What a look amounts to. */
  note(look: Look): Iterable<Noted>;
}

interface Reading {
  readonly it: Followed;
  readonly follow: Follow;
  /** What was wrong when it was looked at last. */
  errors: readonly Error[];
}

type Open<O extends z.ZodType> = (options: z.output<O>) => {
  readonly followed: readonly Followed[];
  readonly folder: string;
};

interface Needs {
  readonly files: Files;
  readonly clock: Clock;
  /** This process's ledger in a folder. */
  readonly ledgerIn: (folder: string) => Ledger;
}
const LIVE: Needs = { files: liveFiles, clock: systemClock, ledgerIn };

/** Milliseconds after which a call to what may hang is given up. */
const LONGEST_CALL = 1000;
/** Milliseconds after which a look at logs that have much new is continued at the next tick. */
const LONGEST_LOOK = 2000;

/** Follows logs for a collector, from where they were left by the collector, or the process, before. */
export class Following<O extends z.ZodType> implements Session<O> {
  readonly #open: Open<O>;
  readonly #needs: Needs;
  readonly #mounts: Mounts;
  readonly #files: Files;
  readonly #calls: Until;
  #follows: readonly Reading[] = [];
  #outbox: Outbox | undefined;
  /** Whether anything is written down: whoever only looks has no handlers. */
  #writes: boolean | undefined;
  #leave: (() => Promise<void>) | undefined;
  #collections = 0;
  #paused = () => false;
  /** What was wrong at the latest look, and lasts. */
  #troubles: readonly Error[] = [];
  #closed = false;
  #busy: Promise<void> = Promise.resolve();

  /** @param open makes new readers of what is configured, and names the folder for what is written down. */
  constructor(open: Open<O>, needs: Needs = LIVE) {
    const { clock, files } = needs;
    this.#open = open;
    this.#needs = needs;
    this.#mounts = new Mounts(clock);
    this.#calls = { ms: LONGEST_CALL, clock, signal: undefined, probe: undefined };
    this.#files = deadlined(files, this.#mounts, this.#calls);
  }

  collect(context: CollectContext<O>): AsyncGenerator<Observation | Error> {
    this.#collections += 1;
    return this.#collect(context, this.#collections);
  }

  settled(collections: number): void {
    this.#outbox?.settled(collections);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { follow } of this.#follows) follow.close();
    await this.#busy;
    await this.#leave?.();
  }

  async *#collect(context: CollectContext<O>, collection: number) {
    let free = () => {};
    this.#busy = new Promise((resolve) => {
      free = resolve;
    });
    try {
      const outbox = await this.#begun(context);
      const troubles = (await outbox.wantsMore(context.time))
        ? await this.#look(context, outbox)
        : [];
      yield* troubles;
      const handout = this.#closed ? undefined : outbox.take(context.time);
      if (handout === undefined) return;
      yield* this.#observations(handout);
      // Whoever has given this collection up does not come back for more.
      outbox.handedOut(handout, collection);
    } finally {
      free();
    }
  }

  /** @returns what is wrong. Nothing of it is said before what was found is safe. */
  async #look(
    { host, signal, time }: CollectContext<O>,
    outbox: Outbox,
  ): Promise<readonly Error[]> {
    const { clock } = this.#needs;
    const until = clock.monotonic() + LONGEST_LOOK;
    this.#paused = () => signal.aborted || clock.monotonic() > until;
    this.#calls.signal = signal;
    // Another host's mounts have other names there.
    this.#calls.probe = host.foreign
      ? undefined
      : (mountpoint, signal) => host.statfsGuarded(mountpoint, signal);
    const findings: Finding[] = [];
    const losses: Error[] = [];
    let cut = -1;
    for (const [i, each] of this.#follows.entries()) {
      const { it, follow } = each;
      const look = await follow.look();
      const { reader } = it;
      findings.push({
        reader,
        observations: [...it.note(look)],
        news: isNews(look),
        left: look.left,
      });
      if (look.cut && cut === -1) cut = i;
      if (!look.cut || look.errors.length > 0) each.errors = look.errors;
      if (look.absent) each.errors = [new Foreseen(absent(it.path))];
      losses.push(...look.lost.map((loss) => new Foreseen(said(loss))));
    }
    // What nobody has written down is found again by whoever follows on.
    if (!this.#closed) await outbox.put({ time, findings });
    // Where there is not the time for all, the next ones come first the next time.
    this.#follows = [...this.#follows.slice(cut + 1), ...this.#follows.slice(0, cut + 1)];
    const errors = this.#follows.flatMap(({ errors }) => errors);
    // Several logs may have one problem: the mount that they are on.
    this.#troubles = [...new Map(errors.map((error) => [error.message, error])).values()];
    return [...this.#troubles, ...losses];
  }

  async #begun({ host, agent, options }: CollectContext<O>): Promise<Outbox> {
    this.#mounts.update(mountinfoOf(host));
    const writes = agent.handlers.length > 0;
    if (this.#outbox !== undefined && this.#writes === writes) return this.#outbox;
    const { followed, folder } = this.#open(options);
    const { clock, ledgerIn } = this.#needs;
    const ledger = ledgerIn(folder);
    this.#leave ??= await ledger.enter();
    await ledger.open(writes);
    const shared = scratch();
    const paused = () => this.#paused();
    // What may hang has the time that is left when all others have been read.
    const last = (it: Followed): number => (this.#files.mayHang(it.path) ? 1 : 0);
    this.#follows = followed
      .toSorted((a, b) => last(a) - last(b))
      .map((it) => {
        const places = ledger.places(it.reader);
        const needs = { ...it, places, files: this.#files, clock, paused };
        return { it, follow: new Follow(needs, shared), errors: [] };
      });
    this.#writes = writes;
    this.#outbox = new Outbox(ledger, writes);
    return this.#outbox;
  }

  /** What was found, as it is observed; what is not configured any more is left out. */
  *#observations({ entry, late }: Handout): Generator<Observation> {
    const time = late ? entry.time : undefined;
    const byReader = new Map(this.#follows.map(({ it }) => [it.reader, it.metrics]));
    for (const { reader, observations } of entry.findings) {
      const metrics = byReader.get(reader);
      for (const { metric: name, value, labels, seconds } of observations) {
        const metric = metrics?.get(name);
        if (metric !== undefined) yield { metric, value, labels, time, seconds };
      }
    }
  }
}

/** What is mounted for this process; nothing, on a system that does not tell. */
const mountinfoOf = ({ proc }: Host): string =>
  unlessAbsent(() => proc.read('self/mountinfo')) ?? '';

/** Whether a look found anything. */
const isNews = ({ lines, lost, observations }: Look): boolean =>
  lines > 0 ||
  lost.length > 0 ||
  observations.some(({ metric, value }) => metric.kind === 'delta' && value !== 0);

const absent = (path: string): string =>
  `${path}: ${isJournal(path) ? 'the journal has no entries' : 'there is no such log'}`;

const LOST: Readonly<Record<Loss['why'], string>> = {
  gone: 'was rotated away and is nowhere to be found; what was written to it last is lost',
  unfinished: 'ended within a line, which is not counted',
  damaged: 'cannot be unpacked; what is in it is lost',
  cut: 'lost the end of what was read, as after a power failure; what was written in its place is lost',
  vacuumed: 'was vacuumed beyond the entry that was read last; what it held after that may be lost',
  unreadable: 'has a file that cannot be read',
};
const said = ({ path, why, error }: Loss): string =>
  `${path} ${LOST[why]}${error instanceof Foreseen ? `: ${error.message}` : ''}`;
