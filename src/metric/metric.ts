import { type Labels, NO_LABELS } from './labels.ts';

/**
 * `bytes`, `seconds` and `ratio` (1 = all of it) are base units; `count` is a number of things. The
 * others are what sensors measure; `hertz` is also a fan's revolutions per second.
 */
export type Unit =
  | 'bytes'
  | 'seconds'
  | 'ratio'
  | 'count'
  | 'celsius'
  | 'volts'
  | 'amperes'
  | 'watts'
  | 'hertz';

/**
 * How a value behaves over time.
 *
 * - `gauge`: a level that goes up and down (free memory).
 * - `counter`: a total that only grows, until whatever counts it is restarted (bytes received).
 * - `delta`: an amount since the collection before (lines matched in a log).
 */
export type Kind = 'gauge' | 'counter' | 'delta';

declare const unit: unique symbol;
/** A number that remembers its unit at compile time and is a plain number at run time. */
export type Quantity<U extends Unit> = number & { readonly [unit]: U };

// As function statements esbuild leaves these out of the program: a call for each observation.
/** A number of bytes. */
export function bytes(n: number): Quantity<'bytes'> {
  return n as Quantity<'bytes'>;
}
/** Bytes, of a number of KiB. */
export const kibibytes = (n: number): Quantity<'bytes'> => bytes(n * 1024);
/** A number of seconds. */
export function seconds(n: number): Quantity<'seconds'> {
  return n as Quantity<'seconds'>;
}
/** Seconds, of a number of milliseconds. */
export const milliseconds = (n: number): Quantity<'seconds'> => seconds(n / 1000);
/** A number of things. */
export function count(n: number): Quantity<'count'> {
  return n as Quantity<'count'>;
}
/** A share of a whole; 1 is all of it. */
export function ratio(n: number): Quantity<'ratio'> {
  return n as Quantity<'ratio'>;
}
/** A temperature in degrees Celsius. */
export function celsius(n: number): Quantity<'celsius'> {
  return n as Quantity<'celsius'>;
}
/** A voltage in volts. */
export const volts = (n: number): Quantity<'volts'> => n as Quantity<'volts'>;
/** A current in amperes. */
export const amperes = (n: number): Quantity<'amperes'> => n as Quantity<'amperes'>;
/** A power in watts. */
export const watts = (n: number): Quantity<'watts'> => n as Quantity<'watts'>;
/** A frequency, or turns of a fan per second. */
export const hertz = (n: number): Quantity<'hertz'> => n as Quantity<'hertz'>;

export type { Labels };

/** Whose a metric is that was taken over from another program: its dialect gives the name back as it was. */
export type Origin =
  | { readonly dialect: 'prometheus' }
  /** Its instances are the labels `plugin_instance` and `type_instance`. */
  | {
      readonly dialect: 'collectd';
      readonly plugin: string;
      readonly type: string;
      /** '' where the type has only one. */
      readonly source: string;
    };

/** What is measured: declared once, beside the collector that observes it. */
export interface Metric {
  readonly kind: Kind;
  /** Dotted, as the OpenTelemetry Collector's host metrics receiver names it, where it has a name. */
  readonly name: string;
  readonly unit: Unit;
  readonly labels: readonly string[];
  readonly help: string;
  /** Absent where it is ours. */
  readonly origin?: Origin | undefined;
}

/** What a collector yields. */
export interface Observation {
  readonly metric: Metric;
  readonly value: number;
  readonly labels: Labels;
  /** The host it speaks for, where that is not the one the agent runs on (a guest, a forwarder). */
  readonly host?: string | undefined;
  /** Seconds since the Unix epoch, where it was not observed at this tick. */
  readonly time?: number | undefined;
  /** How many seconds a delta came about in, where that is not the time since the collection before. */
  readonly seconds?: number | undefined;
}

/** Where and when something was observed, when that is not here and now. */
export type Elsewhere = Pick<Observation, 'host' | 'time'>;

/** A metric's typed handle: it takes only its own unit and exactly its own labels. */
export interface Instrument<U extends Unit, L extends string> extends Metric {
  readonly unit: U;
  observe(
    value: Quantity<U>,
    ...where: [L] extends [never]
      ? [labels?: Readonly<Record<string, never>>, elsewhere?: Elsewhere]
      : [labels: Readonly<Record<L, string>>, elsewhere?: Elsewhere]
  ): Observation;
}

interface Facts<U extends Unit, L extends string> {
  readonly unit: U;
  readonly labels?: readonly L[];
  readonly help: string;
}

const declare =
  (kind: Kind) =>
  <U extends Unit, const L extends string = never>(
    name: string,
    { unit, labels = [], help }: Facts<U, L>,
  ): Instrument<U, L> => {
    const metric = {
      kind,
      name,
      unit,
      labels,
      help,
      observe: (value: number, labels: Labels = NO_LABELS, elsewhere?: Elsewhere): Observation =>
        elsewhere === undefined
          ? { metric, value, labels }
          : { metric, value, labels, host: elsewhere.host, time: elsewhere.time },
    };
    return metric;
  };

/** Declares a level that goes up and down. */
export const gauge = declare('gauge');
/** Declares a total that only grows until its source restarts. */
export const counter = declare('counter');
/** Declares an amount since the collection before. */
export const delta = declare('delta');
