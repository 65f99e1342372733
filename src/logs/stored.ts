import { type Position, PRINT_BYTES, type Print } from './identity.ts';
import type { Cursor, Place } from './reader.ts';

/**
 * Whether what was read of a disk is what was written there: a file that somebody changed, or a disk that
 * lost a part of it, may be JSON all the same.
 */
export const isRecord = (it: unknown): it is Readonly<Record<string, unknown>> =>
  typeof it === 'object' && it !== null && !Array.isArray(it);

export const isNumber = (it: unknown): it is number => typeof it === 'number';

export const isText = (it: unknown): it is string => typeof it === 'string';

export const isListOf = <T>(it: unknown, is: (each: unknown) => each is T): it is readonly T[] =>
  Array.isArray(it) && it.every(is);

export const isOptional = <T>(it: unknown, is: (it: unknown) => it is T): it is T | undefined =>
  it === undefined || is(it);

const isSize = (it: unknown): it is number => Number.isSafeInteger(it) && (it as number) >= 0;

const isPrint = (it: unknown): it is Print =>
  isRecord(it) && isSize(it['bytes']) && it['bytes'] <= PRINT_BYTES && isText(it['hash']);

const isPosition = (it: unknown): it is Position =>
  isRecord(it) &&
  ['device', 'inode', 'modified', 'born'].every((name) => isNumber(it[name])) &&
  ['racy', 'skipping', 'packed'].every((name) => typeof it[name] === 'boolean') &&
  ['offset', 'unfinished'].every((name) => isSize(it[name])) &&
  isText(it['path']) &&
  isPrint(it['head']) &&
  isPrint(it['tail']);

const isCursor = (it: unknown): it is Cursor =>
  isRecord(it) &&
  isOptional(it['entry'], isText) &&
  typeof it['ours'] === 'boolean' &&
  isNumber(it['at']) &&
  isOptional(it['warning'], isText);

/** How far a log was read, as a state and a ledger have it. */
export const isPlace = (it: unknown): it is Place =>
  isRecord(it) && isListOf(it['positions'], isPosition) && isOptional(it['cursor'], isCursor);
