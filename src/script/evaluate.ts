import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { compileFunction } from 'node:vm';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { compile, EXTENSIONS, isBeside, type Script } from './compile.ts';
import { notThere } from './imports.ts';
import { inSource, keepPlaces } from './places.ts';

type Exports = Readonly<Record<string, unknown>>;

/** What `cullinan/plugin` and its siblings stand for, by name. */
export type Doors = ReadonlyMap<string, unknown>;

const WORDS = ['module', 'exports', 'require', '__filename', '__dirname'];

/**
 * Runs a script, and what it imports. Whatever it imports of the agent is the very same as here.
 *
 * @param doors all that it may import of the agent.
 * @returns what it exports.
 * @throws {@link Foreseen} that says where and what, whatever goes wrong in it.
 */
export function evaluate(script: Script, doors: Doors): Exports {
  for (const each of script.imports ?? []) {
    const room = doors.get(each.door);
    if (typeof room !== 'object' || room === null || each.name in room) continue;
    throw new Foreseen(notThere(each, Object.keys(room).sort()));
  }
  keepPlaces(script.maps);
  const loaded = new Map<string, { exports: Exports }>();
  const texts = new Map(script.texts);
  const load = (path: string): Exports => {
    const known = loaded.get(path);
    // Files may import each other.
    if (known !== undefined) return known.exports;
    const module = { exports: {} as Exports };
    loaded.set(path, module);
    const require = createRequire(path);
    const own = (name: string): unknown => {
      if (name === 'cullinan' || name.startsWith('cullinan/')) return door(doors, name);
      if (isBeside(name)) return load(resolve(dirname(path), name));
      try {
        return require(name);
      } catch (error) {
        const meant = codeOf(error) === 'MODULE_NOT_FOUND' ? besideMeant(path, name) : undefined;
        if (meant !== undefined) {
          throw new Foreseen(`there is no "${name}" beside it: write its ending, "${meant}"`);
        }
        if (codeOf(error) !== 'ERR_REQUIRE_ESM') throw error;
        return load(require.resolve(name));
      }
    };
    let text = texts.get(path);
    if (text === undefined) {
      const more = compile(path);
      for (const [each, compiled] of more.texts) texts.set(each, compiled);
      keepPlaces(more.maps);
      text = texts.get(path) ?? '';
    }
    const body = compileFunction(text, WORDS, { filename: path });
    body(module, module.exports, own, path, dirname(path));
    return module.exports;
  };
  try {
    return load(script.path);
  } catch (error) {
    throw new Foreseen(whatIsWrong(error, script), { cause: error });
  }
}

/** What an import beside a file means that has no ending, as compilers and bundlers allow. */
function besideMeant(path: string, name: string): string | undefined {
  if (!/^\.\.?\//.test(name)) return undefined;
  const ending = EXTENSIONS.find((each) => existsSync(resolve(dirname(path), `${name}${each}`)));
  return ending && `${name}${ending}`;
}

function door(doors: Doors, name: string): unknown {
  const found = doors.get(name);
  if (found !== undefined) return found;
  throw new Foreseen(
    `there is no "${name}" to import. There are ${[...doors.keys()].sort().join(', ')}`,
  );
}

/** What Node says of a script, where whoever wrote it as a module cannot know what it means. */
function meant(what: string, rest: string): string {
  if (rest.startsWith('@')) return 'decorators do not work: call what they stand for as a function';
  if (what.startsWith('await is only valid')) {
    return 'await does not work outside of a function, because a plugin is loaded as a script: await in open() or collect()';
  }
  if (what.includes("'import.meta'")) {
    return 'import.meta does not work, because a plugin is loaded as a script: __dirname is its folder';
  }
  return what;
}

/**
 * An error that came out of a script, in a sentence that begins with where it was: file, line and
 * column, as far as they are known.
 */
export function whatIsWrong(
  error: unknown,
  { path, texts }: Pick<Script, 'path' | 'texts'>,
): string {
  if (!(error instanceof Error)) return `${path}: ${JSON.stringify(error) ?? String(error)}`;
  const { message } = error;
  const stack = inSource(error.stack ?? '');
  const [what = ''] = message.split('\n');
  // That of a syntax error has the line itself in it, and marks the place.
  const [first = '', line = '', marked = ''] = stack.split('\n');
  const [file] = [...texts.keys()].filter((file) => first.startsWith(`${file}:`));
  if (file !== undefined && error instanceof SyntaxError && /^\s*\^/.test(marked)) {
    const at = marked.indexOf('^');
    return `${inSource(`${first}:${at + 1}`)}: ${meant(what, line.slice(at))}`;
  }
  for (const line of stack.split('\n')) {
    for (const file of texts.keys()) {
      const at = line.indexOf(`${file}:`);
      const place = at === -1 ? null : /^:\d+(:\d+)?/.exec(line.slice(at + file.length));
      if (place !== null) return `${file}${place[0]}: ${what}`;
    }
  }
  return what.includes(path) ? what : `${path}: ${what}`;
}
