/** One value of collectd. */
export interface Row {
  /**
   * As collectd writes it, without the host: `plugin-instance/type-instance`, and `:source` behind it
   * where the type has several data sources. `{label}` stands for that label's value, or for what is
   * made of one.
   */
  readonly identifier: string;
  /**
   * `gauge`: a level. `derive`: a counter, as it stands or per second. `rate`: what collectd gets from
   * a counter that only it has; as a counter there is nothing to send of it.
   */
  readonly type: 'gauge' | 'derive' | 'rate';
  readonly scale: number;
  readonly offset: number;
  /** Digits after the point of a gauge; 15 significant ones where absent. */
  readonly precision?: number;
  /** Added to what other series give under the same name. */
  readonly summed?: boolean;
  /** The whole that it is a share of. */
  readonly share?: string;
}

/** By inner name, followed by the label that tells the rows of one metric apart. Without a row nothing is sent. */
export type Rows = Readonly<Record<string, readonly Row[]>>;

export const gauge = (identifier: string, scale = 1, offset = 0): Row => ({
  identifier,
  type: 'gauge',
  scale,
  offset,
});
export const derive = (identifier: string, scale = 1): Row => ({
  ...gauge(identifier, scale),
  type: 'derive',
});
export const rate = (identifier: string, scale: number): Row => ({
  ...gauge(identifier, scale),
  type: 'rate',
});
export const percent = (identifier: string, share: string): Row => ({
  ...gauge(identifier, 100),
  share,
});
export const plus = (row: Row): Row => ({ ...row, summed: true });
export const minus = (row: Row): Row => ({ ...row, summed: true, scale: -row.scale });
export const when = (wanted: boolean, ...rows: readonly Row[]): readonly Row[] =>
  wanted ? rows : [];
