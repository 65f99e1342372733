import type { Sample } from '../../src/metric/index.ts';
import { createNamer, dialects, type Naming } from '../../src/naming/index.ts';
import { encodeLines } from '../../src/wire/graphite.ts';
import { agentWith } from './agent.ts';

const NAMING: Naming = {
  ...{ prefix: undefined, host: 'web01', ownHost: 'web01', suffix: '' },
  ...{ tags: false, labels: {}, counters: 'raw' },
};

/** An agent with one collector, which is ticked when it is told, and ends with the test. */
export function collectorAt(type: string, options: Readonly<Record<string, unknown>>) {
  // DIR is what agentWith puts its own folder for.
  const written = JSON.stringify({ type, enabled: true, ...options }).replaceAll(
    'DIR',
    'D\\u0049R',
  );
  const world = agentWith(`
interval: 10s
collectors:
  default: { enabled: false }
  it: ${written}
handlers:
  out: { type: file, path: DIR/out, rotate: never }
`);
  let time = world.clock.now() / 1000 - 3;
  let samples: readonly Sample[] = [];
  const tick = async (): Promise<readonly Sample[]> => {
    time += 10;
    world.clock.advance(10_000);
    samples = (await world.agent.collect(time)).map((it) => ({ ...it }));
    return samples;
  };
  return {
    ...world,
    tick,
    /** `name{label=value}` to value of a tick. */
    values: async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        (await tick()).map(({ series: { metric, labels, host }, value }) => {
          const inside = metric.labels.map((label) => `${label}=${labels[label]}`);
          const of = host === 'web01' ? '' : ` of ${host}`;
          const shown = inside.length === 0 ? '' : `{${inside}}`;
          return [`${metric.name}${shown}${of}`, value];
        }),
      ),
    /** The latest tick as a dialect has it, a path and a value in each line. */
    lines: (dialect: string, naming: Partial<Naming> = {}): readonly string[] => {
      const spoken = dialects[dialect as keyof typeof dialects];
      const points: Parameters<typeof encodeLines>[0][number][] = [];
      createNamer(spoken, { ...NAMING, ...naming }).collection(samples, points);
      return encodeLines(points)
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/ \d+$/, ''));
    },
    /** What was said of its problems. */
    troubles: () =>
      world.report.said
        .filter(({ trouble }) => trouble.where === 'collector it')
        .map(({ trouble }) => (trouble.error as Error).message),
  };
}
