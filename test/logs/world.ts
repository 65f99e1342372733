import { createHash } from 'node:crypto';
import { cullHeld } from '../../src/logs/cull.ts';
import type { Found, Loss } from '../../src/logs/index.ts';
import { MemoryFiles, type Writing, watched } from '../support/memory-files.ts';
import { counting } from '../support/parser.ts';

export const LOG = '/var/log/it.log';

/** How this log is rotated. */
export interface Scheme {
  readonly names: 'numbers' | 'dates';
  readonly compress: 'never' | 'at once' | 'later';
  readonly how: 'create' | 'copytruncate';
}

const said = ({ time, seconds, observations }: Found): string =>
  JSON.stringify([time, seconds, observations.map((it) => [it.metric.name, it.value, it.labels])]);

/** The process has died. */
class Died extends Error {}

/** A log, its writer and its rotation, and everything that was delivered of it. */
export class World {
  now = 1_790_000_000_000;
  readonly files = new MemoryFiles(() => this.now);
  readonly delivered = new Map<number, Found>();
  readonly losses: Loss[] = [];
  readonly scheme: Scheme;
  /** What every complete line begins with. */
  readonly lines = new Set<string>();
  /** Lines that went away unread, perhaps: nobody can ask for them. */
  readonly perhaps = new Set<string>();
  #count = 0;
  /** The writer's file, wherever that is by now. */
  #writing: Writing | undefined;
  #rest = '';
  #token = '';
  #date = 20260101;

  constructor(scheme: Scheme) {
    this.scheme = scheme;
    this.#writing = this.files.writing(LOG);
  }

  #line(bytes: number): string {
    this.#count += 1;
    const token = `l${this.#count.toString(36).padStart(6, '0')}`;
    const unique = createHash('md5').update(token).digest('hex');
    return `${token} ${unique.repeat(Math.ceil(bytes / 32)).slice(0, Math.max(bytes, 16))}.\n`;
  }

  #writer(): Writing {
    this.#writing ??= this.files.writing(LOG);
    return this.#writing;
  }

  append(lines: number, bytes: number): void {
    this.#finish();
    let text = '';
    for (let i = 0; i < lines; i += 1) {
      const line = this.#line(bytes);
      this.lines.add(line.slice(0, 7));
      text += line;
    }
    this.#writer().append(text);
  }

  partial(bytes: number): void {
    this.#finish();
    const line = this.#line(40);
    const cut = Math.min(10 + bytes, line.length - 18);
    this.#writer().append(line.slice(0, cut));
    this.#token = line.slice(0, 7);
    this.#rest = line.slice(cut);
  }

  #finish(): void {
    if (this.#rest === '') return;
    this.#writer().append(this.#rest);
    if (this.#token !== '') this.lines.add(this.#token);
    this.#rest = '';
  }

  /** The writer opens its log anew; a line that it had begun is torn. */
  reopen(): void {
    if (!this.#isAtLog) this.#token = '';
    // Where there is no log it is made by the next line.
    this.#writing = this.files.has(LOG) ? this.files.writing(LOG) : undefined;
  }

  get #isAtLog(): boolean {
    return this.#writing?.isAt(LOG) ?? true;
  }

  #shift(): string {
    if (this.scheme.names === 'dates') {
      this.#date += 1;
      return `${LOG}-${this.#date}`;
    }
    const numbers = this.files
      .names(`${LOG}.`)
      .map((path) => [Number(/\.(\d+)/.exec(path.slice(LOG.length))?.[1]), path] as const)
      .sort(([a], [b]) => b - a);
    for (const [number, path] of numbers) {
      this.files.move(path, path.replace(`${LOG}.${number}`, `${LOG}.${number + 1}`));
    }
    return `${LOG}.1`;
  }

  rotate(reopens: boolean, creates: boolean): void {
    if (!this.files.has(LOG)) return;
    // No two rotations are within what a kernel takes for the same time.
    this.now += 5;
    const before = this.files.names(`${LOG}.`).concat(this.files.names(`${LOG}-`));
    // What is packed must not be written to any more, or nobody will ever see it.
    if (this.scheme.compress === 'later' && !this.#isAtLog) this.reopen();
    const plain = before.filter((path) => !path.endsWith('.gz'));
    if (this.scheme.compress === 'later') for (const path of plain) this.files.compress(path);
    const to = this.#shift();
    if (this.scheme.how === 'copytruncate') {
      this.files.copy(LOG, to);
      this.files.truncate(LOG);
      if (this.#isAtLog) this.#token = '';
    } else {
      this.files.move(LOG, to);
      if (creates) this.files.writing(LOG);
      if (reopens || this.scheme.compress === 'at once') this.reopen();
    }
    if (this.scheme.compress === 'at once') this.files.compress(to);
  }

  /** The oldest of many goes, read or not. */
  expire(most: number): void {
    const rotated = this.files.names(`${LOG}.`).concat(this.files.names(`${LOG}-`));
    if (rotated.length <= most) return;
    const oldest = rotated.sort((a, b) =>
      this.scheme.names === 'dates'
        ? a.localeCompare(b)
        : Number(/\.(\d+)/.exec(b.slice(LOG.length))?.[1]) -
          Number(/\.(\d+)/.exec(a.slice(LOG.length))?.[1]),
    )[0] as string;
    if (!this.#isAtLog) this.reopen();
    this.files.remove(oldest);
    for (const line of this.lines) this.perhaps.add(line);
  }

  truncate(): void {
    if (!this.files.has(LOG)) return;
    this.files.truncate(LOG);
    if (this.#isAtLog) this.#token = '';
    for (const line of this.lines) this.perhaps.add(line);
  }

  /** The log loses its last lines, as by a power failure, and is written to again: by so many lines. */
  cut(lines: number, more: number, bytes: number): void {
    if (!this.files.has(LOG)) return;
    const kept = this.files
      .text(LOG)
      .split('\n')
      .slice(0, -1 - lines);
    const length = Buffer.byteLength(kept.map((line) => `${line}\n`).join(''));
    // What is shorter is not told from one that is new.
    if (length < 1024) return;
    this.files.truncate(LOG, length);
    this.#rest = '';
    this.append(more, bytes);
    for (const line of this.lines) this.perhaps.add(line);
  }

  migrate(): void {
    if (!this.files.has(LOG)) return;
    const wasAtLog = this.#isAtLog;
    this.files.migrate(LOG, 2);
    if (wasAtLog) this.#writing = this.files.writing(LOG);
  }

  /**
   * One run.
   *
   * @param interruption what happens before the operation of that number.
   * @param output whether it fails: before it delivers, or after it has.
   */
  async run(
    interruption?: { readonly at: number; readonly what: 'dies' | (() => void) },
    output: 'well' | 'fails' | 'fails after all' | 'dies' | 'dies after all' = 'well',
  ): Promise<void> {
    let operations = 0;
    let dead = false;
    const die = () => {
      dead = true;
      throw new Died();
    };
    const files = watched(this.files, () => {
      if (dead) die();
      operations += 1;
      if (operations !== interruption?.at) return;
      if (interruption.what === 'dies') die();
      else if (typeof interruption.what === 'function') interruption.what();
    });
    const send = async (found: readonly Found[]) => {
      if (output === 'dies') die();
      if (output === 'fails') throw new Error('not delivered');
      for (const it of found) {
        const known = this.delivered.get(it.time);
        if (known !== undefined && said(known) !== said(it)) {
          throw new Error(`sent twice, and not the same: ${said(known)}, ${said(it)}`);
        }
        this.delivered.set(it.time, it);
      }
      if (output === 'dies after all') die();
      if (output === 'fails after all') throw new Error('delivered, and nobody knows');
    };
    const clock = {
      now: () => {
        this.now += 1;
        return this.now;
      },
      monotonic: () => this.now,
      boottime: () => this.now,
      after: (ms: number, then: () => void) => {
        this.now += ms;
        queueMicrotask(then);
        return { cancel() {} };
      },
    };
    try {
      const { lost } = await cullHeld({
        ...{ log: LOG, parser: 'counting', parsing: counting(), folder: '/state' },
        ...{ files, clock, send, first: { from: 'start' } },
      });
      this.losses.push(...lost);
    } catch (error) {
      const foreseen = error instanceof Died || /delivered/.test(String(error));
      if (!foreseen) throw error;
    }
  }

  /** How often each line was counted, by what was delivered. */
  counted(): Map<string, number> {
    const counted = new Map<string, number>();
    for (const { observations } of this.delivered.values()) {
      for (const { labels, value } of observations) {
        const line = labels['line'] ?? '';
        counted.set(line, (counted.get(line) ?? 0) + value);
      }
    }
    return counted;
  }
}
