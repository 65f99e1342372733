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
