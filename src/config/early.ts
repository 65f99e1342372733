import { isAbsolute } from 'node:path';
import type { z } from '../plugin/index.ts';
import { isScript } from '../script/index.ts';
import { check } from './check.ts';
import { HINTS, split } from './instances.ts';
import { type Files, readFiles } from './read.ts';
import { globals } from './schema.ts';
import { substitute } from './secrets.ts';
import { type MapNode, type Node, plain } from './tree.ts';

const keys = globals.pick({ plugins: true, host: true });

/** What has to be known before plugins are, and so before a configuration can be checked. */
export interface Early extends z.output<typeof keys> {
  /** Files that are named where a parser is. */
  readonly scripts: readonly string[];
  /** What was read, for {@link loadConfig}: the plugins are those that these files speak of. */
  readonly files: Files;
}

/**
 * Reads where plugins are. What is wrong in the files is not said here: whoever reads them whole says it.
 *
 * @param o as {@link loadConfig} takes it.
 */
export function readEarly(o: Where): Early {
  const files = readFiles(o);
  const tree = substitute(files.tree, o.environment, new Set());
  const checked = check(keys, placed(split(tree, ['plugins', 'host'])[0]));
  const found = checked.ok ? checked.value : keys.parse({});
  return { ...found, scripts: [...new Set(scriptsIn(tree))], files };
}

const asked = globals.pick({ status: true });

/**
 * Reads where the agent answers, `undefined` where the files do not say or cannot be read: whoever may ask
 * it need not know its secrets, nor have its plugins.
 */
export function readSocket(o: Where): string | undefined {
  const tree = substitute(readFiles(o).tree, o.environment, new Set());
  const checked = check(asked, placed(split(tree, ['status'])[0]));
  return checked.ok ? checked.value.status.socket : undefined;
}

interface Where {
  readonly path?: string | undefined;
  readonly defaultPath?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const placed = (node: MapNode) => ({
  ...{ siblings: [], node, where: [], hint: HINTS.agent, key: undefined },
  secrets: new Set<string>(),
});

function scriptsIn(tree: MapNode): string[] {
  const collectors = tree.entries.get('collectors')?.value;
  return collectors === undefined ? [] : scripts(collectors, '');
}

/** The paths behind `parser`, and behind `name` in it. */
function scripts(node: Node, key: string): string[] {
  if (node.kind === 'list') return node.items.flatMap((item) => scripts(item, ''));
  if (node.kind === 'map') {
    return [...node.entries].flatMap(([name, { value }]) =>
      scripts(value, key === 'parser' && name === 'name' ? 'parser' : name),
    );
  }
  const value: unknown = plain(node);
  const named = key === 'parser' && typeof value === 'string' && isAbsolute(value);
  return named && isScript(value) ? [value] : [];
}
