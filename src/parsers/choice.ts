import { type Parser, z } from '../plugin/index.ts';
import { parsers } from './list.ts';

/** A parser and its options, ready to be opened. */
export interface ChosenParser {
  readonly parser: Parser;
  readonly options: unknown;
}

/** An option that chooses a parser: its name, or a map of its name and its own options. */
export const parserOption = () =>
  z
    .union([z.string(), z.looseObject({ name: z.string() })])
    .transform((given, context): ChosenParser => {
      const { name, ...own } = typeof given === 'string' ? { name: given } : given;
      const wrong = (message: string, path: PropertyKey[] = []) => {
        context.issues.push({ code: 'custom', message, path, input: given });
        return z.NEVER;
      };
      const parser = parsers.get(name);
      if (parser === undefined) {
        const at = typeof given === 'string' ? [] : ['name'];
        return wrong(`must be a parser: ${[...parsers.keys()].join(', ')}`, at);
      }
      const result = parser.options.safeParse(own);
      if (result.success) return { parser, options: result.data };
      for (const issue of result.error.issues) {
        const keys = issue.code === 'unrecognized_keys' ? ` (${issue.keys.join(', ')})` : '';
        wrong(`${issue.message}${keys}`, [...issue.path]);
      }
      return z.NEVER;
    });
