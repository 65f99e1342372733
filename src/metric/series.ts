import type { Labels, Metric } from './metric.ts';

/** Metric + host + labels: an identity over time. One object per series, for as long as it lives. */
export interface Series {
  /** Small and dense, for tables beside the series; given to another series after this one has ended. */
  readonly id: number;
  readonly metric: Metric;
  /** The collector instance that observes it. */
  readonly collector: string;
  readonly host: string;
  readonly labels: Labels;
}

/** How much a counter (or a delta) grew since its reading before, and over how many seconds. */
export interface Growth {
  readonly amount: number;
  /** Measured on the monotonic clock, between the two readings. */
  readonly seconds: number;
}

/** An observation the agent has stamped with its host and its tick. */
export interface Sample {
  readonly series: Series;
  readonly value: number;
  /** Seconds since the Unix epoch; every sample of one tick shares it. */
  readonly time: number;
  /** Absent for a gauge, for a counter's first reading, and where a counter was reset. */
  readonly growth: Growth | undefined;
}

/** What collectd calls a value, apart from its host. */
export interface Identifier {
  /** Where absent, what the series itself says. */
  readonly host?: string | undefined;
  readonly plugin: string;
  readonly pluginInstance: string;
  readonly type: string;
  readonly typeInstance: string;
  /** The data source; '' where the type has only one, which is then called `value`. */
  readonly source: string;
}

/** What Ceilometer calls a value, apart from what it knows of the resource. */
export interface Meter {
  /** `network.incoming.bytes`. */
  readonly name: string;
  readonly type: 'gauge' | 'cumulative' | 'delta';
  /** As Ceilometer spells it: `B`, `ns`, `packet`. */
  readonly unit: string;
  /** Whose it is: a guest's UUID, or that with a device's name, or a host's. */
  readonly resource: string;
  /** What that is, as Gnocchi calls it. */
  readonly of: ResourceType;
}

/** The types of resources that are measured, as Ceilometer defines them in Gnocchi. */
export type ResourceType =
  | 'instance'
  | 'instance_disk'
  | 'instance_network_interface'
  | 'nova_compute'
  | 'host';

/** A series under the name, scale and precision that one handler's dialect gives it. */
export interface Name {
  readonly series: Series;
  /** The whole path as it is sent, prefix and host included. */
  readonly path: string;
  /** What is sent: the value as it stands, its growth per second, or its growth. */
  readonly reading: 'value' | 'rate' | 'growth';
  /** The series' labels and the configuration's own, where it has any; else the series' alone. */
  readonly labels?: Labels | undefined;
  /** Digits after the decimal point; as many as the number needs where absent. */
  readonly precision: number | undefined;
  /** Where `precision` is absent: the most digits that count, from the first that is not 0. */
  readonly significant?: number | undefined;
  /** What the dialect multiplied the reading by; 1 where absent. */
  readonly scale?: number;
  /** What the dialect added after that; 0 where absent. */
  readonly offset?: number;
  /** What the path was made of, where the dialect is collectd's: a format of its own has it in parts. */
  readonly identifier?: Identifier | undefined;
  /** What it is to Ceilometer, where the dialect is its own. */
  readonly meter?: Meter | undefined;
}

/** One named number at one time: what a handler sends. */
export interface Point {
  readonly name: Name;
  readonly value: number;
  /** Seconds since the Unix epoch. */
  readonly time: number;
}

/** Points for one write, oldest first. */
export type Batch = readonly Point[];

/** The same in columns: where points come in the same order tick for tick, `names` is the same array. */
export interface Packed {
  readonly names: readonly Name[];
  readonly values: Float64Array;
  /** Of all points, or of each. */
  readonly times: number | Float64Array;
  /** Where the first of them stands in each column, and how many there are. */
  readonly from: number;
  readonly length: number;
  /** Some of them as objects; places are counted from the first. */
  slice(from: number, end: number): Batch;
}
