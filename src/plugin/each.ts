import type { Observation } from '../metric/index.ts';
import { NoData } from './errors.ts';

/**
 * Looks at everything that is configured under a name, all at once. What goes wrong with one costs its
 * siblings nothing, and its error names it; where there is only one, its error is thrown.
 *
 * @param what they are called in the configuration, for the error where there are none.
 */
export async function* each<T>(
  what: string,
  named: Readonly<Record<string, T>>,
  look: (name: string, one: T) => Promise<Iterable<Observation | Error>>,
): AsyncGenerator<Observation | Error> {
  const entries = Object.entries(named);
  const [only, another] = entries;
  if (only === undefined)
    throw new NoData(`no ${what} are configured: set \`${what}\`, each under a name of its own`);
  if (another === undefined) {
    yield* await look(...only);
    return;
  }
  const all = entries.map(async ([name, one]) => {
    try {
      return await look(name, one);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      error.message = `${name}: ${error.message}`;
      return [error];
    }
  });
  for (const observed of await Promise.all(all)) yield* observed;
}
