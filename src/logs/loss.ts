/** What a log held, or may have held, that nobody will ever count. */
export interface Loss {
  /** Where it was. */
  readonly path: string;
  /**
   * `gone`: the file that was being read is nowhere; what was written to it since is not known.
   * `unfinished`: a file went away that ended without a newline. `damaged`: it could not be unpacked.
   */
  readonly why: 'gone' | 'unfinished' | 'damaged';
  /** Where it is known how much it was. */
  readonly bytes: number | undefined;
  /** What it was that could not be read, where something could not. */
  readonly error?: unknown;
}
