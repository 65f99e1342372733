import type { Collector, Metric, Observation } from '../plugin/index.ts';
import { batteries, host, sensors } from './machine.ts';
import { memory } from './memory.ts';
import { network } from './network.ts';
import { cpu, load, uptime } from './processor.ts';
import type { Source } from './source.ts';
import { disk, filesystem } from './storage.ts';

/** By the collector's name. Each knows the options of its own collector, and gets no others. */
const SOURCES: ReadonlyMap<string, Source<never>> = new Map<string, Source<never>>(
  Object.entries({
    cpu,
    memory,
    load,
    uptime,
    filesystem,
    disk,
    network,
    host,
    sensors,
    batteries,
  }),
);

/**
 * The same collector, for a system without /proc and /sys: it observes the same metrics under the
 * same options, as far as systeminformation or Node knows them, and nothing where they do not. A
 * collector for which there is no other source stays as it is, and has no data there.
 *
 * @example
 * const collector = process.platform === 'linux' ? cpu : portable(cpu);
 */
export function portable(collector: Collector): Collector {
  const source = SOURCES.get(collector.name);
  if (source === undefined) return collector;
  const { name, summary, options, enabled, metrics } = collector;
  const byName = new Map(Object.values(metrics).map((metric) => [metric.name, metric]));
  return {
    ...{ name, summary, options, metrics, source: source.asks },
    ...(enabled === undefined ? {} : { enabled }),
    open() {
      const ask = source.open();
      return {
        async *collect({ options, since }) {
          const readings = await ask({ options: options as never, since });
          for (const [metric, value, labels = {}] of readings) {
            yield observation(byName, metric, value, labels);
          }
        },
        close: () => undefined,
      };
    },
  };
}

function observation(
  metrics: ReadonlyMap<string, Metric>,
  name: string,
  value: number,
  labels: Observation['labels'],
): Observation {
  const metric = metrics.get(name);
  if (metric !== undefined) return { metric, value, labels };
  throw new Error(`observed ${name}, which is none of ${[...metrics.keys()].join(', ')}`);
}
