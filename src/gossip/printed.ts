import type { GangliaValue } from '../wire/ganglia.ts';

const FIXED = /^%[-+ 0#]*\d{0,3}\.(\d{1,2})l?f$/;
/** Digits that printf's %f shows unless it is told otherwise. */
const USUAL_DIGITS = 6;
/** printf would show some 300 digits of the largest numbers; gmetad dies of 110. */
const LONGEST = 40;

/** A value as its sender would print it. Of the format from the network only the number of digits is heeded. */
export function printed({ value, type, format }: GangliaValue): string {
  if (typeof value === 'string') return value;
  if (type !== 'float' && type !== 'double') return String(value);
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const digits = Number(FIXED.exec(format)?.[1] ?? USUAL_DIGITS);
  const text = value.toFixed(Math.min(digits, 20));
  return text.length > LONGEST ? value.toExponential(USUAL_DIGITS) : text;
}
