import type { Draft } from '../draft.ts';
import type { Importer } from '../importer.ts';
import { fileIn } from '../input.ts';
import { channels } from './channels.ts';
import { readGmond } from './confuse.ts';
import { collectionGroups } from './groups.ts';
import { linesOf, Section } from './section.ts';

/** Moves a gmond's configuration over, with all that it includes. */
export const gmond: Importer = {
  name: 'gmond',
  title: 'gmond',
  takes: 'its gmond.conf',
  words: 1,
  draft([path = ''], draft) {
    const top = new Section(draft, readGmond(fileIn(path, 'gmond.conf'), draft));
    const groups = collectionGroups(draft, top);
    channels(draft, top, groups);
    modules(draft, top);
    top.leave('sFlow is not heard: gmond itself, or hsflowd’s own outputs, can go on', 'sflow');
  },
};

const CORE = /^(core_metrics|(cpu|disk|load|mem|net|proc|sys)_module)$/;

function modules(draft: Draft, top: Section): void {
  for (const all of top.sections('modules')) {
    for (const option of all.all('module')) {
      const section = new Section(draft, option.children ?? []);
      const name = section.text('name') ?? '';
      if (CORE.test(name)) draft.carry([...linesOf(option)]);
      else
        draft.leave(
          [...linesOf(option)],
          'modules of gmond’s are not loaded: a collector of your own takes its place',
        );
    }
  }
}
