import { registry } from '../../agent/index.ts';
import { describeOptions } from '../../config/index.ts';
import { exactly } from '../patterns.ts';
import type { Plugin } from './plugin.ts';

/** A list of globs, as both have them; undefined where one of them means something else here. */
function globs(texts: readonly string[] | undefined): readonly string[] | undefined {
  if (texts === undefined || texts.length === 0) return undefined;
  return texts.every((text) => !/[[\]{}!\\?]/.test(text) && !text.startsWith('re:') && text !== '')
    ? texts
    : undefined;
}

/** Takes a list of devices for `include` of an option. */
export function include(plugin: Plugin, key: string, path: readonly string[], exact = false): void {
  const texts = plugin.list(key);
  if (texts?.length === 0) {
    plugin.carry(key);
    return;
  }
  const wanted = exact ? texts?.map(exactly) : globs(texts);
  if (wanted === undefined)
    plugin.leave('these globs mean something else here: write them by hand', key);
  else plugin.draft.set([...path, 'include'], wanted, plugin.lines(key));
}

/** What a collector leaves out by itself. */
function excluded(collector: string, option: string): readonly string[] {
  const schema = registry.collectors.get(collector)?.options;
  const all = schema === undefined ? [] : describeOptions(schema);
  const written = all.find(({ name }) => name === `${option}.exclude`)?.default;
  const value: unknown = written === undefined ? [] : JSON.parse(written);
  return Array.isArray(value) ? (value as string[]) : [];
}

/** Adds to what is left out already. */
export function exclude(
  plugin: Plugin,
  keys: readonly string[],
  texts: readonly string[] | undefined,
  path: readonly string[],
): void {
  const more = globs(texts);
  if (texts?.length === 0) plugin.carry(...keys);
  else if (more === undefined)
    plugin.leave('these globs mean something else here: write them by hand', ...keys);
  else {
    const [, collector = '', option = ''] = path;
    const before = excluded(collector, option);
    const all = [...new Set([...before, ...more])];
    plugin.draft.set(
      [...path, 'exclude'],
      all,
      plugin.lines(...keys),
      before.length === 0 ? undefined : 'The defaults, and those of Telegraf.',
    );
  }
}

/**
 * Takes `tagpass` and `tagdrop` where they choose devices.
 *
 * @param devices the tags that do, by the collector's options that choose them.
 */
export function takeTags(
  plugin: Plugin,
  devices: Readonly<Record<string, string>>,
  at: readonly string[],
): void {
  const passes = plugin.keys().filter((key) => key.startsWith('tagpass.'));
  const drops = plugin.keys().filter((key) => key.startsWith('tagdrop.'));
  if (
    plugin.name === 'cpu' &&
    passes.length === 1 &&
    plugin.list('tagpass.cpu')?.join() === 'cpu-total'
  ) {
    plugin.draft.set([...at, 'perCpu'], false, plugin.lines('tagpass.cpu'));
    return;
  }
  for (const key of passes) {
    const option = devices[key.slice('tagpass.'.length)];
    const other = passes.length > 1 || plugin.draft.has([...at, option ?? '', 'include']);
    if (option === undefined) plugin.leave('cullinan has no such tag to choose by', key);
    else if (other)
      plugin.leave(
        'of several tags one has to fit in Telegraf, and all have to here: write it by hand',
        key,
      );
    else include(plugin, key, [...at, option]);
  }
  const byOption = new Map<string, string[]>();
  for (const key of drops) {
    const option = devices[key.slice('tagdrop.'.length)];
    if (option === undefined) plugin.leave('cullinan has no such tag to choose by', key);
    else byOption.set(option, [...(byOption.get(option) ?? []), key]);
  }
  for (const [option, keys] of byOption) {
    const before = plugin.name === 'disk' && option === 'types' ? ['ignore_fs'] : [];
    const all = [...before, ...keys];
    exclude(
      plugin,
      all,
      all.flatMap((key) => plugin.list(key) ?? []),
      [...at, option],
    );
  }
}
