import { ParseError } from './errors.ts';

/**
 * What a codec makes of what came. Codecs know no errors of plugins: what they cannot read is a SyntaxError.
 *
 * @param hint what may be the matter, or what to do about it, for who reads the error: `Is it older than 7?`
 * @throws {@link ParseError} in its place.
 *
 * @example
 * const answer = decoded(() => parseJson('/api/overview', text));
 */
export function decoded<T>(decode: () => T, hint?: string): T {
  try {
    return decode();
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const said = hint === undefined ? cause.message : `${cause.message}. ${hint}`;
    throw new ParseError(said, { cause });
  }
}
