import type { Draft } from '../draft.ts';
import { expression } from '../patterns.ts';
import { Block, linesOf } from './block.ts';
import type { Node } from './oconfig.ts';

/** What chains let through, as patterns of paths below the host. */
export interface Filtered {
  /** What is stopped. */
  readonly except: string[];
  /** What alone is let through; `undefined` is everything. */
  only: string[] | undefined;
}

const FIELDS = ['Host', 'Plugin', 'PluginInstance', 'Type', 'TypeInstance'];

/**
 * The chains that values go through, as far as they only stop some of them: rules with expressions for
 * the parts of a name, and the targets `stop`, `return` and `write`.
 */
export function filter(draft: Draft, all: readonly Node[], names: readonly string[]): Filtered {
  const filtered: Filtered = { except: [], only: undefined };
  for (const chain of all.filter(({ key }) => key.toLowerCase() === 'chain')) {
    if (names.includes(chain.values[0] ?? '')) draft.carry(chain.line);
    else draft.leave([...linesOf(chain)], 'nothing leads to this chain: jumps are not followed');
    if (names.includes(chain.values[0] ?? '')) one(draft, chain, filtered);
  }
  return filtered;
}

function one(draft: Draft, { children = [] }: Node, filtered: Filtered): void {
  const through: string[] = [];
  const rules = children.filter(({ key }) => key.toLowerCase() === 'rule');
  const last = children.filter(({ key }) => key.toLowerCase() === 'target').at(-1);
  const stops = last !== undefined && targetOf(last) === 'stop';
  for (const rule of rules) {
    const pattern = patternOf(rule);
    const target = rule.children?.find(({ key }) => key.toLowerCase() === 'target');
    const does = target === undefined ? undefined : targetOf(target);
    if (pattern === undefined || does === undefined) {
      draft.leave(
        [...linesOf(rule)],
        'write it as except or relabel of a handler: docs/delivery.md',
      );
    } else if (does === 'stop') {
      filtered.except.push(pattern);
      draft.carry([...linesOf(rule)]);
    } else {
      through.push(pattern);
      draft.carry([...linesOf(rule)]);
    }
  }
  for (const node of children.filter((each) => !rules.includes(each))) {
    const does = node.key.toLowerCase() === 'target' ? targetOf(node) : undefined;
    if (does === undefined) {
      draft.leave(
        [...linesOf(node)],
        'write it as except or relabel of a handler: docs/delivery.md',
      );
    } else draft.carry([...linesOf(node)]);
  }
  if (stops) filtered.only = through;
}

/** `stop`, or what lets a value through to all that write; `undefined` is anything else. */
function targetOf({ values: [name = ''], children = [] }: Node): 'stop' | 'through' | undefined {
  if (name === 'stop') return 'stop';
  return (name === 'return' || name === 'write') && children.length === 0 ? 'through' : undefined;
}

/** A rule's expressions as one for the path below the host; `undefined` where there is more to it. */
function patternOf({ children = [] }: Node): string | undefined {
  const matches = children.filter(({ key }) => key.toLowerCase() === 'match');
  const [match] = matches;
  if (match === undefined || matches.length > 1 || match.values[0] !== 'regex') return undefined;
  const known = (match.children ?? []).every(({ key }) => FIELDS.slice(1).includes(key));
  if (!known || match.children === undefined || match.children.length === 0) return undefined;
  const block = new Block({} as Draft, match.children);
  const part = (field: string): string | undefined => {
    const source = block.text(field);
    if (source === undefined) return '[^.]*?';
    const begins = source.startsWith('^');
    const ends = /(^|[^\\])\$$/.test(source);
    const made = expression(source.slice(begins ? 1 : 0, ends ? -1 : undefined));
    return made && `${begins ? '' : '[^.]*?'}(?:${made})${ends ? '' : '[^.]*?'}`;
  };
  const [plugin, pluginInstance, type, typeInstance] = FIELDS.slice(1).map(part);
  if (!plugin || !pluginInstance || !type || !typeInstance) return undefined;
  const instance = (field: string, pattern: string): string =>
    block.find(field) === undefined ? '(?:[-.][^.]*)?' : `[-.]${pattern}`;
  const name = (field: string, pattern: string): string =>
    block.find(field) === undefined ? '[^.-]+' : pattern;
  return (
    `re:(?:^|\\.)${name('Plugin', plugin)}${instance('PluginInstance', pluginInstance)}\\.` +
    `${name('Type', type)}${instance('TypeInstance', typeInstance)}(?:\\.|$)`
  );
}
