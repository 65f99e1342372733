import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { registry } from '../agent/index.ts';
import { hintFor } from './hint.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { templates } from './templates.ts';

export interface NewOptions {
  readonly in: string;
  readonly js?: boolean;
}

type Kind = keyof typeof templates;

/** Letters of a name: it is a file, a key of YAML, and a part of names of metrics. */
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const LONGEST = 40;

/**
 * `cullinan new`: writes a plugin that works, its tests, and what it is tested with. They are those that the
 * guides in docs/ show, under another name. Nothing that is there is written over.
 *
 * @throws {@link UsageError} where the kind or the name is none, or one of the files is there.
 */
export function create(io: Io, kind: string, name: string, options: NewOptions): number {
  const its = kindOf(kind);
  expectFree(its, name);
  const folder = options.in;
  const files = filesOf(its, name, options.js === true);
  for (const [path] of files) {
    if (existsSync(join(folder, path))) {
      throw new UsageError(
        `${join(folder, path)} is there already, and is not written over: give the ${kind} another name, or another folder with --in`,
      );
    }
  }
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { flag: 'wx' });
    io.out(`${join(folder, path)}\n`);
  }
  const [first] = files[0] ?? [''];
  io.err(`It works as it is: cullinan test ${join(folder, first)}\n`);
  return EXIT.ok;
}

function kindOf(kind: string): Kind {
  const kinds = Object.keys(templates) as Kind[];
  const found = kinds.find((it) => it === kind);
  if (found !== undefined) return found;
  throw new UsageError(`"${kind}" is no kind of plugin. ${hintFor(kind, kinds)}`);
}

function expectFree(kind: Kind, name: string): void {
  if (!NAME.test(name) || name.length > LONGEST) {
    throw new UsageError(
      `"${name}" is no name for a ${kind}: lower-case letters and digits, words joined by -, ${LONGEST} at most, such as "${templates[kind].name}"`,
    );
  }
  if (registry[`${kind}s`].has(name)) {
    throw new UsageError(`a ${kind} called "${name}" is built in: choose another name`);
  }
}

/** Paths and texts; the plugin itself is the first. */
function filesOf(kind: Kind, name: string, js: boolean): readonly (readonly [string, string])[] {
  const { name: old, files } = templates[kind];
  return files.map(([path, text]) => {
    const [its, words] = [renamed(path, old, name), renamed(text, old, name)];
    return js && its.endsWith('.ts') ? [its.replace(/ts$/, 'js'), plain(words)] : [its, words];
  });
}

/** Names of metrics are of words joined by _; what has the old name within a longer word keeps it. */
function renamed(text: string, old: string, name: string): string {
  const metric = new RegExp(`(?<=^|')${old}(?=\\.[a-z]+['{])`, 'gm');
  const rest = new RegExp(`(?<!\\w)${old}(?!\\w)`, 'g');
  return text.replace(metric, name.replaceAll('-', '_')).replace(rest, name);
}

/** Without types; imports of files beside it name those in JavaScript. */
function plain(text: string): string {
  const { transform } = createRequire(import.meta.url)('sucrase') as typeof import('sucrase');
  const { code } = transform(text, { transforms: ['typescript'], disableESTransforms: true });
  return code
    .replace(/(from '\.\/.*)\.ts'/g, "$1.js'")
    .replace(/,? +\} from '/g, " } from '")
    .replace(/[ \t]+$/gm, '');
}
