import type { Labels } from '../metric/index.ts';

/** One of an exporter's metrics. `{label}` in the name or in a label's value is our label's value. */
export interface Row {
  readonly name: string;
  readonly labels: Labels;
  readonly scale: number;
  readonly offset: number;
  /** Whether the series that share name and labels are added up. */
  readonly summed: boolean;
}

export const row = (name: string, labels: Labels = {}, scale = 1, offset = 0): Row => ({
  name,
  labels,
  scale,
  offset,
  summed: false,
});
export const summed = (row: Row): Row => ({ ...row, summed: true });

/** What belongs together, as one of node_exporter's collectors. */
export interface Section {
  /** What it has by default, where that is not all that we may have. */
  readonly covers?: (labels: Labels) => boolean;
  /** What its names are made of, besides our labels. */
  readonly also?: (labels: Labels) => Labels;
  /** The labels that are sent besides those of its names. */
  readonly more?: (labels: Labels) => Labels;
  /** By inner name, or by inner name and a label's value, which goes first. */
  readonly rows: Readonly<Record<string, Row>>;
  /** Further metrics of the same series. */
  readonly sums?: Readonly<Record<string, Row>>;
}
