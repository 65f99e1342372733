/** What one look came to. */
export interface Finding {
  /** What was looked at: `dns`, `peer`, `folder`, … */
  readonly check: string;
  /** Which one, where there are several. */
  readonly subject?: string | undefined;
  readonly verdict: 'ok' | 'warning' | 'problem';
  /** One sentence: what was found. */
  readonly found: string;
  /** What to do about it. */
  readonly remedy?: string | undefined;
}

type Said = Omit<Finding, 'verdict'>;

export const ok = (said: Omit<Said, 'remedy'>): Finding => ({ ...said, verdict: 'ok' });
export const warning = (said: Said): Finding => ({ ...said, verdict: 'warning' });
export const problem = (said: Said): Finding => ({ ...said, verdict: 'problem' });

/** A failed call in few words. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, 500);
