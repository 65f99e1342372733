import type { Draft, Path } from '../draft.ts';
import type { Asked } from './asked.ts';
import { fragments, headings, linesOf, overridden, type Whole, within } from './files.ts';
import { NOWHERE, SENDERS } from './handlers.ts';
import { Settings } from './settings.ts';

/** Why settings of the log have no counterpart. */
export const LOGS = 'the log goes to standard error: journald keeps it, log.level says how much';

/** Makes handlers of those that are in use. */
export function handlers(whole: Whole, asked: Asked): void {
  const { draft, main } = whole;
  const setting = within(main, 'server')?.settings.get('handlers');
  const classes = [setting?.value ?? []].flat().filter((each) => each !== '');
  const section = within(main, 'handlers');
  const standard = within(section, 'default');
  draft.carry([section?.line, standard?.line].filter((line) => line !== undefined));
  const files = fragments(whole, 'handlers_config_path', 'handlers');
  draft.leave(section?.settings.get('keys')?.line, LOGS);
  draft.note(
    ['handlers'],
    'Below "only" stands what Diamond published; without it, all that is collected is sent.',
  );
  const called = new Map<string, number>();
  const missing: string[] = [];
  for (const whole of classes) {
    const [name = '', module = ''] = whole.trim().split('.').reverse();
    const sender = SENDERS[name] ?? SENDERS[module];
    const layers = [within(section, name), files.get(name)];
    overridden(draft, layers);
    if (sender === undefined) {
      missing.push(name);
      const why = NOWHERE[name] ?? `there is no counterpart of ${name}: cullinan list`;
      draft.leave(
        layers.flatMap((layer) => [...linesOf(layer)]),
        why,
      );
      continue;
    }
    draft.carry([...headings(layers)]);
    const nth = (called.get(sender.handler) ?? 0) + 1;
    called.set(sender.handler, nth);
    const instance = nth === 1 ? sender.handler : `${sender.handler}-${nth}`;
    const at = ['handlers', instance];
    if (nth > 1) draft.set([...at, 'type'], sender.handler);
    spoken(draft, at, asked);
    const settings = new Settings(draft, [standard, ...layers]);
    sender.options(settings, at);
    settings.leave(
      'what goes wrong is said once, and again every ten minutes',
      'server_error_interval',
      'log_level',
    );
    settings.leave(
      'one loop feeds all handlers, and each has a queue of its own',
      'get_default_config_help',
    );
    routed(draft, at, asked);
  }
  if (setting !== undefined) {
    if (missing.length === 0) draft.carry(setting.line);
    else
      draft.leave(
        setting.line,
        `there is no counterpart of ${missing.join(', ')}; the others are carried over`,
      );
  }
  const named = new Set(classes.map((each) => each.trim().split('.').at(-1) ?? ''));
  for (const [name, unused] of [...(section?.sections ?? []), ...files]) {
    if (name === 'default' || named.has(name)) continue;
    // It was not in use.
    draft.carry([...linesOf(unused)]);
  }
  if (classes.length === 0 || !draft.has(['handlers'])) {
    draft.note(
      [],
      'No handler could be carried over: without one, cullinan shows the host on the terminal.',
    );
  }
}

/** How names are made: Diamond's, below its prefix. */
function spoken(
  draft: Draft,
  at: Path,
  { prefix, suffix, instancePrefix, dialect, lines }: Asked,
): void {
  const more = {
    ...(instancePrefix === undefined ? {} : { instancePrefix }),
    ...Object.fromEntries(dialect),
  };
  const plain = Object.keys(more).length === 0;
  draft.set([...at, 'dialect'], plain ? 'diamond' : { name: 'diamond', ...more });
  if (prefix !== undefined) draft.set([...at, 'prefix'], prefix);
  if (suffix !== undefined && suffix !== '') draft.set([...at, 'suffix'], suffix);
  draft.carry(lines);
}

/** What is sent: all that Diamond published, and nothing else. */
function routed(draft: Draft, at: Path, { only, except, relabel }: Asked): void {
  draft.set([...at, 'only'], only);
  if (except.length > 0) draft.set([...at, 'except'], except);
  if (relabel.length > 0) draft.set([...at, 'relabel'], relabel);
}
