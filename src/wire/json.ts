/** JSON that somebody else has written: what is there under a name, if it is of the wanted kind. */

/** An object; of everything else, an empty one. */
export type Fields = Readonly<Record<string, unknown>>;

const NONE: Fields = Object.freeze({});

/** @param where it is from, for the error. @throws SyntaxError that says so and quotes its beginning. */
export function parseJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`${where}: no JSON: "${text.slice(0, 80)}"`, { cause });
  }
}

export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : NONE;

/** The object under some names within each other; an empty one where there is none. */
export function fieldsIn(value: unknown, ...path: readonly string[]): Fields {
  let at = fieldsOf(value);
  for (const name of path) at = fieldsOf(Object.hasOwn(at, name) ? at[name] : undefined);
  return at;
}

/** The elements of a list; none of anything else. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export function numberIn(fields: Fields, name: string): number | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** @param longest characters; a longer text is none. */
export function textIn(fields: Fields, name: string, longest = 1000): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'string' && value.length <= longest ? value : undefined;
}

export function flagIn(fields: Fields, name: string): boolean | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'boolean' ? value : undefined;
}
