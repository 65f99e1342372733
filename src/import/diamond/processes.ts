import { expression } from '../patterns.ts';
import type { Section } from './ini.ts';
import type { Settings } from './settings.ts';

/** `[process]`, with a section for each group. */
export function processGroups(settings: Settings, at: readonly string[]): void {
  const { draft } = settings;
  const groups: (Section | undefined)[] = settings.sections
    .filter(({ name }) => name === 'process')
    .flatMap((section) => {
      draft.carry(section.line);
      return [...section.sections.values()];
    });
  draft.note(
    [...at, 'groups'],
    'Diamond takes upper case and lower case for the same in these expressions; here they differ.',
  );
  for (const group of groups) {
    if (group === undefined) continue;
    if (!/^[\w.-]+$/.test(group.name)) {
      const lines = [group.line, ...[...group.settings.values()].map(({ line }) => line)];
      for (const line of lines) draft.leave(line, 'a name has letters, digits, "_", "." and "-"');
      continue;
    }
    const path = [...at, 'groups', group.name];
    draft.set(path, {}, group.line);
    for (const [key, { value, line }] of group.settings) {
      const list = [value].flat().map(expression);
      const known = list.filter((each) => each !== undefined);
      if (/^(exe|name|cmdline)$/.test(key) && known.length === list.length) {
        draft.set([...path, key], known, line);
      } else if (key === 'count_workers') draft.carry(line);
      else if (key === 'selfmon') draft.leave(line, 'the collector agent observes the agent');
      else draft.leave(line, 'this cannot be carried over: cullinan describe process');
    }
  }
  settings.expect(
    'unit',
    settings.text('unit') === 'B',
    'processes are told of in bytes: docs/dialects/diamond.md',
  );
}
