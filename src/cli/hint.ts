import { suggest } from '../config/index.ts';
import { listed } from './io.ts';

/**
 * What there is to say of a name that nothing has: which was probably meant, or which there are.
 *
 * @param more where others may be found, in a sentence.
 */
export function hintFor(name: string, names: readonly string[], more?: string): string {
  const near = suggest(name, names);
  if (near !== undefined) return `Did you mean "${near}"?`;
  return [`There are ${listed(names)}.`, ...(more === undefined ? [] : [more])].join(' ');
}
