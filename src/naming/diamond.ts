import type { Labels } from '../metric/index.ts';
import { levels } from '../wire/segment.ts';
import { type Dialect, defineDialect, type Naming, type Spelling } from './dialect.ts';
import { type Options, options } from './diamond-options.ts';
import { tableFor } from './diamond-table.ts';
import { anywhere, guestOf, withoutGuest } from './guest.ts';
import { generic, place } from './path.ts';

/** Diamond reads mount points as /proc/mounts escapes them (a space is `\040`) and drops the backslash. */
const escaped = (character: string): string => character.charCodeAt(0).toString(8).padStart(3, '0');

/** The volume's label where it has one, else the mount point with `_` for its slashes and dots. */
function filesystemName({ volume = '', mountpoint = '' }: Labels): string {
  if (volume !== '') return volume;
  const name = mountpoint.replace(/[ \t\n\\]/g, escaped).replace(/[/.]/g, '_');
  if (name === '_') return 'root';
  return name === '_tmp' ? 'tmp' : name;
}

const fill = (path: string, labels: Labels): string =>
  path.replace(/\{(\w+)\}/g, (_, label: string) =>
    levels(label === 'filesystem' ? filesystemName(labels) : (labels[label] ?? ''), '_'),
  );

/** Where Diamond has what it calls an instance: below its name, whichever host it is on. */
function belowGuest(guest: string, naming: Naming, { instancePrefix }: Options): Naming {
  if (naming.tags) return anywhere(naming);
  return { ...anywhere(naming), prefix: `${instancePrefix}.${levels(guest, '_')}`, suffix: '' };
}

function create(given: Options): Pick<Dialect, 'spell'> {
  const table = tableFor(given);
  return {
    spell(series, naming): readonly Spelling[] {
      const guest = guestOf(series);
      const there = guest === undefined ? naming : belowGuest(guest, naming, given);
      const match = table(series);
      if (match === undefined || !match.covers(series.labels)) {
        const plain = guest === undefined || naming.tags ? series : withoutGuest(series);
        return generic(plain, there, 'servers').map((name) => ({ ...name, series }));
      }
      return match.rows.map((row) => ({
        ...row,
        series,
        path: place(fill(row.path, series.labels), series, there, 'servers'),
      }));
    },
  };
}

/**
 * The names, units and precision of Diamond 4's core collectors, under `servers.<host>`, and of its
 * LibvirtKVMCollector, under `instances.<guest>`.
 *
 * Devices, interfaces and file system types beyond those that Diamond collects by default, and every
 * metric that Diamond does not have, take the generic rule, so that a wildcard like `network.*.rx_byte`
 * goes on meaning what it meant. docs/dialects/diamond.md lists what differs and why.
 */
export const diamond: Dialect = defineDialect({
  name: 'diamond',
  summary: "Diamond's names, units and precision; the generic rule for what Diamond does not have.",
  options,
  create,
});
