/** Base units as people read them, in few cells. Absent numbers are a dash: never a made-up 0. */

export const ABSENT = '–';

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;
const DECIMAL = ['', 'k', 'M', 'G', 'T'] as const;

/** Three digits that matter: 9.87, 12.3, 456. */
function digits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** The largest step below which the number has at most three digits before its point. */
function stepOf(value: number, base: number, steps: number): readonly [number, number] {
  let rest = value;
  let step = 0;
  while (rest >= 999.5 && step < steps - 1) {
    rest /= base;
    step += 1;
  }
  return [rest, step];
}

/** `0 B`, `512 B`, `12.3 MiB`. */
export function size(bytes: number | undefined): string {
  if (bytes === undefined) return ABSENT;
  const [rest, step] = stepOf(Math.abs(bytes), 1024, BINARY.length);
  const number = step === 0 ? rest.toFixed(0) : digits(rest);
  return `${bytes < 0 ? '-' : ''}${number} ${BINARY[step]}`;
}

/** Bytes per second: `0 B/s`, `3.42 MiB/s`. */
export const throughput = (bytes: number | undefined): string =>
  bytes === undefined ? ABSENT : `${size(bytes)}/s`;

/** Bytes per second as network people count them: `0 bit/s`, `1.24 Gbit/s`. */
export function bitrate(bytes: number | undefined): string {
  if (bytes === undefined) return ABSENT;
  const [rest, step] = stepOf(bytes * 8, 1000, DECIMAL.length);
  return `${step === 0 ? rest.toFixed(0) : digits(rest)} ${DECIMAL[step]}bit/s`;
}

/** A link's speed: `1 Gbit/s`, `2.5 Gbit/s`. */
export function linkSpeed(bytes: number | undefined): string {
  if (bytes === undefined) return ABSENT;
  const [rest, step] = stepOf(bytes * 8, 1000, DECIMAL.length);
  return `${Number(rest.toFixed(1))} ${DECIMAL[step]}bit/s`;
}

/** A number of things: `0`, `7.25`, `431`, `12.3k`. */
export function amount(count: number | undefined): string {
  if (count === undefined) return ABSENT;
  const [rest, step] = stepOf(count, 1000, DECIMAL.length);
  const number = step === 0 && (Number.isInteger(rest) || rest >= 100) ? rest.toFixed(0) : null;
  return `${number ?? (step === 0 ? rest.toFixed(1) : digits(rest))}${DECIMAL[step]}`;
}

/** A ratio in whole percent; one decimal below ten where `fine`. */
export function percent(ratio: number | undefined, fine = false): string {
  if (ratio === undefined) return ABSENT;
  const value = ratio * 100;
  return `${fine && value < 9.95 ? value.toFixed(1) : value.toFixed(0)}%`;
}

/** Seconds a request or a loop took: `0 ms`, `0.42 ms`, `85 ms`, `1.25 s`. */
export function latency(seconds: number | undefined): string {
  if (seconds === undefined) return ABSENT;
  const ms = seconds * 1000;
  if (ms >= 999.5) return `${digits(seconds)} s`;
  if (ms === 0) return '0 ms';
  return ms >= 9.95 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(ms < 0.995 ? 2 : 1)} ms`;
}

/** How long a host has been up: `12 d 3 h`, `3 h 20 min`, `42 min`, `15 s`. */
export function age(seconds: number | undefined): string {
  if (seconds === undefined) return ABSENT;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}
