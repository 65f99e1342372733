import {
  type Collection,
  createRunner,
  createTable,
  type Runner,
  type RunnerOptions,
} from '../../src/collect/index.ts';
import { idleAgent } from '../../src/conformance/index.ts';
import type { Report, Trouble } from '../../src/log/index.ts';
import type { Collector, Host } from '../../src/plugin/index.ts';
import { SimulatedClock } from './clock.ts';

/** A report that remembers what it was told. */
export class RememberingReport implements Report {
  readonly said: { key: string; trouble: Trouble }[] = [];
  readonly recoveries: string[] = [];
  readonly #standing = new Set<string>();

  problem = (key: string, trouble: Trouble): void => {
    this.#standing.add(key);
    this.said.push({ key, trouble });
  };
  recovered = (key: string): void => {
    if (this.#standing.delete(key)) this.recoveries.push(key);
  };
  forget = (key: string): void => {
    for (const known of this.#standing) {
      if (known === key || known.startsWith(`${key} `)) this.#standing.delete(known);
    }
  };
  get standing(): string | undefined {
    return [...this.#standing].at(-1);
  }
}

/** A real runner on a simulated clock. */
export function runnerFor(
  collector: Collector,
  host: Host,
  options: Partial<RunnerOptions> = {},
): { runner: Runner; clock: SimulatedClock; report: RememberingReport } {
  const clock = new SimulatedClock();
  const report = new RememberingReport();
  const runner = createRunner(
    {
      instance: collector.name,
      collector,
      options: collector.options.parse({}),
      timeout: 5,
      newSeriesPerHour: 20_000,
      ...options,
    },
    { clock, host, hostname: 'web01', agent: idleAgent, table: createTable(), report },
  );
  return { runner, clock, report };
}

/** One line per sample: name, labels, value, and its growth if there is one. */
export const spelled = ({ samples }: Collection): string[] =>
  samples.map(({ series, value, growth }) => {
    const labels = Object.values(series.labels).join(',');
    const grown = growth === undefined ? '' : ` +${growth.amount}/${growth.seconds}s`;
    return `${series.metric.name}{${labels}} ${value}${grown}`;
  });
