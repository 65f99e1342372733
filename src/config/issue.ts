import type { core } from 'zod';
import type { Place } from './problem.ts';
import type { MapNode, Node } from './tree.ts';

export type Issue = core.$ZodIssue;
export type Path = readonly PropertyKey[];

/** One map that is checked against one schema. */
export interface Checked {
  readonly node: MapNode;
  /** Where the map stands: `['handlers', 'graphite']`. */
  readonly where: readonly string[];
  /** Where to read on. */
  readonly hint: string;
  /** Where the map's own key stands, for what is missing in it. */
  readonly key: Place | undefined;
  /** Keys that are checked elsewhere, and may be meant by a mistyped one. */
  readonly siblings: readonly string[];
  readonly secrets: ReadonlySet<string>;
}

export interface Located {
  /** What stands at the path, or at the deepest part of it that is there. */
  readonly node: Node;
  readonly key: Place | undefined;
  readonly whole: boolean;
}

/** Follows a path into a tree as far as it goes. */
export function locate(root: Node, path: Path): Located {
  let node = root;
  let key: Place | undefined;
  for (const step of path) {
    const entry = node.kind === 'map' ? node.entries.get(String(step)) : undefined;
    const item = node.kind === 'list' ? node.items[Number(step)] : undefined;
    const next = entry?.value ?? item;
    if (next === undefined) return { node, key, whole: false };
    key = entry?.key;
    node = next;
  }
  return { node, key, whole: true };
}

/** The types of which any would be accepted at the issue's own path. */
export function wanted(issue: Issue): readonly string[] {
  if (issue.code === 'invalid_type') return [issue.expected];
  if (issue.code !== 'invalid_union') return [];
  return issue.errors.flatMap((branch) =>
    branch.filter(({ path }) => path.length === 0).flatMap((each) => wanted(each as Issue)),
  );
}
