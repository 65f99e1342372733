import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { codeOf } from '../../plugin/index.ts';
import type { Draft, Line } from '../draft.ts';
import { readInput } from '../input.ts';
import { InputError } from '../problem.ts';
import { parseIni, type Section } from './ini.ts';

/** The file, the folders of fragments beside it, and what all of it says together. */
export interface Whole {
  readonly draft: Draft;
  readonly main: Section;
  readonly folder: string;
}

/** A section of a section. */
export const within = (section: Section | undefined, name: string): Section | undefined =>
  section?.sections.get(name);

/** Every line of a section and of those in it. */
export function* linesOf(section: Section | undefined): Generator<Line> {
  if (section === undefined) return;
  if (section.line !== undefined) yield section.line;
  for (const { line } of section.settings.values()) yield line;
  for (const each of section.sections.values()) yield* linesOf(each);
}

/** The headings of what holds for one class. */
export const headings = (layers: readonly (Section | undefined)[]): Line[] =>
  layers.flatMap((layer) => layer?.line ?? []);

/** What a fragment says takes the place of what the main file says. */
export function overridden(draft: Draft, [main, file]: readonly (Section | undefined)[]): void {
  for (const [key, { line }] of main?.settings ?? []) {
    const winner = file?.settings.get(key)?.line;
    if (winner !== undefined) draft.leave(line, `${winner.file}:${winner.line} overrides it`);
  }
}

/** `[configs]`: a folder of files that are merged into the main one. */
export function merge({ draft, main }: Whole): void {
  const configs = within(main, 'configs');
  const folder = configs?.settings.get('path');
  if (configs === undefined || typeof folder?.value !== 'string') return;
  const extension = configs.settings.get('extension');
  const ends = typeof extension?.value === 'string' ? extension.value : '.conf';
  for (const file of filesIn(folder.value, ends))
    blend(main, parseIni(file, readInput(file), draft));
  draft.carry([configs.line, folder.line, extension?.line].filter((line) => line !== undefined));
}

function blend(into: Section, from: Section): void {
  for (const [key, setting] of from.settings) into.settings.set(key, setting);
  for (const [name, section] of from.sections) {
    const known = into.sections.get(name);
    if (known === undefined) into.sections.set(name, section);
    else blend(known, section);
  }
}

function filesIn(folder: string, ends: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(ends));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw new InputError({ file: folder }, `cannot be read: ${codeOf(error)}`);
  }
}

/** The fragments of a folder, by the class that they are for. */
export function fragments(whole: Whole, key: string, usual: string): Map<string, Section> {
  const { draft, main, folder } = whole;
  const setting = within(main, 'server')?.settings.get(key);
  const beside = join(folder, usual);
  const named = typeof setting?.value === 'string' ? setting.value : beside;
  draft.carry(setting?.line);
  // A copy of /etc/diamond is read as a whole.
  const files = filesIn(existsSync(beside) ? beside : named, '.conf');
  return new Map(
    files.map((file) => {
      const section = parseIni(file, readInput(file), draft);
      return [basename(file, '.conf'), section];
    }),
  );
}
