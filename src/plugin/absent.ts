import { NoData } from './errors.ts';

/**
 * What a source says, or `undefined` where there is none: a file that only some drivers have, a process or a
 * session that has just ended.
 *
 * @example
 * const label = unlessAbsent(() => host.sys.read(`${folder}/label`));
 */
export function unlessAbsent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NoData) return undefined;
    throw error;
  }
}
