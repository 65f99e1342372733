import { toJSONSchema } from 'zod';
import { duration, size, z } from '../plugin/index.ts';
import { collectorKeys, globals, handlerKeys } from './schema.ts';

/** The part of JSON Schema that zod writes for options. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  /** What holds without a value, in words, where it is no fixed value. */
  readonly fallback?: string;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** One option, as the reference and `cullinan describe` show it. */
export interface Option {
  /** Dotted where it is within another: `queue.samples`; `groups.NAME.exe`, `relabel[].drop` in each of several. */
  readonly name: string;
  readonly type: string;
  /** As it would be written, or in words; `undefined` where there is none. */
  readonly default: string | undefined;
  /** Whether `default` is a rule in words rather than a value that could be written. */
  readonly inWords: boolean;
  /** Whether there is neither a default nor a way to leave it out. */
  readonly required: boolean;
  readonly help: string;
  /** Whether it is part of each entry of a map or of a list, of which there are none by default. */
  readonly ofEach: boolean;
}

const schemas = new WeakMap<z.ZodType, JsonSchema>();

/** What a user may write for a schema, as JSON Schema. */
export function inputSchema(schema: z.ZodType): JsonSchema {
  let known = schemas.get(schema);
  if (known === undefined) {
    // Of the schema itself, which the built program has a stand-in for (scripts/late-schemas.mjs).
    const itself = z.optional(schema).unwrap();
    known = toJSONSchema(itself, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
    schemas.set(schema, known);
  }
  return known;
}

/** The options of a plugin, or of any other schema of a map, in the order they are declared. */
export function describeOptions(schema: z.ZodType): readonly Option[] {
  return flatten(inputSchema(schema), '');
}

/** The options that are not a plugin's own: the agent's, every collector's, every handler's. */
export function describeConfig(): Readonly<
  Record<'agent' | 'collector' | 'handler', readonly Option[]>
> {
  return {
    agent: describeOptions(globals),
    collector: describeOptions(collectorKeys),
    handler: describeOptions(handlerKeys),
  };
}

function flatten(schema: JsonSchema, prefix: string, help = '', ofEach = false): Option[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, each]) => {
    const name = prefix + key;
    const about = each.description ?? help;
    if (each.properties !== undefined) return flatten(each, `${name}.`, about, ofEach);
    const text = each.default === undefined ? each.fallback : written(each.default);
    const required = schema.required?.includes(key) ?? false;
    const inWords = each.default === undefined && each.fallback !== undefined;
    const option = { name, type: typeText(each), default: text, inWords, required, help: about };
    return [{ ...option, ofEach }, ...entries(each, name)];
  });
}

/** The options of each entry of a map or a list. */
function entries({ items, additionalProperties: others }: JsonSchema, name: string): Option[] {
  const inMap = typeof others === 'object' ? flatten(others, `${name}.NAME.`, '', true) : [];
  const inList = items === undefined ? [] : flatten(items, `${name}[].`, '', true);
  return [...inMap, ...inList];
}

const written = (value: unknown): string =>
  typeof value === 'string' && value !== '' ? value : JSON.stringify(value);

const patternOf = (schema: z.ZodType) => inputSchema(schema).pattern;

/** What may be written, in a few words: `duration`, `raw | rates`, `list of text`. */
function typeText(schema: JsonSchema): string {
  const { type, pattern, items, additionalProperties: others } = schema;
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return [...new Set(branches.map(typeText))].join(' or ');
  if (schema.enum !== undefined) return schema.enum.map(String).join(' | ');
  if (schema.const !== undefined) return String(schema.const);
  switch (type) {
    case 'string':
      if (pattern !== undefined && pattern === patternOf(duration())) return 'duration';
      if (pattern !== undefined && pattern === patternOf(size())) return 'size';
      return 'text';
    case 'integer':
    case 'number':
      return `${type === 'integer' ? 'whole number' : 'number'}${range(schema)}`;
    case 'boolean':
      return 'true | false';
    case 'array':
      return items === undefined ? 'list' : `list of ${typeText(items)}`;
    case 'object':
      return typeof others === 'object' ? `map of ${typeText(others)}` : 'map';
    default:
      return type ?? 'anything';
  }
}

function range({ minimum, maximum }: JsonSchema): string {
  // zod writes the limits of exact integers where an option has none of its own.
  const low = minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const high = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (low !== undefined && high !== undefined) return ` ${low}–${high}`;
  if (low !== undefined) return ` ≥ ${low}`;
  return high === undefined ? '' : ` ≤ ${high}`;
}

/** The schema of what stands at a path, as far as it is known. */
export function schemaAt(schema: JsonSchema, path: readonly PropertyKey[]): JsonSchema {
  let at = schema;
  for (const step of path) {
    const others = at.additionalProperties;
    const next =
      typeof step === 'number'
        ? at.items
        : (at.properties?.[String(step)] ?? (typeof others === 'object' ? others : undefined));
    at = next ?? {};
  }
  return at;
}

/** Fills in the defaults, within maps too: two inputs that mean the same become the same. */
export function withDefaults(schema: JsonSchema, input: unknown): unknown {
  const value = input ?? schema.default;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const full: Record<string, unknown> = { ...value };
  for (const [key, each] of Object.entries(schema.properties ?? {})) {
    const filled = withDefaults(each, full[key]);
    if (filled !== undefined) full[key] = filled;
  }
  return full;
}

interface Plugins {
  readonly collectors: ReadonlyMap<
    string,
    { readonly summary: string; readonly options: z.ZodType }
  >;
  readonly handlers: ReadonlyMap<string, { readonly summary: string; readonly options: z.ZodType }>;
  readonly dialects: ReadonlyMap<string, { readonly options?: z.ZodType | undefined }>;
}

/** A dialect's name, or a map of its name and its options. */
function dialectSchema(dialects: Plugins['dialects'], described: JsonSchema | undefined) {
  const maps = [...dialects].map(([name, { options }]) => ({
    type: 'object',
    required: ['name'],
    properties: { name: { const: name }, ...(options && inputSchema(options).properties) },
    additionalProperties: false,
  }));
  return {
    description: described?.description,
    fallback: described?.fallback,
    anyOf: [{ enum: [...dialects.keys()] }, ...maps],
  };
}

/** The JSON Schema of the whole configuration file, for editors. */
export function configJsonSchema({
  collectors,
  handlers,
  dialects,
}: Plugins): Record<string, unknown> {
  const section = (
    place: 'collectors' | 'handlers',
    plugins: Plugins['collectors'],
    keys: z.ZodType,
    more: Record<string, unknown> = {},
  ) => {
    const common = { ...inputSchema(keys).properties, ...more };
    const properties: Record<string, unknown> = {};
    for (const [name, { summary, options }] of plugins) {
      properties[name] = {
        type: ['object', 'null'],
        description: summary,
        properties: { ...common, ...inputSchema(options).properties },
        additionalProperties: false,
      };
    }
    // An instance under a name of its own has the options of its type.
    const type = { enum: [...plugins.keys()] };
    const allOf = [...plugins.keys()].map((name) => ({
      if: { required: ['type'], properties: { type: { const: name } } },
      // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
      then: { $ref: `#/properties/${place}/properties/${name}` },
    }));
    const other = { type: 'object', required: ['type'], properties: { ...common, type }, allOf };
    return { type: ['object', 'null'], properties, additionalProperties: other };
  };
  const collected = section('collectors', collectors, collectorKeys);
  const dialect = dialectSchema(dialects, inputSchema(handlerKeys).properties?.['dialect']);
  const defaults = { ...inputSchema(collectorKeys).properties };
  delete defaults['type'];
  const standard = {
    type: ['object', 'null'],
    description: 'Gives these keys to every collector.',
    properties: defaults,
    additionalProperties: false,
  };
  return referring({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'cullinan.yaml',
    type: 'object',
    properties: {
      ...inputSchema(globals).properties,
      collectors: { ...collected, properties: { default: standard, ...collected.properties } },
      handlers: section('handlers', handlers, handlerKeys, { dialect }),
    },
    additionalProperties: false,
  }) as Record<string, unknown>;
}

/** Text of a form, and a number, may also be a reference, such as `${PWD}` or `${file:/run/secrets/x}`. */
function referring(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(referring);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]) => {
      if (key === 'pattern' && typeof value === 'string') return [[key, `${value}|\\$\\{`]];
      if (key === 'type' && ['integer', 'number', 'boolean'].includes(value)) {
        return [
          [key, [value, 'string']],
          ['pattern', '\\$\\{'],
        ];
      }
      return [[key, referring(value)]];
    }),
  );
}
