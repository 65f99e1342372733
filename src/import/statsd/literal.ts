import { type Expression, type ObjectExpression, type Property, parse } from 'acorn';
import { InputError } from '../problem.ts';

/** What a literal holds; what would have to be run is `Code`. */
export type Data = string | number | boolean | null | Code | readonly Data[] | Members;

/** An object's members, in their order. */
export interface Members {
  readonly members: readonly Member[];
}

export interface Member {
  readonly name: string;
  readonly value: Data;
  /** Where its name stands, from 1. */
  readonly line: number;
  /** As it is written. */
  readonly text: string;
}

/** Something that only a JavaScript engine could tell the value of. */
export class Code {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What stands before a configuration where statsd reads it. */
const BEFORE = 'config=';

/**
 * Reads a configuration of statsd: an object literal of JavaScript, comments and all. Nothing of it is run.
 *
 * @returns its members, and what stands behind it and would be run as well.
 * @throws {@link InputError} if it is no such literal.
 */
export function readConfig(
  file: string,
  text: string,
): { readonly members: readonly Member[]; readonly more: readonly Member[] } {
  const source = BEFORE + text;
  try {
    const { body } = parse(source, { ecmaVersion: 'latest', locations: true });
    const [first, ...others] = body;
    let value: Expression | undefined =
      first?.type === 'ExpressionStatement' ? first.expression : undefined;
    while (value?.type === 'AssignmentExpression') value = value.right;
    if (value?.type !== 'ObjectExpression') {
      throw new InputError(
        { file, line: 1 },
        'this is no configuration of statsd, which is an object: { … }',
      );
    }
    const more = others
      .filter(({ type }) => type !== 'EmptyStatement')
      .map(({ start, end, loc }) => {
        const code = source.slice(start, end);
        return {
          name: '',
          value: new Code(code),
          line: loc?.start.line ?? 1,
          text: firstLine(code),
        };
      });
    return { members: membersOf(value, source), more };
  } catch (error) {
    if (error instanceof InputError) throw error;
    if (error instanceof RangeError) throw new InputError({ file }, 'it is nested too deeply');
    if (!(error instanceof SyntaxError)) throw error;
    const at = (error as { loc?: { line: number; column: number } }).loc;
    const shift = at?.line === 1 ? BEFORE.length : 0;
    throw new InputError(
      { file, line: at?.line, column: at === undefined ? undefined : at.column - shift + 1 },
      error.message.replace(/ \(\d+:\d+\)$/, ''),
      'A configuration of statsd is an object of JavaScript: { graphiteHost: "carbon" }',
    );
  }
}

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

function membersOf({ properties }: ObjectExpression, source: string): Member[] {
  return properties.map((property) => {
    const text = source.slice(property.start, property.end);
    const line = property.loc?.start.line ?? 1;
    const name = property.type === 'Property' ? nameOf(property) : undefined;
    if (property.type !== 'Property' || name === undefined || property.kind !== 'init') {
      return { name: '', value: new Code(text), line, text: firstLine(text) };
    }
    return { name, value: dataOf(property.value, source), line, text: firstLine(text) };
  });
}

function nameOf({ key, computed }: Property): string | undefined {
  if (computed) return undefined;
  if (key.type === 'Identifier') return key.name;
  return key.type === 'Literal' ? String(key.value) : undefined;
}

function dataOf(node: Expression, source: string): Data {
  const code = new Code(source.slice(node.start, node.end));
  switch (node.type) {
    case 'Literal': {
      const { value } = node;
      const plain = ['string', 'number', 'boolean'].includes(typeof value) || value === null;
      return plain && !('regex' in node && node.regex) ? (value as Data) : code;
    }
    case 'TemplateLiteral':
      return node.expressions.length === 0 ? (node.quasis[0]?.value.cooked ?? code) : code;
    case 'UnaryExpression': {
      const of = dataOf(node.argument, source);
      if (node.operator === '-' && typeof of === 'number') return -of;
      if (node.operator === '!' && typeof of === 'boolean') return !of;
      return code;
    }
    case 'BinaryExpression': {
      if (node.left.type === 'PrivateIdentifier') return code;
      const [a, b] = [dataOf(node.left, source), dataOf(node.right, source)];
      if (typeof a === 'string' && typeof b === 'string' && node.operator === '+') return a + b;
      if (typeof a !== 'number' || typeof b !== 'number') return code;
      if (node.operator === '*') return a * b;
      return node.operator === '+' ? a + b : code;
    }
    case 'ArrayExpression':
      return node.elements.map((each) =>
        each === null || each.type === 'SpreadElement' ? code : dataOf(each, source),
      );
    case 'ObjectExpression':
      return { members: membersOf(node, source) };
    default:
      return code;
  }
}
