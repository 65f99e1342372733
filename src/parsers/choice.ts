import { z } from '../plugin/index.ts';
import { type ChosenParser, choose } from './around.ts';
import { parsers } from './list.ts';

/** An option that chooses a parser: its name, or a map of its name and its options. */
export const parserOption = () =>
  z
    .union([z.string(), z.looseObject({ name: z.string() })])
    .transform((given, context): ChosenParser => {
      const { name, ...own } = typeof given === 'string' ? { name: given } : given;
      const wrong = (message: string, path: readonly PropertyKey[] = []) => {
        context.issues.push({ code: 'custom', message, path: [...path], input: given });
        return z.NEVER;
      };
      const parser = parsers.get(name);
      if (parser === undefined) {
        const at = typeof given === 'string' ? [] : ['name'];
        return wrong(`must be a parser: ${[...parsers.keys()].join(', ')}`, at);
      }
      const chosen = choose(parser, own);
      if (!('issues' in chosen)) return chosen;
      for (const { message, path } of chosen.issues) wrong(message, path);
      return z.NEVER;
    });
