import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** Debian's program that makes files of a journal of entries in the export format. */
const MAKER = '/lib/systemd/systemd-journal-remote';

/** An entry as its fields; several values are a list. */
export type Fields = Readonly<
  Record<string, string | number | Uint8Array | readonly (string | Uint8Array)[]>
>;

/** The boot that entries are of which do not say. */
const BOOT = 'a'.repeat(32);

/** In the export format; what has a newline, or is bytes, is binary. */
export function exported(fields: Fields): Buffer {
  const parts: (string | Uint8Array)[] = [];
  for (const [name, given] of Object.entries(fields)) {
    for (const value of [given].flat() as (string | number | Uint8Array)[]) {
      if (typeof value === 'object' || String(value).includes('\n')) {
        const bytes = Buffer.from(typeof value === 'object' ? value : String(value));
        const length = Buffer.alloc(8);
        length.writeUInt32LE(bytes.length);
        parts.push(`${name}\n`, length, bytes, '\n');
      } else {
        parts.push(`${name}=${value}\n`);
      }
    }
  }
  parts.push('\n');
  return Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array)));
}

/** A folder with files of a journal, as journald would have written them. */
export class Journal {
  readonly folder: string;
  /** The file that is written to. */
  file = 'system';
  boot = BOOT;
  /** When the next entry is written, in microseconds since the Unix epoch. */
  now: number;
  #monotonic = 1_000_000;

  constructor(folder: string, start = 1_790_000_000) {
    this.folder = folder;
    this.now = start * 1e6;
  }

  /** Writes entries, a second apart. */
  async write(...entries: readonly Fields[]): Promise<void> {
    const blocks = entries.map((fields) => {
      const [time, monotonic] = [this.now, this.#monotonic];
      this.now += 1e6;
      this.#monotonic += 1e6;
      return exported({
        __REALTIME_TIMESTAMP: time,
        __MONOTONIC_TIMESTAMP: monotonic,
        _BOOT_ID: this.boot,
        _HOSTNAME: 'web01',
        ...fields,
      });
    });
    const path = join(this.folder, `${this.file}.journal`);
    const child = spawn(MAKER, ['-o', path, '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    const said = text(child.stderr);
    const ended = once(child, 'close') as Promise<[number | null]>;
    child.stdin.end(Buffer.concat(blocks));
    const [code] = await ended;
    if (code !== 0) throw new Error(`${MAKER} ends with ${code}: ${await said}`);
  }
}
