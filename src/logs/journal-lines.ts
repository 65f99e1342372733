import { isUtf8 } from 'node:buffer';
import type { Parser } from '../plugin/index.ts';
import type { JournalEntry } from './journal-export.ts';
import type { LineFinder } from './lines.ts';

/** What a parser is given of an entry; see {@link Parser.journal}. */
export type JournalForm = NonNullable<Parser['journal']>;

const SYSLOG = [
  ...['MESSAGE', 'PRIORITY', 'SYSLOG_FACILITY', 'SYSLOG_IDENTIFIER', 'SYSLOG_PID'],
  ...['_COMM', '_PID', '_HOSTNAME'],
];
/** Where an entry does not say: `user`, `notice`. */
const [FACILITY, SEVERITY] = [1, 5];

/** The fields that a form is made of; none for all that there are. */
export function fieldsOf(form: JournalForm): readonly string[] {
  if (form === 'message') return ['MESSAGE'];
  return form === 'syslog' ? SYSLOG : form;
}

/** Makes lines of entries: those that would stand in a file. */
export class JournalLines {
  readonly #form: JournalForm;
  readonly #finder: LineFinder;
  #line: Buffer = Buffer.allocUnsafe(4096);
  #end = 0;

  constructor(form: JournalForm, finder: LineFinder) {
    this.#form = form;
    this.#finder = finder;
  }

  /** @returns how many bytes its lines have. */
  offer(entry: JournalEntry): number {
    if (entry.tooLong) {
      this.#finder.lines += 1;
      this.#finder.tooLong += 1;
      return 0;
    }
    this.#end = 0;
    if (typeof this.#form === 'object') this.#write(json(entry));
    else {
      // An entry may have no message: a core that was dumped has but its bytes.
      const message = entry.get('MESSAGE');
      if (message === undefined) return 0;
      if (this.#form === 'syslog') this.#syslog(entry, message);
      else this.#append(message);
    }
    this.#write('\n');
    this.#finder.scan(this.#line, this.#end);
    return this.#end;
  }

  /** As rsyslog writes files, with the priority in front; newlines within it as rsyslog has them. */
  #syslog(entry: JournalEntry, message: Buffer): void {
    const number = (field: string, otherwise: number, most: number): number => {
      const value = Number(entry.text(field) ?? otherwise);
      return Number.isInteger(value) && value >= 0 && value <= most ? value : otherwise;
    };
    const priority = number('SYSLOG_FACILITY', FACILITY, 23) * 8 + number('PRIORITY', SEVERITY, 7);
    const host = entry.text('_HOSTNAME') ?? '-';
    const program = entry.text('SYSLOG_IDENTIFIER') ?? entry.text('_COMM') ?? 'unknown';
    const pid = entry.text('SYSLOG_PID') ?? entry.text('_PID');
    const tag = pid === undefined ? program : `${program}[${pid}]`;
    const head = `<${priority}>${isoTime(entry.time)} ${host} ${tag}: `;
    this.#write(head.replaceAll('\n', ' '));
    if (!message.includes(10)) this.#append(message);
    else this.#append(Buffer.from(message.toString('latin1').replaceAll('\n', '#012'), 'latin1'));
  }

  #write(text: string): void {
    this.#room(text.length * 3);
    this.#end += this.#line.write(text, this.#end);
  }

  #append(bytes: Buffer): void {
    this.#room(bytes.length);
    this.#end += bytes.copy(this.#line, this.#end);
  }

  #room(bytes: number): void {
    const least = this.#end + bytes;
    if (least <= this.#line.length) return;
    const more = Buffer.allocUnsafe(2 * least);
    this.#line.copy(more, 0, 0, this.#end);
    this.#line = more;
  }
}

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** As `journalctl -o json` has it: what is no UTF-8 is a list of bytes, several values are a list. */
function json(entry: JournalEntry): string {
  const fields = new Map<string, unknown>();
  const several = new Map<string, unknown[]>();
  for (const [field, bytes] of entry) {
    const value = isUtf8(bytes) ? bytes.toString() : [...bytes];
    if (!fields.has(field)) {
      fields.set(field, value);
      continue;
    }
    const values = several.get(field) ?? [fields.get(field)];
    several.set(field, values);
    values.push(value);
    fields.set(field, values);
  }
  return JSON.stringify(Object.fromEntries(fields));
}
