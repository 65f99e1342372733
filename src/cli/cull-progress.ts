import type { Clock } from '../clock/index.ts';
import type { Progress } from '../logs/index.ts';

/** Nothing is shown of what is over by then (milliseconds). */
const SHORT = 500;
const EVERY = 200;

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.4 GiB` */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `1:02:03`, `2:03` */
export function spanText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [hours = 0, ...rest] = parts;
  const [first = 0, last = 0] = rest;
  const tail = `${hours > 0 ? String(first).padStart(2, '0') : first}:${String(last).padStart(2, '0')}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}

/** How far a long run is, in one line of a terminal that is written over and over. */
export class ProgressLine {
  readonly #write: (text: string) => void;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #began: number;
  #said = 0;
  #width = 0;

  constructor(write: (text: string) => void, clock: Pick<Clock, 'monotonic'>) {
    this.#write = write;
    this.#clock = clock;
    this.#began = clock.monotonic();
  }

  show({ bytes, lines, total }: Progress): void {
    const now = this.#clock.monotonic();
    const elapsed = now - this.#began;
    if (elapsed < SHORT || now - this.#said < EVERY) return;
    this.#said = now;
    const perSecond = Math.round(lines / (elapsed / 1000));
    const left = bytes > 0 ? ((total - bytes) / bytes) * (elapsed / 1000) : 0;
    const share =
      total > 0 ? ` of ${bytesText(total)} (${Math.floor((bytes / total) * 100)} %)` : '';
    const text = `${bytesText(bytes)}${share}, ${perSecond.toLocaleString('en-US')} lines/s, ${spanText(left)} left`;
    this.#put(text);
  }

  /** Takes the line away: what follows stands in its place. */
  end(): void {
    if (this.#width === 0) return;
    this.#put('');
    this.#write('\r');
    this.#width = 0;
  }

  #put(text: string): void {
    this.#write(`\r${text.padEnd(this.#width)}`);
    this.#width = text.length;
  }
}
