import { isAbsolute } from 'node:path';
import type { core } from 'zod';
import { Foreseen, z } from '../plugin/index.ts';
import { type ChosenParser, choose } from './around.ts';
import { parsers } from './list.ts';
import { isOwn, ownParser } from './own.ts';

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
      const at = typeof given === 'string' ? [] : ['name'];
      let parser = parsers.get(name);
      if (parser === undefined && isOwn(name)) {
        if (!isAbsolute(name)) return wrong('must be the whole path of the parser’s file', at);
        try {
          parser = ownParser(name);
        } catch (error) {
          if (!(error instanceof Foreseen)) throw error;
          return wrong(`must be a parser: ${error.message}`, at);
        }
      }
      if (parser === undefined) {
        const names = [...parsers.keys()].join(', ');
        return wrong(`must be a parser: ${names}, or the path of your own`, at);
      }
      const chosen = choose(parser, own);
      if (!('issues' in chosen)) return chosen;
      for (const issue of chosen.issues) {
        // As it is, so that it is said in the words in which all that is wrong is said.
        context.issues.push({ ...issue, input: given } as core.$ZodRawIssue);
      }
      return z.NEVER;
    });
