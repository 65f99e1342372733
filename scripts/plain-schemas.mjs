// What a schema that is only declared (scripts/late-schemas.mjs) makes of what is simple and right, told
// without zod: most of what an agent is configured with is nothing, which takes the defaults. To make zod's
// schemas of all that could be written takes 6 ms of a start and 3 MiB.
//
// Whatever is wrong, or declared in another way, is left to zod, which has the words for it.

/**
 * @typedef {import('./late-schemas.mjs').Declaration} Declaration
 * @typedef {(schema: unknown) => Declaration | undefined} DeclarationOf
 * @typedef {{ readonly value: unknown }} Taken
 */

/** By the function that declares it: whether something is what zod takes as it is. @type {Record<string, (it: unknown) => boolean>} */
const PLAIN = {
  boolean: (it) => typeof it === 'boolean',
  int: Number.isSafeInteger,
  number: Number.isFinite,
  string: (it) => typeof it === 'string',
};
/** What does not take `undefined`, by the function that declares it. */
const NEEDED = new Set([...Object.keys(PLAIN), 'array', 'enum', 'strictObject']);

/**
 * @param {unknown} schema
 * @param {unknown} input
 * @param {DeclarationOf} declarationOf
 * @returns {Taken | undefined} what the schema makes of it; `undefined` where zod has to be asked.
 */
export function taken(schema, input, declarationOf) {
  const declaration = declarationOf(schema);
  if (declaration === undefined) return undefined;
  const { of, word, given } = declaration;
  const shape = shapeOf(schema, declarationOf);
  if (shape !== undefined) return object(shape, input, declarationOf);
  if (of === undefined) return whole(word, given[0], input, declarationOf);
  const [first] = given;
  switch (word) {
    case 'default':
      return input === undefined ? copyOf(first) : taken(of, input, declarationOf);
    case 'prefault': {
      const instead = input === undefined ? copyOf(first) : { value: input };
      return instead && taken(of, instead.value, declarationOf);
    }
    case 'optional': {
      const inner = taken(of, input, declarationOf);
      if (inner !== undefined || input !== undefined) return inner;
      return NEEDED.has(rootOf(of, declarationOf)) ? { value: undefined } : undefined;
    }
    case 'describe':
    case 'meta':
      return taken(of, input, declarationOf);
    default: {
      const inner = taken(of, input, declarationOf);
      return inner && then(word, first, inner.value);
    }
  }
}

/**
 * @param {unknown} schema
 * @param {DeclarationOf} declarationOf
 * @returns {Readonly<Record<string, unknown>> | undefined} the schemas of a strict object by its keys.
 */
export function shapeOf(schema, declarationOf) {
  const { of, word, given } = declarationOf(schema) ?? {};
  const [first] = given ?? [];
  if (of === undefined) return word === 'strictObject' ? record(first) : undefined;
  if (word === 'describe' || word === 'meta') return shapeOf(of, declarationOf);
  if (word !== 'pick' && word !== 'omit') return undefined;
  const shape = shapeOf(of, declarationOf);
  const mask = record(first);
  return (
    shape &&
    mask &&
    Object.fromEntries(Object.entries(shape).filter(([key]) => (word === 'pick') === key in mask))
  );
}

/** What is an object and no more. @param {unknown} it @returns {Record<string, unknown> | undefined} */
function record(it) {
  if (typeof it !== 'object' || it === null) return undefined;
  const prototype = Object.getPrototypeOf(it);
  const bare = prototype === Object.prototype || prototype === null;
  return bare ? /** @type {Record<string, unknown>} */ (it) : undefined;
}

/** The function that what methods are called of was declared with. @type {(schema: unknown, declarationOf: DeclarationOf) => string} */
const rootOf = (schema, declarationOf) => {
  const { of, word } = declarationOf(schema) ?? { of: undefined, word: '' };
  return of === undefined ? word : rootOf(of, declarationOf);
};

/**
 * @param {Readonly<Record<string, unknown>>} shape
 * @param {unknown} input
 * @param {DeclarationOf} declarationOf
 * @returns {Taken | undefined}
 */
function object(shape, input, declarationOf) {
  const given = record(input);
  if (given === undefined || Object.keys(given).some((key) => !Object.hasOwn(shape, key))) {
    return undefined;
  }
  /** @type {Record<string, unknown>} */
  const value = {};
  for (const [key, schema] of Object.entries(shape)) {
    const each = taken(schema, given[key], declarationOf);
    if (each === undefined) return undefined;
    if (each.value !== undefined || key in given) value[key] = each.value;
  }
  return { value };
}

/**
 * @param {string} word a function of zod.
 * @param {unknown} first what it was given.
 * @param {unknown} input
 * @param {DeclarationOf} declarationOf
 * @returns {Taken | undefined}
 */
function whole(word, first, input, declarationOf) {
  if (PLAIN[word]?.(input)) return { value: input };
  if (word === 'enum' && Array.isArray(first)) {
    return first.includes(input) ? { value: input } : undefined;
  }
  // Of several that fit the first one counts: what follows one that is left to zod is left to it, too.
  if (word === 'union' && Array.isArray(first)) return taken(first[0], input, declarationOf);
  if (word !== 'array' || !Array.isArray(input)) return undefined;
  const items = input.map((each) => taken(first, each, declarationOf));
  return items.every((each) => each !== undefined)
    ? { value: items.map((each) => each.value) }
    : undefined;
}

/**
 * @param {string} word a method that follows on what a schema has made.
 * @param {unknown} first what it was given.
 * @param {unknown} value
 * @returns {Taken | undefined}
 */
function then(word, first, value) {
  switch (word) {
    case 'max':
      return sizeOf(value) <= Number(first) ? { value } : undefined;
    case 'min':
      return sizeOf(value) >= Number(first) ? { value } : undefined;
    case 'refine':
      return asked(first, value)?.value === true ? { value } : undefined;
    case 'regex':
      return first instanceof RegExp && !first.global && first.test(String(value))
        ? { value }
        : undefined;
    case 'superRefine':
      return asked(first, value) && { value };
    case 'transform':
      return asked(first, value);
    default:
      return undefined;
  }
}

/** @param {unknown} value @returns {number} */
const sizeOf = (value) =>
  typeof value === 'number'
    ? value
    : typeof value === 'string' || Array.isArray(value)
      ? value.length
      : Number.NaN;

/**
 * @param {unknown} it a function of ours that a schema was given.
 * @param {unknown} value what it is asked of.
 * @returns {Taken | undefined} what it answers, if it has nothing against the value.
 */
function asked(it, value) {
  if (typeof it !== 'function') return undefined;
  /** Of zod's own context, both ways to say what is wrong. @type {unknown[]} */
  const issues = [];
  const addIssue = (/** @type {unknown} */ issue) => issues.push(issue);
  const answer = it(value, { value, issues, addIssue });
  return issues.length === 0 && !(answer instanceof Promise) ? { value: answer } : undefined;
}

/** As zod hands out a default: nobody else's. @param {unknown} value @returns {Taken | undefined} */
function copyOf(value) {
  if (Array.isArray(value)) return { value: [...value] };
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'function' ? undefined : { value };
  }
  return record(value) && { value: { ...value } };
}
