const NEWLINE = 10;
const EQUALS = 61;
/** Names of fields have 64 bytes at most. */
const LONGEST_NAME = 64;
const LENGTH = 8;

const CURSOR = '__CURSOR';
const TIME = '__REALTIME_TIMESTAMP';

/** The entry that is being offered: one object for all of them, which holds until the next. */
export class JournalEntry {
  /** Where it stands in the journal, in the journal's own words. */
  cursor = '';
  /** When it was received, in seconds since the Unix epoch. */
  time = 0;
  /** It was longer than anything that is kept, and has no fields. */
  tooLong = false;
  private view: Buffer = Buffer.alloc(0);
  /** Start and end of each name and each value, in turn. */
  private places: number[] = [];

  begin(view: Buffer): void {
    this.view = view;
    this.places.length = 0;
    this.tooLong = false;
  }

  add(name: number, nameEnd: number, value: number, valueEnd: number): void {
    this.places.push(name, nameEnd, value, valueEnd);
  }

  /** The first value that a field has. */
  get(field: string): Buffer | undefined {
    const { view, places } = this;
    for (let i = 0; i < places.length; i += 4) {
      const [name = 0, nameEnd = 0] = [places[i], places[i + 1]];
      if (nameEnd - name !== field.length) continue;
      if (view.toString('latin1', name, nameEnd) === field) {
        return view.subarray(places[i + 2], places[i + 3]);
      }
    }
    return undefined;
  }

  /** The value of a field that is text. */
  text(field: string): string | undefined {
    return this.get(field)?.toString();
  }

  /** Every field in turn; one with several values comes several times. */
  *[Symbol.iterator](): Generator<readonly [field: string, value: Buffer]> {
    const { view, places } = this;
    for (let i = 0; i < places.length; i += 4) {
      const field = view.toString('latin1', places[i], places[i + 1]);
      yield [field, view.subarray(places[i + 2], places[i + 3])];
    }
  }

  /** Takes from its first two fields what everybody wants to know. */
  head(): void {
    const [cursor, time] = this;
    if (cursor?.[0] !== CURSOR || time?.[0] !== TIME) {
      throw new SyntaxError(`an entry does not begin with ${CURSOR} and ${TIME}`);
    }
    this.cursor = cursor[1].toString('latin1');
    this.time = Number(time[1].toString('latin1')) / 1e6;
    if (!Number.isFinite(this.time)) throw new SyntaxError(`an entry's ${TIME} is no number`);
  }
}

/**
 * Finds entries in the export format of the journal: of each, fields as `NAME=text`, or, where it is
 * binary, the name alone, eight bytes with its length, and the value; then an empty line.
 *
 * It is taken instead of JSON since journalctl writes it in half the time, its binary fields are bytes,
 * and lengths are known before the values: a long entry takes no memory.
 *
 * @see https://systemd.io/JOURNAL_EXPORT_FORMATS/
 */
export class JournalExport {
  readonly #offer: (entry: JournalEntry) => void;
  readonly #longest: number;
  readonly #entry = new JournalEntry();
  /** What came last, and before it an entry that has begun. */
  #buffer: Buffer = Buffer.alloc(0);
  /** Bytes of an entry that has begun. */
  #held = 0;
  /** In an entry that is too long. */
  #skipping = false;
  /** Of a value that is being skipped: bytes that are left, or up to the next newline. */
  #left = 0;

  /** @param longest bytes of an entry beyond which it is offered without its fields. */
  constructor(offer: (entry: JournalEntry) => void, longest: number) {
    this.#offer = offer;
    this.#longest = longest;
  }

  /** Whether an entry has begun that has not ended. */
  get within(): boolean {
    return this.#skipping || this.#held > 0;
  }

  /** @throws SyntaxError for what is no such format. */
  write(bytes: Buffer): void {
    const end = this.#held + bytes.length;
    if (end > this.#buffer.length) {
      const more = Buffer.allocUnsafeSlow(2 * end);
      this.#buffer.copy(more, 0, 0, this.#held);
      this.#buffer = more;
    }
    bytes.copy(this.#buffer, this.#held);
    this.#held = end;
    this.#scan();
    if (this.#skipping || this.#held <= this.#longest) return;
    this.#abandon(this.#buffer.subarray(0, this.#held));
    this.#scan();
  }

  #scan(): void {
    const view = this.#buffer.subarray(0, this.#held);
    let at = 0;
    while (at < view.length) {
      const next = this.#skipping ? this.#skip(view, at) : this.#take(view, at);
      if (next === undefined) break;
      at = next;
    }
    this.#buffer.copyWithin(0, at, this.#held);
    this.#held -= at;
  }

  /** @returns where the next entry begins; `undefined` if this one has not ended. */
  #take(view: Buffer, start: number): number | undefined {
    const entry = this.#entry;
    entry.begin(view);
    for (let at = start; ; ) {
      const newline = view.indexOf(NEWLINE, at);
      if (newline === -1) return undefined;
      if (newline === at) {
        if (at > start) {
          entry.head();
          this.#offer(entry);
        }
        return at + 1;
      }
      const equals = view.indexOf(EQUALS, at);
      if (equals !== -1 && equals < newline) {
        entry.add(at, equals, equals + 1, newline);
        at = newline + 1;
      } else {
        const value = newline + 1 + LENGTH;
        if (value > view.length) return undefined;
        const end = value + lengthAt(view, at, newline);
        if (end >= view.length) return undefined;
        if (view[end] !== NEWLINE) throw new SyntaxError('a field does not end where it should');
        entry.add(at, newline, value, end);
        at = end + 1;
      }
    }
  }

  /** What has begun is too long: only where it stands is kept. */
  #abandon(view: Buffer): void {
    const entry = this.#entry;
    entry.begin(view);
    for (let i = 0, at = 0; i < 2; i += 1) {
      const newline = view.indexOf(NEWLINE, at);
      const equals = view.indexOf(EQUALS, at);
      if (equals === -1 || newline < equals) break;
      entry.add(at, equals, equals + 1, newline);
      at = newline + 1;
    }
    entry.head();
    this.#skipping = true;
    this.#left = 0;
  }

  /** @returns where to go on; `undefined` if more has to be seen for it. */
  #skip(view: Buffer, at: number): number | undefined {
    if (this.#left > 0 && this.#left !== Number.POSITIVE_INFINITY) {
      const skipped = Math.min(this.#left, view.length - at);
      this.#left -= skipped;
      return at + skipped;
    }
    const newline = view.indexOf(NEWLINE, at);
    if (this.#left > 0) {
      if (newline === -1) return view.length;
      this.#left = 0;
      return newline + 1;
    }
    if (newline === at) {
      const entry = this.#entry;
      entry.begin(view);
      entry.tooLong = true;
      this.#skipping = false;
      this.#offer(entry);
      return at + 1;
    }
    const equals = view.indexOf(EQUALS, at);
    if (equals !== -1 && (newline === -1 || equals < newline)) {
      if (newline !== -1) return newline + 1;
      this.#left = Number.POSITIVE_INFINITY;
      return view.length;
    }
    if (newline === -1) {
      if (view.length - at > LONGEST_NAME) throw new SyntaxError('a field has no name');
      return undefined;
    }
    const value = newline + 1 + LENGTH;
    if (value > view.length) return undefined;
    this.#left = lengthAt(view, at, newline) + 1;
    return value;
  }
}

/** How long the binary value of a field is whose name ends at a newline. */
function lengthAt(view: Buffer, name: number, newline: number): number {
  if (newline - name > LONGEST_NAME) throw new SyntaxError('a line is no field');
  const low = view.readUInt32LE(newline + 1);
  const high = view.readUInt32LE(newline + 5);
  if (high !== 0) throw new SyntaxError('a field is longer than 4 GiB');
  return low;
}
