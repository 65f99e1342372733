/**
 * logster's JsonLogster: the numbers of the latest line, which is a JSON object, as gauges.
 *
 * Format  One object a line. Its leaves become metrics whose names are their keys, joined: `{"a":{"b":[7]}}`
 *         is `a.b.0`. The name stands in the label `name`, which takes the place of the metric's own
 *         where names are written.
 * Mended  A text is no number and is left out, not sent as a value; true and false are 1 and 0. At most
 *         `limit` names; how many leaves were too many is reported. What subclasses did to filter keys,
 *         `keys` does. A blank in a key, at which logster's Graphite output gave up, becomes `_`, with a
 *         mark that keeps two such names apart.
 */
import { count, defineParser, gauge, type Line, selection, z } from 'cullinan/plugin';
import { parseOptionString } from 'cullinan/wire/option-string';

const SPELLINGS = { keySeparator: { short: '-k', long: '--key-separator' } };
/** Objects in objects. */
const DEEPEST = 32;

const options = z
  .strictObject({
    keySeparator: z.string().default('.').describe('What joins the keys of objects in objects.'),
    keys: selection({}).describe('Keys to report, joined.'),
    limit: z.int().min(1).max(10_000).default(500).describe('Names that are reported at most.'),
    optionString: z.string().default('').describe('Options as logster takes them: `-k _`.'),
  })
  .superRefine(({ optionString }, context) => {
    const { problem } = parseOptionString(optionString, SPELLINGS);
    if (problem) context.addIssue({ code: 'custom', path: ['optionString'], message: problem });
  });

const metrics = {
  leaf: gauge('json', { unit: 'count', labels: ['name'], help: 'A number of the latest line.' }),
  refused: gauge('json.refused', { unit: 'count', help: 'Numbers beyond the limit of names.' }),
};

/** The numbers of an object by their keys, joined; those too deep or beyond the limit are counted. */
function flatten(
  value: unknown,
  { separator, limit, chosen }: { separator: string; limit: number; chosen(key: string): boolean },
): { readonly leaves: ReadonlyMap<string, number>; readonly refused: number } {
  const leaves = new Map<string, number>();
  let refused = 0;
  const walk = (node: unknown, key: string, depth: number): void => {
    if (typeof node === 'boolean' || typeof node === 'number') {
      if (!Number.isFinite(Number(node)) || !chosen(key)) return;
      if (leaves.has(key) || leaves.size < limit) leaves.set(key, Number(node));
      else refused += 1;
    } else if (typeof node === 'object' && node !== null) {
      if (depth === DEEPEST) {
        refused += 1;
        return;
      }
      for (const [name, child] of Object.entries(node)) {
        walk(child, depth === 0 ? name : key + separator + name, depth + 1);
      }
    }
  };
  walk(value, '', 0);
  return { leaves, refused };
}

export default defineParser({
  name: 'JsonLogster',
  summary: 'The numbers of the latest line, which is a JSON object, as logster has them.',
  source: 'https://www.rfc-editor.org/rfc/rfc8259',
  options,
  metrics: () => Object.values(metrics),
  needles: () => ['{'],
  open({ keySeparator, keys, limit, optionString }) {
    const given = parseOptionString(optionString, SPELLINGS).values;
    const how = { separator: given.keySeparator ?? keySeparator, limit, chosen: keys };
    let latest: object | undefined;
    return {
      parse(line: Line) {
        try {
          const value: unknown = JSON.parse(line.text);
          if (typeof value !== 'object' || value === null) return false;
          latest = value;
          return true;
        } catch {
          return false;
        }
      },
      *report() {
        if (latest === undefined) return;
        const { leaves, refused } = flatten(latest, how);
        for (const [name, value] of leaves) yield metrics.leaf.observe(count(value), { name });
        if (refused > 0) yield metrics.refused.observe(count(refused));
        latest = undefined;
      },
    };
  },
});
