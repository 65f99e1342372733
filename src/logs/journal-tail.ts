import { Foreseen } from '../plugin/index.ts';
import { type JournalEntry, JournalExport } from './journal-export.ts';
import { fieldsOf, type JournalForm, JournalLines } from './journal-lines.ts';
import { type JournalQuery, journalQuery } from './journal-query.ts';
import { type JournalctlNeeds, journalctl } from './journalctl.ts';
import { type LineFinder, LONGEST_LINE } from './lines.ts';
import type { Loss } from './loss.ts';
import type { Cursor, Reader } from './reader.ts';

export interface JournalNeeds extends Pick<JournalctlNeeds, 'clock' | 'environment' | 'patience'> {
  /** What the journal is asked for; see {@link journalQuery}. */
  readonly path: string;
  /** What the parser is given of an entry; its message where absent. */
  readonly form?: JournalForm | undefined;
  readonly finder: LineFinder;
  readonly lost: (loss: Loss) => void;
  /** Is told of bytes that were read. */
  readonly progress?: ((bytes: number) => void) | undefined;
  /** Is told when the lines were written that are offered next, in seconds since the Unix epoch. */
  readonly dated?: ((time: number) => void) | undefined;
  /** Whether to stop for now, asked between two pieces. */
  readonly paused?: (() => boolean) | undefined;
  /** Ends it early. */
  readonly signal?: (() => AbortSignal | undefined) | undefined;
}

/** An entry that nothing has followed for so many milliseconds may be vacuumed away unseen. */
const OLD = 3_600_000;

/** What stands of an entry in its cursor wherever it is kept; the rest is of the file that it is in. */
const INHERENT = /^[bmtx]=/;

/**
 * Reads the journal of systemd, through journalctl.
 *
 * It is asked for the entry that was read last and what follows it, not only for what follows:
 * `--after-cursor` leaves out one that was never read where that entry is gone, and this way it is known
 * that it is gone.
 */
export class JournalTail implements Reader {
  readonly positions = [];
  cursor: Cursor | undefined;
  readonly #needs: JournalNeeds;
  readonly #query: JournalQuery;
  readonly #form: JournalForm;
  readonly #lines: JournalLines;

  constructor(needs: JournalNeeds, cursor: Cursor | undefined) {
    const { path, form = 'message', finder } = needs;
    this.#needs = needs;
    this.#query = journalQuery(path);
    this.#form = form;
    this.#lines = new JournalLines(form, finder);
    this.cursor = cursor;
  }

  async startAtEnd(): Promise<void> {
    const entry = await this.#last();
    this.cursor = { entry, ours: !this.#chosen, at: this.#now };
  }

  async startSince(time: number): Promise<void> {
    this.cursor = { ours: false, at: time };
  }

  async absent(): Promise<boolean> {
    return this.cursor?.entry === undefined && (await this.#last()) === undefined;
  }

  async catchUp(): Promise<void> {
    const before = this.cursor;
    const { found, entries } = await this.#read();
    if (before?.entry === undefined) return;
    if (entries > 0) {
      // One that is not among those that are asked for is looked for by itself, and only now.
      if (!found && !before.ours && !(await this.#has(before.entry))) this.#lose();
    } else if (found || !before.ours) {
      if (this.#chosen && this.#now - before.at > OLD) await this.#advance(before.entry, found);
    } else {
      await this.#advance(before.entry, found);
    }
  }

  /** Goes on to the end of the journal, of which nothing is asked for: what it was left at may be vacuumed away. */
  async #advance(entry: string, found: boolean): Promise<void> {
    const last = await this.#last();
    if (last === undefined) return;
    if (!found && !(await this.#has(entry))) this.#lose();
    const { warning } = this.cursor ?? {};
    const { entries } = await this.#read();
    if (entries > 0) return;
    this.cursor = { entry: last, ours: !this.#chosen, at: this.#now, warning };
  }

  /** Offers what follows. @returns whether the entry is still there that it was left at. */
  async #read(): Promise<{ readonly found: boolean; readonly entries: number }> {
    const { dated, progress, paused, lost, path } = this.#needs;
    const before = this.cursor;
    let found = false;
    let entries = 0;
    let last: string | undefined;
    let bytes = 0;
    const format = new JournalExport((entry: JournalEntry) => {
      if (entries === 0 && !found && before?.entry !== undefined) {
        found = same(entry.cursor, before.entry);
        if (found) return;
        if (before.ours) this.#lose();
      }
      entries += 1;
      last = entry.cursor;
      dated?.(entry.time);
      bytes += this.#lines.offer(entry);
    }, LONGEST_LINE);
    const fields = fieldsOf(this.#form);
    const flags = [
      ...this.#query.journal,
      ...from(before),
      ...(fields.length > 0 ? [`--output-fields=${fields.join(',')}`] : []),
      ...this.#query.entries,
    ];
    const said = await this.#ask(flags, format, () => {
      if (last === undefined) return undefined;
      this.cursor = { entry: last, ours: true, at: this.#now, warning: before?.warning };
      last = undefined;
      const more = bytes;
      bytes = 0;
      progress?.(more);
      return paused?.() ? 'enough' : undefined;
    });
    if (this.cursor !== undefined && said !== (this.cursor.warning ?? '')) {
      this.cursor = { ...this.cursor, warning: said === '' ? undefined : said };
      if (said !== '') {
        lost({ path, why: 'unreadable', bytes: undefined, error: new Foreseen(said) });
      }
    }
    return { found, entries };
  }

  /** The journal's last entry, whether it is asked for or not. */
  async #last(): Promise<string | undefined> {
    return await this.#first('--lines=1');
  }

  async #has(entry: string): Promise<boolean> {
    const first = await this.#first(`--cursor=${entry}`);
    return first !== undefined && same(first, entry);
  }

  async #first(flag: string): Promise<string | undefined> {
    let first: string | undefined;
    const format = new JournalExport((entry) => {
      first ??= entry.cursor;
    }, LONGEST_LINE);
    const flags = [...this.#query.journal, flag, '--output-fields=_BOOT_ID'];
    await this.#ask(flags, format, () => (first === undefined ? undefined : 'enough'));
    return first;
  }

  /** @param took is called after each piece of what journalctl writes. */
  async #ask(
    flags: readonly string[],
    format: JournalExport,
    took: () => 'enough' | undefined,
  ): Promise<string> {
    const { clock, environment, patience, signal } = this.#needs;
    const needs = { clock, environment, patience, signal: signal?.() };
    let enough = false;
    const said = await journalctl(flags, needs, (bytes) => {
      try {
        format.write(bytes);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new Foreseen(`journalctl writes what is no journal: ${error.message}`, {
          cause: error,
        });
      } finally {
        enough = took() === 'enough';
      }
      return enough ? 'enough' : undefined;
    });
    if (format.within && !enough) throw new Foreseen('journalctl ended within an entry');
    return said;
  }

  #lose(): void {
    this.#needs.lost({ path: this.#needs.path, why: 'vacuumed', bytes: undefined });
  }

  get #chosen(): boolean {
    return this.#query.entries.length > 0;
  }

  get #now(): number {
    return this.#needs.clock.now();
  }
}

function from(cursor: Cursor | undefined): readonly string[] {
  if (cursor === undefined) return [];
  if (cursor.entry !== undefined) return [`--cursor=${cursor.entry}`];
  return [`--since=@${(cursor.at / 1000).toFixed(6)}`];
}

/** An entry that was copied to another file is still the same one. */
const same = (a: string, b: string): boolean => a === b || inherent(a) === inherent(b);

const inherent = (cursor: string): string =>
  cursor
    .split(';')
    .filter((part) => INHERENT.test(part))
    .join(';');
