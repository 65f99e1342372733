import { parse } from 'yaml';
import { UsageError } from './io.ts';

/**
 * Options in one text, as the configuration has them: `format: combined, topPaths: 20`, in braces or without. A
 * file of its own, because few runs need it.
 *
 * @param flag behind which they were given.
 * @param given as they were given, where they are not what is read.
 * @throws {@link UsageError} where they are no such thing.
 */
export function optionMap(
  flag: string,
  text: string,
  given = text,
): Readonly<Record<string, unknown>> {
  const words = text.trim();
  try {
    return parse(words.startsWith('{') ? words : `{${words}}`) ?? {};
  } catch (error) {
    const [why] = (error as Error).message.split('\n');
    throw new UsageError(`${flag} is "${given}"; it must be "name: value, name: value": ${why}`);
  }
}
