import { SourceMap } from 'node:module';

/** How what runs came of what was written, by the path of each file: as source maps have it. */
export type Maps = ReadonlyMap<string, string>;

const known = new Map<string, SourceMap>();

/** Remembers them for what runs in this thread. */
export function keepPlaces(maps: Maps): void {
  for (const [path, mappings] of maps) {
    const map = { version: 3, file: path, sources: [path], sourcesContent: [], names: [] };
    known.set(path, new SourceMap({ ...map, mappings, sourceRoot: '' }));
  }
}

const PLACE = /^:(\d+):(\d+)/;

/**
 * A text with the places of compiled files in it, such as a stack: as they are in the files that were written. Lines
 * are the same in both, columns are not.
 */
export function inSource(text: string): string {
  let said = text;
  for (const [path, map] of known) {
    for (let at = said.indexOf(path); at !== -1; at = said.indexOf(path, at + 1)) {
      const end = at + path.length;
      const [place, line, column] = PLACE.exec(said.slice(end, end + 20)) ?? [];
      if (place === undefined) continue;
      const { originalLine, originalColumn } = originOf(map, Number(line) - 1, Number(column) - 1);
      if (originalLine !== Number(line) - 1) continue;
      const written = `:${line}:${originalColumn + 1}`;
      said = said.slice(0, end) + written + said.slice(end + place.length);
    }
  }
  return said;
}

/** Nothing where it is nothing that somebody wrote. */
function originOf(map: SourceMap, line: number, column: number) {
  const found = map.findEntry(line, column);
  return 'originalLine' in found ? found : { originalLine: -1, originalColumn: -1 };
}
