import type { Clock } from '../../src/clock/index.ts';
import { systemClock } from '../../src/clock/index.ts';
import { idleAgent } from '../../src/conformance/index.ts';
import { createDelivery, type Delivery, type DeliveryOptions } from '../../src/deliver/index.ts';
import type { Trouble } from '../../src/log/index.ts';
import { gauge, type Point } from '../../src/plugin/index.ts';

const metric = gauge('test.number', { unit: 'count', help: 'A number.' });

/** Points that can be told apart: the path is the series, the value counts up. */
export function points(from: number, to: number, path = 'a'): Point[] {
  const series = { id: 0, metric, collector: 'test', host: 'h', labels: {} };
  const name = { series, path, reading: 'value', precision: undefined } as const;
  return Array.from({ length: to - from }, (_, i) => ({ name, value: from + i, time: 1e9 }));
}

/** What the agent gives a handler that it opens, besides options and a signal. */
export const around = {
  agent: idleAgent,
  host: 'web01',
  clock: systemClock,
  interval: 10,
} as const;

/** What a log would say: each problem once, until it is over. */
export class Notes {
  readonly said: string[] = [];
  /** What is no problem. */
  readonly told: string[] = [];
  readonly problems = new Map<string, number>();
  info = (_: object, message: string): void => {
    this.told.push(message);
  };
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

/** A delivery with short limits, no chance in its pauses, and what it tells people. */
export function delivery(
  clock: Clock,
  options: Pick<DeliveryOptions, 'handler'> & Partial<DeliveryOptions>,
): { delivery: Delivery; notes: Notes } {
  const notes = new Notes();
  const settings: DeliveryOptions = {
    name: 'peer',
    options: {},
    queue: { samples: 1000, bytes: 1e6 },
    batch: 100,
    interval: 10,
    timeout: 5,
    backoff: { least: 1, most: 60 },
    resend: 20,
    ...options,
  };
  return {
    delivery: createDelivery(settings, {
      clock,
      random: () => 0.5,
      agent: idleAgent,
      host: 'web01',
      report: notes,
      log: notes,
    }),
    notes,
  };
}

/** What the books are off by; 0 at every moment. */
export { unbalanced as imbalance } from '../../src/status/index.ts';
