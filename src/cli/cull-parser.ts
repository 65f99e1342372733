import { resolve } from 'node:path';
import { type ChosenParser, choose, isOwn, ownParser, parsers } from '../parsers/index.ts';
import type { Parser } from '../plugin/index.ts';
import { listed, UsageError } from './io.ts';

const known = (name: string): Parser | undefined =>
  parsers.get(name) ?? parsers.get(name.slice(name.lastIndexOf('.') + 1));

/** Whether a name is that of a parser, or a path where one may be. */
export const isKnown = (name: string): boolean => isOwn(name) || known(name) !== undefined;

/**
 * The parser of a name, or in a file of one's own; logster's dotted paths (`logster.parsers.PostfixLogster.PostfixLogster`) end in
 * theirs.
 */
export async function parserNamed(name: string): Promise<Parser> {
  if (isOwn(name)) return ownParser(resolve(name));
  const found = known(name);
  if (found !== undefined) return found;
  const names = [...parsers.keys()];
  const { suggest } = await import('../config/index.ts');
  const near = suggest(name, names);
  const hint = near === undefined ? `There are ${listed(names)}.` : `Did you mean "${near}"?`;
  throw new UsageError(`no parser is called "${name}". ${hint}`);
}

/**
 * Takes a parser's options in one text: as logster's parsers take them (`-l WARN,ERROR`), or as the
 * configuration has them (`format: combined, topPaths: 20`).
 */
export async function chooseParser(name: string, text: string | undefined): Promise<ChosenParser> {
  const parser = await parserNamed(name);
  const chosen = choose(parser, await given(parser, text));
  if (!('issues' in chosen)) return chosen;
  const [issue] = chosen.issues;
  const where = issue?.path.filter((step) => step !== OPTION_STRING).join('.') ?? '';
  const what = where === '' ? '' : `${where}: `;
  throw new UsageError(
    `--parser-options is "${text ?? ''}": ${what}${issue?.message}. Try: cullinan describe ${parser.name}`,
  );
}

/** The option in which logster's parsers take logster's own text. */
const OPTION_STRING = 'optionString';

async function given({ options }: Parser, text = ''): Promise<Readonly<Record<string, unknown>>> {
  const words = text.trim();
  if (words === '') return {};
  // What such a text begins with tells: a map in YAML begins with a name and a colon.
  const isMap = words.startsWith('{') || /^[\w-]+:(\s|$)/.test(words);
  const isOld = !isMap && options.safeParse({ [OPTION_STRING]: '' }).success;
  if (isOld) return { [OPTION_STRING]: words };
  const { parseYaml } = await import('./cull-yaml.ts');
  try {
    const read = parseYaml(words.startsWith('{') ? words : `{${words}}`) ?? {};
    return read as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new UsageError(
      `--parser-options is "${text}"; it must be "name: value, name: value": ${(error as Error).message.split('\n')[0]}`,
    );
  }
}
