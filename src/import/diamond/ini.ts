import type { Draft, Line } from '../draft.ts';
import { InputError } from '../problem.ts';

/** A key of Diamond's configuration. */
export interface Setting {
  readonly key: string;
  readonly value: string | readonly string[];
  readonly line: Line;
}

/** A section, `[handlers]`, and those in it, `[[default]]`. */
export interface Section {
  readonly name: string;
  /** Its heading; of a whole file there is none. */
  readonly line: Line | undefined;
  readonly settings: Map<string, Setting>;
  readonly sections: Map<string, Section>;
}

const sectionOf = (name: string, line: Line | undefined): Section => ({
  name,
  line,
  settings: new Map(),
  sections: new Map(),
});

/** Sections within sections, beyond which nobody has written any. */
const DEEPEST = 16;

/**
 * Reads a file of ConfigObj's: sections in sections, lists, quotes, and `%(name)s`, which stands for
 * another key of the section, of DEFAULT in it, or of those around it.
 *
 * @throws {@link InputError} where ConfigObj finds it wrong, too.
 */
export function parseIni(file: string, text: string, draft: Draft): Section {
  const root = sectionOf('', undefined);
  const open: Section[] = [root];
  const lines = text.split(/\r\n?|\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const written = lines[index] ?? '';
    const content = written.trim();
    if (content === '' || content.startsWith('#')) continue;
    const number = index + 1;
    const wrong = (column: number, message: string, remedy?: string) =>
      new InputError({ file, line: number, column }, message, remedy);
    const indent = written.length - written.trimStart().length;
    if (content.startsWith('[')) {
      const [, opening = '', name = '', closing = ''] =
        /^(\[+)\s*("[^"]*"|'[^']*'|[^\]]*?)\s*(\]+)\s*(?:#.*)?$/s.exec(content) ?? [];
      const depth = opening.length;
      if (depth === 0 || depth !== closing.length) {
        throw wrong(indent + 1, 'a section has as many brackets behind its name as before it');
      }
      if (depth > DEEPEST) throw wrong(indent + 1, 'sections are in sections too deep');
      if (depth > open.length) {
        throw wrong(indent + 1, `a section with ${depth} brackets stands in none with fewer`);
      }
      open.length = depth;
      const parent = open.at(-1) ?? root;
      const called = unquoted(name);
      if (parent.sections.has(called)) {
        throw wrong(indent + 1, `there are two sections "${called}"`, 'Put them together.');
      }
      const made = sectionOf(called, draft.line(file, number, content));
      parent.sections.set(called, made);
      open.push(made);
      continue;
    }
    const [, key, rest] = /^("[^"]*"|'[^']*'|[^'"=].*?|)\s*=\s*(.*)$/s.exec(content) ?? [];
    if (key === undefined || key === '' || rest === undefined) {
      throw wrong(indent + 1, 'this is neither a section, [name], nor a setting, key = value');
    }
    const section = open.at(-1) ?? root;
    const name = unquoted(key);
    if (section.settings.has(name)) throw wrong(indent + 1, `there are two settings "${name}"`);
    const line = draft.line(file, number, content);
    const fence = /^('''|""")/.exec(rest)?.[1];
    if (fence === undefined) {
      const value = readValue(rest);
      if (value === undefined) {
        throw wrong(written.indexOf(rest) + 1, 'a quote is not closed, or text follows it');
      }
      section.settings.set(name, { key: name, value, line });
      continue;
    }
    let value = rest.slice(3);
    while (!value.includes(fence)) {
      index += 1;
      if (index >= lines.length) throw wrong(indent + 1, `${fence} is not closed`);
      value += `\n${lines[index]}`;
    }
    section.settings.set(name, { key: name, value: value.slice(0, value.indexOf(fence)), line });
  }
  interpolate(root, [], file);
  return root;
}

/** A value or a list of them, without the comment behind; `undefined` if it is neither. */
function readValue(text: string): string | string[] | undefined {
  const items: string[] = [];
  let list = false;
  let rest = text;
  while (rest !== '' && !rest.startsWith('#')) {
    const [whole = '', double, single, bare] =
      /^(?:"([^"]*)"|'([^']*)'|([^'",#][^,#]*|))\s*/.exec(rest) ?? [];
    const item = double ?? single ?? bare?.trim();
    if (item === undefined) return undefined;
    const quoted = bare === undefined;
    rest = rest.slice(whole.length);
    if (item !== '' || quoted) items.push(item);
    if (rest.startsWith(',')) {
      list = true;
      rest = rest.slice(1).trimStart();
    } else if (rest !== '' && !rest.startsWith('#')) return undefined;
  }
  if (list) return items;
  return items[0] ?? '';
}

const unquoted = (text: string): string => (/^(["']).*\1$/s.test(text) ? text.slice(1, -1) : text);

/** Of Python's logging, which reads the file by itself: there `%(message)s` stands for no key. */
export const LOGGING = /^(?:loggers|formatters|(?:logger|handler|formatter)_.*)$/;

/** Keys that stand for keys are looked up so deep. */
const MOST_STEPS = 10;

function interpolate(section: Section, around: readonly Section[], file: string): void {
  const scope = [section, ...around];
  const find = (name: string): string | undefined => {
    for (const { settings, sections } of scope) {
      const found = settings.get(name) ?? sections.get('DEFAULT')?.settings.get(name);
      if (typeof found?.value === 'string') return found.value;
    }
    return undefined;
  };
  const filled = (text: string, { line }: Line, steps = 0): string =>
    text.replace(/%\(([^)]*)\)s/g, (written: string, name: string) => {
      const found = find(name);
      if (found === undefined) {
        throw new InputError({ file, line }, `${written} stands for a key that is not there`);
      }
      if (steps >= MOST_STEPS) {
        throw new InputError({ file, line }, `${written} leads back to itself`);
      }
      return filled(found, { file, line, text: '' }, steps + 1);
    });
  for (const [key, { value, line }] of section.settings) {
    const made =
      typeof value === 'string' ? filled(value, line) : value.map((each) => filled(each, line));
    section.settings.set(key, { key, value: made, line });
  }
  for (const each of section.sections.values()) {
    if (around.length > 0 || !LOGGING.test(each.name)) interpolate(each, scope, file);
  }
}
