/** What a log held, or may have held, that nobody will ever count. */
export interface Loss {
  /** Where it was. */
  readonly path: string;
  /**
   * `gone`: the file that was being read is nowhere; what was written to it since is not known.
   * `unfinished`: a file went away that ended without a newline. `damaged`: it could not be unpacked.
   * `cut`: the end of what was read is gone from the file; what may have taken its place is not told from the rest.
   * `vacuumed`: the journal was left at an entry that is nowhere; `unreadable`: a file of it cannot be read.
   */
  readonly why: 'gone' | 'unfinished' | 'damaged' | 'cut' | 'vacuumed' | 'unreadable';
  /** Where it is known how much it was. */
  readonly bytes: number | undefined;
  /** What it was that could not be read, where something could not. */
  readonly error?: unknown;
}
