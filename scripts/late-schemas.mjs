// Stands for src/plugin/zod.ts in the built program: remembers how a schema is declared, and makes it
// when it is used. An agent declares some five hundred and uses a tenth of them, once.
//
// `loadPart` is the program's own loader, see scripts/launch.cjs.
import { shapeOf, taken } from './plain-schemas.mjs';

/**
 * @typedef {object} Declaration
 * @property {object | undefined} of the schema whose method is called; else it is a function of zod.
 * @property {string} word the method's or function's name.
 * @property {readonly unknown[]} given to it.
 */

/** Methods of a schema that give another. Whatever else is asked of a schema has it made. */
const METHODS = new Set([
  ...['default', 'describe', 'max', 'meta', 'min', 'omit', 'optional', 'pick', 'prefault'],
  ...['refine', 'regex', 'superRefine', 'transform'],
]);

/** @type {WeakMap<object, Declaration>} */
const declarations = new WeakMap();
/**
 * Schemas that were made, by zod itself: who lets go of zod lets go of them.
 *
 * @type {WeakMap<object, WeakMap<object, object>>}
 */
const made = new WeakMap();

/** @param {Declaration} declaration */
function declared(declaration) {
  const schema = new Proxy({}, handler);
  declarations.set(schema, declaration);
  return schema;
}

/** @type {import('./plain-schemas.mjs').DeclarationOf} */
const declarationOf = (schema) =>
  typeof schema === 'object' && schema !== null ? declarations.get(schema) : undefined;

/** @type {ProxyHandler<object>} */
const handler = {
  get(_, key, schema) {
    if (key === 'safeParse') {
      return (/** @type {unknown} */ input, /** @type {unknown[]} */ ...how) => {
        const plainly = taken(schema, input, declarationOf);
        if (plainly !== undefined) return { success: true, data: plainly.value };
        return Reflect.get(real(schema), key)(input, ...how);
      };
    }
    const shape = key === 'shape' ? shapeOf(schema, declarationOf) : undefined;
    if (shape !== undefined) return shape;
    if (typeof key !== 'string' || !METHODS.has(key)) return Reflect.get(real(schema), key);
    return (/** @type {unknown[]} */ ...given) =>
      // `meta()` asks.
      given.length === 0 && key === 'meta'
        ? Reflect.get(real(schema), key)()
        : declared({ of: schema, word: key, given });
  },
};

/**
 * @param {object} schema
 * @returns {object}
 */
function real(schema) {
  // @ts-expect-error The program has it.
  const zod = loadPart('./src/plugin/zod.js');
  const known = made.get(zod) ?? new WeakMap();
  made.set(zod, known);
  const before = known.get(schema);
  if (before !== undefined) return before;
  const { of, word, given } = /** @type {Declaration} */ (declarations.get(schema));
  const now = (of === undefined ? zod : real(of))[word](...given.map(revealed));
  known.set(schema, now);
  return now;
}

/**
 * @param {unknown} value that may be, or hold, schemas that are only declared.
 * @returns {unknown} the same with real ones.
 */
function revealed(value) {
  if (typeof value !== 'object' || value === null) return value;
  if (declarations.has(value)) return real(value);
  if (Array.isArray(value)) return value.map(revealed);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revealed(each)]));
}

/** @param {string} word */
export const late =
  (word) =>
  (/** @type {unknown[]} */ ...given) =>
    declared({ of: undefined, word, given });
