import { counter, delta, gauge, type Kind, type Point, type Unit } from 'cullinan/plugin';

const DECLARE = { gauge, counter, delta };
const UNITS: Readonly<Record<string, Unit>> = {
  B: 'bytes',
  s: 'seconds',
  '1': 'ratio',
  n: 'count',
};

export interface PointFacts {
  readonly value?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly kind?: Kind;
  readonly unit?: keyof typeof UNITS;
  readonly reading?: 'value' | 'rate' | 'growth';
  readonly path?: string;
  readonly precision?: number;
  readonly scale?: number;
  readonly collector?: string;
  readonly host?: string;
  readonly time?: number;
}

let ids = 0;

/** A point as the agent hands it to a handler. */
export function point(metric: string, facts: PointFacts = {}): Point {
  const { value = 1, labels = {}, kind = 'gauge', unit = 'n', host = 'web01' } = facts;
  const { reading = kind === 'counter' ? 'rate' : 'value', time = 1_795_219_200 } = facts;
  const declared = DECLARE[kind](metric, {
    unit: UNITS[unit] ?? 'count',
    labels: Object.keys(labels),
    help: 'For a test.',
  });
  ids += 1;
  return {
    name: {
      series: { id: ids, metric: declared, collector: facts.collector ?? 'test', host, labels },
      path: facts.path ?? metric,
      reading,
      precision: facts.precision,
      ...(facts.scale === undefined ? undefined : { scale: facts.scale }),
    },
    value,
    time,
  };
}
