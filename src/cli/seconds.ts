import { parseDuration } from '../plugin/index.ts';
import { UsageError } from './io.ts';

/** A duration given on the command line, in seconds; `least` and `most` are seconds too. */
export function seconds(
  option: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const parsed = parseDuration(text);
  if (parsed === undefined) {
    throw new UsageError(
      `${option} is "${text}"; it must be a number with its unit, such as 500ms, 10s or 5m`,
    );
  }
  if (parsed < least || parsed > most) {
    throw new UsageError(`${option} is "${text}"; it must be from ${least}s to ${most}s`);
  }
  return parsed;
}
