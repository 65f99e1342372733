/**
 * The part of zod that options are declared with. Named one by one, because a bundle keeps the whole
 * of a namespace that is handed on: all of zod weighs 9 MiB of memory, this a fraction of it.
 */
export {
  array,
  boolean,
  discriminatedUnion,
  enum,
  type input,
  int,
  literal,
  looseObject,
  NEVER,
  number,
  object,
  optional,
  type output,
  record,
  strictObject,
  string,
  tuple,
  union,
  url,
  type ZodType,
} from 'zod';
