/** Configurations of ancestors in, a cullinan.yaml out that loads, with what was left behind. */
import { Draft, type Line } from './draft.ts';
import type { Importer } from './importer.ts';
import { hasSecrets, placeOf, render, shown } from './render.ts';
import { validate } from './validate.ts';

export { InputError } from './problem.ts';

/** By the name that the command line has for them; each is loaded when it is called. */
const IMPORTERS: Readonly<Record<string, () => Promise<Importer>>> = {
  telegraf: async () => (await import('./telegraf/importer.ts')).telegraf,
  statsd: async () => (await import('./statsd/importer.ts')).statsd,
  logster: async () => (await import('./logster/importer.ts')).logster,
  collectd: async () => (await import('./collectd/importer.ts')).collectd,
  gmond: async () => (await import('./gmond/importer.ts')).gmond,
  diamond: async () => (await import('./diamond/importer.ts')).diamond,
};

/** What can be imported, by name. */
export const importers: ReadonlyMap<string, () => Promise<Importer>> = new Map(
  Object.entries(IMPORTERS),
);

/** What became of a configuration. */
export interface Imported {
  /** For a file that its owner alone may read: with the secrets, where there are any. */
  readonly owners: string;
  /** For anybody: with references to files in the place of secrets. */
  readonly anybodys: string;
  /** Whether the two differ. */
  readonly secrets: boolean;
  /** Whether it is a configuration, and not another file: a crontab. */
  readonly configuration: boolean;
  /** How many directives were read. */
  readonly directives: number;
  /** How many lines were read that say something. */
  readonly lines: number;
  /** Of how many of them everything could be carried over: several directives may stand on one. */
  readonly carried: number;
  /** What could not be carried over: `file:line: text`, and why. */
  readonly left: readonly { readonly line: string; readonly why: string }[];
}

/**
 * Moves a configuration over.
 *
 * @throws {@link InputError} if it cannot be read or understood.
 */
export function convert(importer: Importer, words: readonly string[]): Imported {
  const draft = new Draft();
  draft.note([], `Imported from ${importer.title}: ${words.join(' ')}`);
  importer.draft(words, draft);
  if (draft.instead === undefined) validate(draft);
  const left = draft.left();
  const read = new Set(draft.lines.map(placeOf));
  const told = (line: Line): string => `${placeOf(line)}: ${shown(line)}`;
  return {
    owners: draft.instead ?? render(draft, 'owner'),
    anybodys: draft.instead ?? render(draft, 'anybody'),
    configuration: draft.instead === undefined,
    secrets: hasSecrets(draft),
    directives: draft.lines.length,
    lines: read.size,
    carried: read.size - new Set(left.map(({ line }) => placeOf(line))).size,
    left: left.map(({ line, why }) => ({ line: told(line), why })),
  };
}
