import type { Spelling } from './dialect.ts';

/** A share stays what it is: parts of a whole that is made of rates cannot be added up over time. */
export const asGrowth = (name: Spelling): Spelling =>
  name.reading === 'rate' && name.share === undefined ? { ...name, reading: 'growth' } : name;

/**
 * The same text, held in one piece: V8 keeps a text that was put together as a tree of its parts, eight for
 * a path, and would walk through it at every tick. Looking at a character makes one piece of it.
 */
function inOnePiece(text: string): string {
  text.charCodeAt(0);
  return text;
}

/**
 * The same name as an object that is made like all others, however its dialect made it: V8 finds their
 * fields in a third of the time. What the series itself says wins over the labels of the configuration.
 */
export const alike = (name: Spelling, labels: Spelling['labels']): Spelling => ({
  series: name.series,
  path: inOnePiece(name.path),
  reading: name.reading,
  labels,
  precision: name.precision,
  significant: name.significant,
  scale: name.scale,
  offset: name.offset,
  summed: name.summed,
  share: name.share,
  identifier: name.identifier,
  meter: name.meter,
});
