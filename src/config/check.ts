import type { z } from '../plugin/index.ts';
import { inputSchema } from './describe.ts';
import { explain } from './explain.ts';
import { type Checked, type Issue, locate, wanted } from './issue.ts';
import type { Problem } from './problem.ts';
import { type MapNode, type Node, plain } from './tree.ts';

export type Outcome<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** What was written, put right. */
      readonly input: unknown;
    }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** What is needed and not there: options, and what a `${…}` refers to. */
      readonly missing: readonly Problem[];
    };

/**
 * Checks a map against a schema, with the leniency that YAML asks for and JSON does not:
 *
 * - a key with nothing behind it counts as not written;
 * - where text is wanted, `007` and `true` are taken as they are written;
 * - where a number or a truth value is wanted, what a `${…}` brought is read as one.
 *
 * Whether something is wanted only the schema knows: its issues say where to be lenient.
 */
export function check<T>(schema: z.ZodType<T>, checked: Checked): Outcome<T> {
  const input = plain(checked.node);
  const mended = new Set<string>();
  for (;;) {
    // A schema is used once or twice: compiling it would cost more than it saves.
    const result = schema.safeParse(input, { jitless: true });
    if (result.success) {
      const failed = failures(checked.node);
      if (failed.length > 0) return { ok: false, problems: [], missing: failed };
      return { ok: true, value: result.data, input };
    }
    const { issues } = result.error;
    const todo = issues.filter((issue) => {
      const path = JSON.stringify(issue.path.map(String));
      return !mended.has(path) && mend(input, checked.node, issue) && mended.add(path);
    });
    if (todo.length === 0) return explained(schema, checked, issues);
  }
}

function explained<T>(
  schema: z.ZodType<T>,
  checked: Checked,
  issues: readonly Issue[],
): Outcome<T> {
  const json = inputSchema(schema);
  const problems: Problem[] = [];
  const missing = failures(checked.node);
  const seen = new Set<string>();
  for (const issue of issues) {
    // A value has one thing wrong with it at a time; the later checks often repeat the first.
    const path = JSON.stringify(issue.path.map(String));
    if (seen.has(path) && issue.code !== 'unrecognized_keys') continue;
    seen.add(path);
    const found = locate(checked.node, issue.path);
    if (found.whole && found.node.kind === 'scalar') {
      if (found.node.problem !== undefined || found.node.spoiled === true) continue;
    }
    (found.whole ? problems : missing).push(...explain(issue, found, checked, json));
  }
  return { ok: false, problems, missing };
}

/** Every `${…}` in a tree that leads nowhere. */
function failures(node: Node): Problem[] {
  if (node.kind === 'scalar') return node.problem === undefined ? [] : [node.problem];
  if (node.kind === 'list') return node.items.flatMap(failures);
  return [...node.entries.values()].flatMap(({ value }) => failures(value));
}

/** Puts right what was only written differently; says whether it did. */
function mend(input: unknown, root: MapNode, issue: Issue): boolean {
  const { node, whole } = locate(root, issue.path);
  const last = issue.path.at(-1);
  if (!whole || last === undefined || node.kind !== 'scalar') return false;
  const holder = issue.path
    .slice(0, -1)
    .reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown>)[step], input);
  const into = holder as Record<PropertyKey, unknown>;
  if (node.spoiled === true) return false;
  if (node.value === null) return !Array.isArray(holder) && delete into[last];
  const types = wanted(issue);
  if (typeof node.value !== 'string') {
    if (!types.includes('string')) return false;
    into[last] = node.written;
    return true;
  }
  if (node.referenced !== true) return false;
  const text = node.value.trim();
  if (types.includes('boolean') && (text === 'true' || text === 'false')) {
    into[last] = text === 'true';
    return true;
  }
  const numeric = types.some((type) => type === 'number' || type === 'int');
  if (!numeric || !/^[-+]?\d+(?:\.\d+)?$/.test(text)) return false;
  into[last] = Number(text);
  return true;
}
