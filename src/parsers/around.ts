import type { core } from 'zod';
import { aroundOptions, type Joining, joined, type Parser, unwrapped } from '../plugin/index.ts';
import { parsers } from './list.ts';

/** A parser and its options, ready to be opened. */
export interface ChosenParser {
  readonly parser: Parser;
  readonly options: unknown;
}

/** What is wrong with an option, and where: as zod has it, or in words of our own. */
export type OptionIssue =
  | Exclude<core.$ZodIssue, { readonly code: 'unrecognized_keys' }>
  | {
      readonly code: 'custom';
      readonly path: PropertyKey[];
      /** The end of a sentence that begins with the option. */
      readonly message: string;
    };

/** A parser with the options that it is given, and those that every parser has. */
export function choose(
  parser: Parser,
  given: Readonly<Record<string, unknown>>,
): ChosenParser | { readonly issues: readonly OptionIssue[] } {
  const { wrapper, join, ...others } = given;
  const around = aroundOptions.safeParse({ wrapper, join });
  const own = parser.options.safeParse(others);
  if (!around.success || !own.success) {
    const issues = [...(around.error?.issues ?? []), ...(own.error?.issues ?? [])];
    return { issues: issues.flatMap((it) => inWords(it, parser)) };
  }
  const options = own.data;
  let it = parser;
  try {
    if (around.data.join !== undefined) it = joined(it, joiningOf(around.data.join, it, options));
  } catch (error) {
    return { issues: [{ code: 'custom', path: ['join'], message: (error as Error).message }] };
  }
  if (around.data.wrapper !== undefined) it = unwrapped(it, around.data.wrapper);
  return { parser: it, options };
}

/** Which options there are, only the parser's own page tells. */
function inWords(issue: core.$ZodIssue, { name }: Parser): readonly OptionIssue[] {
  if (issue.code !== 'unrecognized_keys') return [issue];
  const message = `is no option of the parser ${name}`;
  return issue.keys.map((key) => ({ code: 'custom', path: [...issue.path, key], message }));
}

/** @throws {@link Error} that says why lines cannot be joined so. */
function joiningOf(join: string, parser: Parser, options: unknown): Joining {
  if (join === 'indented') return { begins: join };
  if (join === 'time') {
    if (parser.open(options).timeOf !== undefined) return { begins: join };
    throw new Error(`must be another: the parser ${parser.name} cannot tell the time of a line`);
  }
  // The parser of expressions is one that is loaded when it is asked for.
  const regex = parsers.get('regex');
  const rules = regex?.options.safeParse({ rules: [{ name: 'begins', match: join }] });
  if (regex === undefined || rules?.success !== true) {
    const why = rules?.error?.issues[0]?.message ?? 'there is no parser regex';
    throw new Error(`must be time, indented or an expression: it ${why}`);
  }
  const { parse } = regex.open(rules.data);
  return { begins: (line) => parse(line) };
}
