import { createDelivery, type Delivery, type DeliveryOptions } from '../../src/deliver/index.ts';
import type { Trouble } from '../../src/log/index.ts';
import {
  type AgentStatus,
  type Batch,
  defineHandler,
  gauge,
  type Handler,
  type HandlerStatus,
  type Point,
  Unsendable,
  z,
} from '../../src/plugin/index.ts';
import type { SimulatedClock } from '../support/clock.ts';

const metric = gauge('test.number', { unit: 'count', help: 'A number.' });

/** Points that can be told apart: the path is the series, the value counts up. */
export function points(from: number, to: number, path = 'a'): Point[] {
  const series = { id: 0, metric, host: 'h', labels: {} };
  const name = { series, path, reading: 'value', precision: undefined } as const;
  return Array.from({ length: to - from }, (_, i) => ({ name, value: from + i, time: 1e9 }));
}

export const agent: AgentStatus = {
  collectors: [],
  handlers: [],
  schedule: { clockSteps: 0, suspends: 0, lateTicks: 0 },
  counterResets: 0,
  eventLoopLag: 0,
  residentMemory: 0,
  cpu: { user: 0, system: 0 },
  problem: undefined,
};

/** `late` does what `hang` does, and takes the batch after the write was given up. */
export type Manner = 'take' | 'fail' | 'throw' | 'hang' | 'late' | 'unsendable';
export type Welcome = 'accept' | 'refuse' | 'throw' | 'hang' | 'late';

/** A peer that behaves as it is told, seen through the plugin contract, and remembers what it took. */
export class Peer {
  welcome: Welcome = 'accept';
  manner: Manner = 'take';
  /** Ends each connection as soon as it has taken a batch. */
  closes = false;
  opened = 0;
  open = 0;
  closed = 0;
  readonly writes: number[][] = [];
  #end: ((reason?: unknown) => void) | undefined;

  readonly #idempotent: boolean;

  constructor(idempotent = true) {
    this.#idempotent = idempotent;
  }

  /** Ends the connection between two writes. */
  end(reason?: unknown): void {
    this.#end?.(reason);
  }

  get handler(): Handler {
    const aborted = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return defineHandler({
      name: 'scripted',
      summary: 'A peer that behaves as it is told.',
      options: z.strictObject({}),
      dialect: 'otel',
      counters: 'raw',
      idempotent: this.#idempotent,
      acknowledged: false,
      open: ({ signal }) => {
        this.opened += 1;
        if (this.welcome === 'throw') throw new Error('thrown while opening');
        const connection = () => {
          let gone = false;
          this.open += 1;
          const leave = () => {
            if (!gone) this.open -= 1;
            gone = true;
          };
          signal.addEventListener('abort', leave);
          const ended = new Promise<unknown>((resolve) => {
            this.#end = resolve;
          });
          return {
            ended,
            write: (batch: Batch, signal: AbortSignal) => this.#write(batch, signal),
            close: () => {
              this.closed += 1;
              leave();
            },
          };
        };
        if (this.welcome === 'refuse') return Promise.reject(new Error('refused'));
        if (this.welcome === 'hang') return new Promise<never>(() => {});
        if (this.welcome === 'late') return aborted(signal).then(connection);
        return Promise.resolve(connection());
      },
    });
  }

  #write(batch: Batch, signal: AbortSignal): Promise<void> {
    const take = () => {
      this.writes.push(batch.map(({ value }) => value));
      if (this.closes) this.end();
    };
    switch (this.manner) {
      case 'take':
        take();
        return Promise.resolve();
      case 'fail':
        return Promise.reject(new Error('reset'));
      case 'throw':
        throw new Error('thrown while writing');
      case 'hang':
        return new Promise(() => {});
      case 'late':
        return new Promise((resolve) =>
          signal.addEventListener('abort', () =>
            setImmediate(() => {
              take();
              resolve();
            }),
          ),
        );
      case 'unsendable':
        return Promise.reject(new Unsendable('no'));
    }
  }
}

export class Notes {
  readonly said: string[] = [];
  readonly problems = new Map<string, number>();
  problem = (key: string, { where, error, effect }: Trouble): void => {
    const times = (this.problems.get(key) ?? 0) + 1;
    this.problems.set(key, times);
    const message = error instanceof Error ? error.message : String(error);
    if (times === 1) this.said.push(`${where}: ${message}. ${effect}`);
  };
  recovered = (key: string): void => {
    if (this.problems.delete(key)) this.said.push(`${key} recovered`);
  };
}

export function delivery(
  clock: SimulatedClock,
  peer: Peer,
  options: Partial<DeliveryOptions> = {},
): { delivery: Delivery; notes: Notes } {
  const notes = new Notes();
  const settings: DeliveryOptions = {
    name: 'peer',
    handler: peer.handler,
    options: {},
    queue: { samples: 1000, bytes: 1e6 },
    batch: 100,
    timeout: 5,
    backoff: { least: 1, most: 60 },
    resend: 20,
    ...options,
  };
  return {
    delivery: createDelivery(settings, { clock, random: () => 0.5, agent, report: notes }),
    notes,
  };
}

/** What the books are off by; 0 at every moment. */
export function imbalance({ observed, delivered, queued, dropped }: HandlerStatus): number {
  const lost = Object.values(dropped).reduce((sum, n) => sum + n, 0);
  return observed - delivered - queued - lost;
}
