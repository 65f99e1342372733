/** What a metadata packet says of a series, and how its values are written. */
import type { Name, Unit } from '../../metric/index.ts';
import type { GangliaMetadata, GangliaValueType } from '../ganglia.ts';
import { GANGLIA_GROUPS } from './groups.ts';
import { GANGLIA_METRICS, type GangliaFacts } from './metrics.ts';
import { plainName, plainText } from './text.ts';

/** What does not change of a metric, besides whose it is. */
export interface MetricFacts extends Pick<GangliaMetadata, 'units' | 'slope' | 'tmax' | 'dmax'> {
  readonly type: GangliaValueType;
  /** Digits after the decimal point; as many as a value needs where absent. */
  readonly digits: number | undefined;
  readonly title: string | undefined;
  readonly description: string;
  readonly group: string;
}

/** Whether gmond has a metric of that name. */
export const isGmonds = (path: string): path is keyof typeof GANGLIA_METRICS =>
  Object.hasOwn(GANGLIA_METRICS, path);

/**
 * What is said of a name: what gmond says of its own, and of any other what the series does.
 *
 * @param path under which it is sent.
 * @param timeThreshold seconds between two values at most.
 * @param dmax seconds without a value after which it is forgotten, where it is none of gmond's own.
 */
export function factsOf(
  path: string,
  { series, reading, scale = 1, offset = 0, precision }: Name,
  timeThreshold: number,
  dmax: number,
): MetricFacts {
  const { metric, collector } = series;
  const description = plainText(metric.help);
  const late = Math.ceil(timeThreshold);
  if (isGmonds(path)) {
    const known: GangliaFacts = GANGLIA_METRICS[path];
    const { title } = GANGLIA_GROUPS[path];
    // gmond sends load_one less often than its tmax: receivers wait for four times as long.
    const tmax = late > LATE * known.tmax ? late : known.tmax;
    return { ...known, tmax, dmax: 0, title, description };
  }
  const converted = scale !== 1 || offset !== 0;
  return {
    type: 'double',
    units: converted ? ' ' : unitsOf(metric.unit, reading === 'rate'),
    // gmetad makes a rate of what grows; what is a rate already may do what it likes.
    slope: metric.kind === 'counter' && reading === 'value' ? 'positive' : 'both',
    ...{ tmax: Math.max(LEAST_TMAX, late), dmax: Math.ceil(dmax), digits: precision },
    ...{ title: undefined, description, group: plainName(collector) },
  };
}

/** After so many times its tmax without a value a metric is late. */
const LATE = 4;
/** Seconds; gmetric's own. */
const LEAST_TMAX = 60;

const UNITS: Readonly<Record<Unit, string>> = {
  ...{ bytes: 'bytes', seconds: 's', ratio: ' ', count: ' ' },
  ...{ celsius: 'C', volts: 'V', amperes: 'A', watts: 'W', hertz: 'Hz' },
};

/** As gmond spells them: a blank is none. */
function unitsOf(unit: Unit, rate: boolean): string {
  const units = UNITS[unit];
  return rate ? `${units.trim()}/sec` : units;
}

/** How printf writes a value of the metric. */
export function formatOf({ type, digits }: MetricFacts, value: number | string): string {
  switch (type) {
    case 'string':
      return '%s';
    case 'uint16':
      return '%hu';
    case 'int16':
      return '%hd';
    case 'uint32':
      return '%u';
    case 'int32':
      return '%d';
    default:
      if (Math.abs(Number(value)) >= HUGE) return '%.9g';
      return `%.${digits ?? needed(Number(value))}f`;
  }
}

/** Printed in full, it is no number that anybody reads. */
const HUGE = 1e18;
const MOST_DIGITS = 12;
const SIGNIFICANT = 9;

/** Digits after the decimal point, so that nine count from the first that is not 0. */
function needed(value: number): number {
  if (Number.isInteger(value)) return 0;
  const places = SIGNIFICANT - 1 - Math.floor(Math.log10(Math.abs(value)));
  const most = Math.min(Math.max(places, 0), MOST_DIGITS);
  const [, fraction = ''] = value.toFixed(most).split('.');
  return fraction.replace(/0+$/, '').length;
}

/** A value as its type has it; `undefined` where it has none for it. */
export function fitting(
  type: GangliaValueType,
  value: number | string,
): number | string | undefined {
  if (type === 'string') return plainText(String(value));
  const number = Number(value);
  if (type === 'double' || type === 'float') {
    return Number.isFinite(type === 'float' ? Math.fround(number) : number) ? number : undefined;
  }
  const whole = Math.round(number);
  const [least, most] = WHOLE[type];
  return whole >= least && whole <= most ? whole : undefined;
}

const WHOLE = {
  uint16: [0, 0xffff],
  int16: [-0x8000, 0x7fff],
  uint32: [0, 0xffff_ffff],
  int32: [-0x8000_0000, 0x7fff_ffff],
} as const;
