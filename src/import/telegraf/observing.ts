import { registry } from '../../agent/index.ts';
import type { Draft } from '../draft.ts';
import type { Counterpart } from './counterpart.ts';
import { takeTags } from './devices.ts';
import { INPUTS, NO_INPUT } from './inputs.ts';
import { NAMES } from './output-options.ts';
import { type Plugin, verbatim } from './plugin.ts';

export const counterpartOf = ({ name }: Plugin): Counterpart | undefined =>
  Object.hasOwn(INPUTS, name) ? INPUTS[name] : undefined;

/** Makes collectors of inputs. */
export function inputs(
  draft: Draft,
  plugins: readonly Plugin[],
  handlers: readonly string[],
): void {
  const wanted = new Set<string>();
  const taken = new Set<string>();
  for (const it of plugins) {
    const counterpart = counterpartOf(it);
    const [first] = counterpart?.collectors ?? [];
    if (counterpart === undefined || first === undefined) {
      const why = Object.hasOwn(NO_INPUT, it.name) ? NO_INPUT[it.name] : undefined;
      it.leaveRest(
        why ?? `cullinan has no collector for ${it.name}: cullinan list shows its collectors`,
      );
      continue;
    }
    if (counterpart.make === undefined && taken.has(it.name)) {
      it.leaveRest(
        `the collector ${first} observes it already: a second one would send each point twice`,
      );
      continue;
    }
    taken.add(it.name);
    const at = ['collectors', first];
    const instances = counterpart.make?.(it) ?? [first];
    if (instances.length === 0) {
      it.leaveRest('nothing of it could be carried over');
      continue;
    }
    counterpart.take?.(it, at);
    for (const collector of counterpart.make === undefined ? counterpart.collectors : []) {
      wanted.add(collector);
      const usual = registry.collectors.get(collector)?.enabled !== false;
      if (!usual) draft.set(['collectors', collector, 'enabled'], true, it.header);
    }
    draft.carry(it.header);
    if (counterpart.note !== undefined && draft.has(at)) draft.note(at, counterpart.note);
    for (const instance of instances) runs(it, ['collectors', instance]);
    it.carry('alias');
    takeTags(it, counterpart.devices ?? {}, at);
    tags(draft, it, instances, handlers);
    it.leave(NAMES, 'name_override', 'name_prefix', 'name_suffix');
    const filters = it
      .keys()
      .filter((key) => /^(?:field|tag(?:include|exclude)|metricpass|name(?:pass|drop))/.test(key));
    it.leave(
      'fields and tags have other names here: only and except of a handler choose',
      ...filters,
    );
    it.leaveRest('cullinan has nothing of the kind');
  }
  if (plugins.length === 0) return;
  for (const [name, { enabled }] of registry.collectors) {
    if (enabled === false || wanted.has(name) || draft.has(['collectors', name])) continue;
    draft.set(['collectors', name, 'enabled'], false, undefined, 'Telegraf had no input for it.');
  }
}

/** How often a collector runs. */
function runs(it: Plugin, at: readonly string[]): void {
  if (it.given('interval') !== undefined) it.copy('interval', [...at, 'interval'], it.duration);
  if (it.duration('collection_jitter') !== undefined && it.duration('collection_jitter') !== '0s')
    it.copy('collection_jitter', [...at, 'stagger'], it.duration);
}

/** An input's own tags as labels of what its collectors send. */
function tags(
  draft: Draft,
  it: Plugin,
  instances: readonly string[],
  handlers: readonly string[],
): void {
  const keys = it.keys().filter((key) => key.startsWith('tags.'));
  if (keys.length === 0) return;
  const texts = keys.map((key) => [key.slice('tags.'.length), it.text(key)] as const);
  if (handlers.length === 0 || texts.some(([, text]) => text === undefined)) {
    it.leave('labels of one collector are relabel’s of a handler', ...keys);
    return;
  }
  const labels = Object.fromEntries(texts.map(([label, text]) => [label, verbatim(text ?? '')]));
  for (const handler of handlers)
    draft.append(
      ['handlers', handler, 'relabel'],
      { match: instances.map((instance) => `collector:${instance}`), labels },
      it.lines(...keys),
    );
}
