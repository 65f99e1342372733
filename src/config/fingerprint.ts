import type { z } from '../plugin/index.ts';
import { inputSchema, withDefaults } from './describe.ts';

/** A text that changes when the value does; the order of keys does not matter. */
const fingerprint = (value: unknown): string => JSON.stringify(ordered(value));

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, ordered(each)]));
}

/** Makes what was written for a schema, with every default: the same for inputs that mean the same. */
export const meantBy = (schema: z.ZodType, input: unknown) => (): unknown =>
  withDefaults(inputSchema(schema), input);

/** Something that has options, and what was written of them. */
interface Written {
  readonly options: z.ZodType;
  readonly input: unknown;
}

/**
 * The fingerprint of an instance, which only a reload asks for. Made here, and not where a configuration
 * is loaded, which a running agent has forgotten.
 *
 * @param facts everything besides options.
 */
export const fingerprintOf = (facts: object, own?: Written, dialect?: Written) => (): string =>
  fingerprint({
    ...facts,
    ...(own && { input: meantBy(own.options, own.input)() }),
    ...(dialect && { dialectOptions: meantBy(dialect.options, dialect.input)() }),
  });
