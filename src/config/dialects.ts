import type { z } from '../plugin/index.ts';
import type { Registry } from './config.ts';
import type { At, Examination } from './examination.ts';
import { split } from './instances.ts';
import type { Place } from './problem.ts';
import { didYouMean } from './suggest.ts';
import { emptyMap, isNothing, type MapNode } from './tree.ts';

/** What is written of a dialect: its name among the handler's other keys, and its own options. */
export interface Spoken {
  readonly common: MapNode;
  readonly own: MapNode | undefined;
  readonly key: Place | undefined;
}

/** `dialect: { name: …, … }` as `dialect: name`, and the rest of its map. */
export function spokenIn(common: MapNode, { where, hint }: At, examination: Examination): Spoken {
  const entry = common.entries.get('dialect');
  if (entry?.value.kind !== 'map') return { common, own: undefined, key: undefined };
  const [named, own] = split(entry.value, ['name']);
  const entries = new Map(common.entries);
  const name = named.entries.get('name');
  if (name === undefined || isNothing(name.value)) {
    entries.delete('dialect');
    examination.blame(entry.key ?? entry.value.place, {
      message: `${where.join('.')}.dialect needs the option "name"`,
      remedy: 'add "name: …" (The dialect itself)',
      hint,
    });
    return { common: { ...common, entries }, own: undefined, key: undefined };
  }
  entries.set('dialect', { key: entry.key, value: name.value });
  return { common: { ...common, entries }, own, key: entry.key };
}

/**
 * The options of a dialect, checked; `undefined` where there is no such dialect or they are wrong.
 *
 * @param at where the handler stands that speaks it.
 */
export function dialectOptions(
  name: string,
  { common, own, key }: Spoken,
  at: At,
  dialects: Registry['dialects'],
  examination: Examination,
): { readonly value: unknown; readonly options?: z.ZodType; readonly input?: unknown } | undefined {
  const where = [...at.where, 'dialect'];
  const dialect = dialects.get(name);
  if (dialect === undefined) {
    const node = common.entries.get('dialect')?.value;
    const said = node?.kind === 'scalar' ? node.written : name;
    const names = [...dialects.keys()];
    examination.blame(node?.place ?? at.key, {
      message: `unknown dialect "${said}" in ${at.where.join('.')}`,
      remedy: didYouMean(said, names) ?? `it can be ${names.join(', ')}`,
      hint: at.hint,
    });
    return undefined;
  }
  const { options } = dialect;
  const hint = `Options: cullinan describe ${name}`;
  if (options === undefined) {
    for (const [option, entry] of own?.entries ?? []) {
      const message = `unknown option "${option}" in ${where.join('.')}`;
      const remedy = `leave it out: the dialect ${name} has no options`;
      examination.blame(entry.key, { message, remedy, hint });
    }
    return { value: undefined };
  }
  const its = { where, hint, key, siblings: ['name'] };
  const checked = examination.check(options, own ?? emptyMap(), its);
  return checked && { ...checked, options };
}
