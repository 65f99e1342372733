import type { Noted } from '../../src/logs/entries.ts';
import type { Files } from '../../src/logs/files.ts';
import type { Look } from '../../src/logs/follow.ts';
import { Following } from '../../src/logs/following.ts';
import { Ledger } from '../../src/logs/ledger.ts';
import type { Metric, Observation } from '../../src/metric/index.ts';
import { type CollectContext, Foreseen, type Host, type z } from '../../src/plugin/index.ts';
import { watched } from '../support/memory-files.ts';
import { counting, seen } from '../support/parser.ts';
import { type Scheme, World } from './world.ts';

/** What happens in a tick: before an operation of the file system of that number, or to its end. */
export type Incident =
  | { readonly at: number; readonly what: 'dies' | 'disk full' | (() => void) }
  | { readonly what: 'abandoned' };

/** The process has died. */
class Died extends Error {}

type Points = readonly { readonly key: string; readonly value: number }[];

interface Collected {
  readonly session: Following<z.ZodType>;
  readonly collection: number;
}

/** One life of the agent. */
interface Process {
  readonly ledger: Ledger;
  session: Following<z.ZodType>;
  collections: number;
  /** Collected and not delivered, by collection. */
  queue: (Collected & { readonly points: Points })[];
  /** What was delivered, and nobody was told of. */
  delivered: Collected[];
  readonly files: Files;
  readonly before: { incident: Incident | undefined; operations: number; dead: boolean };
}

export const READERS: readonly string[] = ['a', 'b'];
const host = { foreign: false, proc: { read: () => '' } } as unknown as Host;

/** A log that an agent follows, with two parsers, and everything that its peer got. */
export class FollowedWorld extends World {
  /** The pattern by which the log is followed. */
  readonly path: string;
  readonly received = new Map<string, number>();
  readonly errors: Error[] = [];
  #process: Process | undefined;

  constructor(scheme: Scheme, path: string) {
    super(scheme);
    this.path = path;
  }

  /** Whether something was found that has not been handed out. */
  get owes(): boolean {
    return this.#running.ledger.next() !== undefined;
  }

  get #running(): Process {
    this.#process ??= this.#start();
    return this.#process;
  }

  #start(): Process {
    const before: Process['before'] = { incident: undefined, operations: 0, dead: false };
    const files = watched(this.files, (operation) => {
      if (before.dead) throw new Died();
      before.operations += 1;
      const { incident } = before;
      if (incident?.what === 'disk full' && before.operations >= incident.at) {
        if (operation === 'append' || operation === 'store') {
          throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
        }
      }
      if (incident === undefined || !('at' in incident)) return;
      if (before.operations !== incident.at || incident.what === 'disk full') return;
      if (incident.what === 'dies') {
        before.dead = true;
        throw new Died();
      }
      incident.what();
    });
    const ledger = new Ledger('/state', files, async () => ({ release: async () => {} }));
    const session = this.#session(ledger, files, before);
    return { ledger, session, collections: 0, queue: [], delivered: [], files, before };
  }

  #session(ledger: Ledger, files: Files, before: Process['before']): Following<z.ZodType> {
    const clock = {
      now: () => {
        this.now += 1;
        return this.now;
      },
      monotonic: () => this.now,
      boottime: () => this.now,
      after: () => ({ cancel() {} }),
    };
    const metrics = new Map<string, Metric>([[seen.name, seen]]);
    const followed = READERS.map((reader) => {
      const from = 'start' as const;
      const note = ({ observations, lost }: Look): Noted[] => {
        if (reader === READERS[0] && !before.dead) this.losses.push(...lost);
        return observations.map(({ metric, value, labels }) => {
          return { metric: metric.name, value, labels: { ...labels, reader } };
        });
      };
      const parsing = counting();
      return { reader, path: this.path, from, metrics, needles: undefined, parsing, note };
    });
    const open = () => ({ followed, folder: '/state' });
    return new Following(open, { files, clock, ledgerIn: () => ledger });
  }

  /** One tick of the agent. */
  async tick(incident?: Incident): Promise<void> {
    const process = this.#running;
    const { session, before } = process;
    // No two ticks have one time.
    this.now += 10;
    const time = this.now;
    Object.assign(before, { incident, operations: 0 });
    process.collections += 1;
    const points: { key: string; value: number }[] = [];
    const { signal } = new AbortController();
    const context = { host, signal, time, agent: { handlers: [{}] }, options: {} };
    try {
      for await (const item of session.collect(context as unknown as CollectContext)) {
        if (incident?.what === 'abandoned') break;
        if (item instanceof Error) this.#failed(item);
        else points.push(pointOf(item, time));
      }
      process.queue.push({ session, collection: process.collections, points });
    } catch (error) {
      this.#failed(error);
    }
    before.incident = undefined;
    if (before.dead) this.#process = undefined;
  }

  #failed(error: unknown): void {
    if (error instanceof Died || this.#process?.before.dead) return;
    if (/ENOSPC/.test(String(error))) return;
    if (error instanceof Foreseen) return;
    this.errors.push(error instanceof Error ? error : new Error(String(error)));
  }

  /** The peer takes what waits. */
  deliver(): void {
    const process = this.#running;
    for (const { points, ...collected } of process.queue.splice(0)) {
      for (const { key, value } of points) {
        const known = this.received.get(key);
        if (known !== undefined && known !== value) {
          throw new Error(`sent twice, and not the same: ${key} ${known}, ${value}`);
        }
        this.received.set(key, value);
      }
      process.delivered.push(collected);
    }
  }

  /** The agent notices what was delivered. */
  async settle(dies = false): Promise<void> {
    const { delivered, ledger, before } = this.#running;
    Object.assign(before, { operations: 0, incident: dies ? { at: 1, what: 'dies' } : undefined });
    for (const { session, collection } of delivered.splice(0)) session.settled(collection);
    await ledger.written();
    before.incident = undefined;
    if (before.dead) this.#process = undefined;
  }

  crash(): void {
    if (this.#process !== undefined) this.#process.before.dead = true;
    this.#process = undefined;
  }

  /** It ends, and what its peer took until then has settled. */
  async stop(): Promise<void> {
    await this.#running.session.close();
    await this.settle();
    this.crash();
  }

  /** The configuration has changed: another session goes on, with what is under way. */
  async reload(): Promise<void> {
    const process = this.#running;
    await process.session.close();
    process.session = this.#session(process.ledger, process.files, process.before);
    process.collections = 0;
  }

  /** How often each line was counted, by a reader. */
  countedBy(reader: string): Map<string, number> {
    const counted = new Map<string, number>();
    for (const [key, value] of this.received) {
      const [, by, line = ''] = key.split(' ');
      if (by === reader) counted.set(line, (counted.get(line) ?? 0) + value);
    }
    return counted;
  }
}

function pointOf({ value, labels, time }: Observation, tick: number) {
  return { key: `${time ?? tick} ${labels['reader']} ${labels['line']}`, value };
}
