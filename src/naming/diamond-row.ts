import type { Labels, Name } from '../metric/index.ts';

/** One name that Diamond publishes; `{label}` in the path is that label's value. */
export interface Row {
  readonly path: string;
  readonly reading: Name['reading'];
  readonly precision: number;
  readonly scale: number;
  readonly offset: number;
  /** Whether the series that share the path are added up. */
  readonly summed?: boolean;
}

const row =
  (reading: Name['reading']) =>
  (path: string, precision: number, scale = 1, offset = 0): Row => ({
    path,
    reading,
    precision,
    scale,
    offset,
  });

export const level = row('value');
export const rate = row('rate');
export const growth = row('growth');
export const summed = (row: Row): Row => ({ ...row, summed: true });

/** One of Diamond's collectors: what it publishes, and the devices it does so for by default. */
export interface Section {
  readonly covers: (labels: Labels) => boolean;
  /** By inner name, followed by the label that tells the rows of one metric apart. */
  readonly rows: Readonly<Record<string, readonly Row[]>>;
}

export const everything = () => true;
