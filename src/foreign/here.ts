import { parserFrom } from '../parsers/index.ts';
import { Foreseen, type Parser } from '../plugin/index.ts';
import { compile, evaluate } from '../script/index.ts';
import { opened } from './doors.ts';
import type { Place } from './protocol.ts';
import { type Plugin, pluginsIn } from './shape.ts';

/**
 * Loads a file into this thread.
 *
 * @returns its plugins, and the texts that they were made of.
 * @throws {@link Foreseen} in a sentence, if it cannot be loaded.
 */
export async function loadHere(
  path: string,
  as: Place['as'] = 'plugin',
): Promise<{ readonly plugins: readonly Plugin[]; readonly texts: ReadonlyMap<string, string> }> {
  const script = compile(path);
  const plugins = pluginsIn(evaluate(script, await opened(script.doors)), as, path);
  return { plugins, texts: script.texts };
}

/**
 * Loads the parser in a file into this thread. It may import all that a plugin may.
 *
 * @throws {@link Foreseen} in a sentence, whatever is wrong with the file.
 */
export async function parserHere(path: string): Promise<Parser> {
  let exports: ReturnType<typeof evaluate>;
  try {
    const script = compile(path);
    exports = evaluate(script, await opened(script.doors));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Foreseen(`it cannot be loaded: ${why}. Put it right, or name another.`, {
      cause: error,
    });
  }
  return parserFrom(path, exports);
}

/**
 * Loads a file beside a plugin into this thread, such as its tests.
 *
 * @returns what it exports by default.
 * @throws {@link Foreseen} in a sentence, if it cannot be loaded.
 */
export async function defaultOf(path: string): Promise<unknown> {
  const script = compile(path);
  const { default: it } = evaluate(script, await opened(script.doors));
  return it;
}
