import { resolve } from 'node:path';
import { type ChosenParser, choose, isOwn, ownParser, parsers } from '../parsers/index.ts';
import { Foreseen, type Parser } from '../plugin/index.ts';
import { UsageError } from './io.ts';

const known = (name: string): Parser | undefined =>
  parsers.get(name) ?? parsers.get(name.slice(name.lastIndexOf('.') + 1));

/** Whether a name is that of a parser, or a path where one may be. */
export const isKnown = (name: string): boolean => isOwn(name) || known(name) !== undefined;

/**
 * The parser of a name, or in a file of one's own; logster's dotted paths (`logster.parsers.PostfixLogster.PostfixLogster`) end in
 * theirs.
 */
export async function parserNamed(name: string): Promise<Parser> {
  if (isOwn(name)) return await parserAt(resolve(name));
  const found = known(name);
  if (found !== undefined) return found;
  const names = [...parsers.keys()];
  const { hintFor } = await import('./hint.ts');
  throw new UsageError(`no parser is called "${name}". ${hintFor(name, names)}`);
}

/** Most import nothing of the agent but `cullinan/plugin`: to load what knows all doors is a tenth of a short run. */
async function parserAt(path: string): Promise<Parser> {
  try {
    return ownParser(path);
  } catch (error) {
    if (!(error instanceof Foreseen)) throw error;
    const { parserHere } = await import('../foreign/index.ts');
    return await parserHere(path);
  }
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
  const said = issue?.message ?? '';
  // Words of our own go on from the option's name.
  const what = where === '' ? '' : `${where}${/^[a-z]/.test(said) ? '' : ':'} `;
  throw new UsageError(
    `--parser-options is "${text ?? ''}": ${what}${said}. Try: cullinan describe ${parser.name}`,
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
  const { optionMap } = await import('./option-map.ts');
  return optionMap('--parser-options', text);
}
