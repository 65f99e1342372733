import { type JsonSchema, schemaAt } from './describe.ts';
import { type Checked, type Issue, type Located, type Path, wanted } from './issue.ts';
import { isSecretName, leaks } from './mask.ts';
import { type Finding, type Problem, problemAt } from './problem.ts';
import { didYouMean } from './suggest.ts';
import type { Node, ScalarNode } from './tree.ts';

/** Says in words what a schema found wrong, where it stands, and what to do. */
export function explain(
  issue: Issue,
  found: Located,
  checked: Checked,
  json: JsonSchema,
): readonly Problem[] {
  const { where, hint } = checked;
  const path = [...where, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schemaAt(json, issue.path).properties ?? {});
    const candidates = issue.path.length === 0 ? [...known, ...checked.siblings] : known;
    const inside = path.length === 0 ? '' : ` in ${pathText(path)}`;
    return issue.keys.map((key) => {
      const entry = found.node.kind === 'map' ? found.node.entries.get(key) : undefined;
      const message = `unknown option "${key}"${inside}`;
      const remedy = didYouMean(key, candidates) ?? possible(candidates);
      return problemAt(entry?.key ?? found.node.place, { message, remedy, hint });
    });
  }
  if (!found.whole) return [missing(issue, found, checked, json)];
  const place = issue.code === 'invalid_key' ? found.key : (found.node.place ?? found.key);
  const inner = issue.code === 'invalid_key' ? ((issue.issues[0] as Issue) ?? issue) : issue;
  const secret = isSecretName(String(issue.path.at(-1) ?? ''));
  const scalar = found.node.kind === 'scalar' ? found.node : undefined;
  const hidden = secret || scalar?.referenced === true;
  const { message, remedy } = wrong(inner, found.node, hidden, schemaAt(json, issue.path));
  const guarded = leaks(message, checked.secrets) ? 'has a value that it cannot take' : message;
  // What points at a whole map is easier to see at its key.
  const outer = issue.path.length === 0 ? checked.key : found.key;
  const at = found.node.kind === 'scalar' ? place : (outer ?? place);
  const subject = issue.code === 'invalid_key' ? `the name of ${pathText(path)}` : pathText(path);
  return [problemAt(at, { message: `${subject} ${guarded}`, remedy, hint })];
}

/** More is better read in the reference. */
const MOST_LISTED = 8;

const possible = (names: readonly string[]): string | undefined =>
  names.length === 0 || names.length > MOST_LISTED ? undefined : `it can be ${listed(names)}`;

function missing(issue: Issue, found: Located, checked: Checked, json: JsonSchema): Problem {
  const name = String(issue.path.at(-1));
  const within = [...checked.where, ...issue.path.slice(0, -1)];
  const help = schemaAt(json, issue.path).description;
  // What is missing in an entry of a list is missing there, and not at the list.
  const at = issue.path.length > 1 ? found.node.place : checked.key;
  return problemAt(found.key ?? at ?? found.node.place, {
    message: `${pathText(within)} needs the option "${name}"`,
    remedy: `add "${name}: …"${help === undefined ? '' : ` (${help.replace(/\.$/, '')})`}`,
    hint: checked.hint,
  });
}

/** The rest of a sentence that begins with the option's path. */
function wrong(issue: Issue, node: Node, hidden: boolean, schema: JsonSchema): Finding {
  const scalar = node.kind === 'scalar' && !hidden ? node : undefined;
  switch (issue.code) {
    case 'invalid_type':
      return {
        message: `must be ${typeNames(schema.type === 'integer' ? ['int'] : [issue.expected])}`,
        remedy: otherwise(issue, node, hidden, schema),
      };
    case 'invalid_value': {
      const values = issue.values.map(String);
      const remedy = scalar && didYouMean(scalar.written, values);
      return { message: `must be ${values.length > 1 ? 'one of ' : ''}${listed(values)}`, remedy };
    }
    case 'invalid_union': {
      // A branch that objects to nothing but what is in it would take a value of this type.
      const [deeper] =
        issue.errors.find((branch) => branch.every(({ path }) => path.length > 0)) ?? [];
      if (deeper !== undefined) return wrong(deeper as Issue, node, hidden, schema);
      const types = wanted(issue);
      if (types.length === 0) break;
      return {
        message: `must be ${typeNames(types)}`,
        remedy: otherwise(issue, node, hidden, schema),
      };
    }
    case 'invalid_format':
      if (scalar === undefined || !('pattern' in issue)) break;
      return { message: sentence(issue.message), remedy: withUnit(scalar, issue.pattern) };
    case 'too_big':
    case 'too_small':
      if (isOwnWords(issue.message)) break;
      return { message: limit(issue, schema) };
    default:
  }
  return { message: sentence(issue.message) };
}

const isOwnWords = (message: string): boolean => /^[a-z]/.test(message);

/** A plugin's own words go on from the option's name; zod's stand behind a colon. */
const sentence = (message: string): string =>
  isOwnWords(message) ? message : `is not right: ${message}`;

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

const typeNames = (types: readonly string[]): string =>
  [...new Set(types.map((type) => NAMES[type] ?? type))].join(' or ');

const TRUTH: Readonly<Record<string, string>> = {
  yes: 'true',
  on: 'true',
  y: 'true',
  no: 'false',
  off: 'false',
  n: 'false',
};

/** What to write in place of a value of the wrong type. */
function otherwise(
  issue: Issue,
  node: Node,
  hidden: boolean,
  schema: JsonSchema,
): string | undefined {
  const types = wanted(issue);
  const names = Object.keys(schema.properties ?? {});
  if (types.includes('object') && names.length > 0)
    return `write ${listed(names.slice(0, 3).map((name) => `{ ${name}: … }`))}`;
  if (node.kind !== 'scalar') return undefined;
  const { written } = node;
  const truth = TRUTH[written.toLowerCase()];
  if (types.includes('boolean') && truth !== undefined) return `did you mean ${truth}?`;
  if (types.includes('array'))
    return `write a list: [${hidden ? '…' : JSON.stringify(node.value)}]`;
  const numeric = types.includes('int') || types.includes('number');
  if (!hidden && numeric && /^\d+$/.test(written)) return 'leave the quotes out';
  return undefined;
}

const UNITS: Readonly<Record<string, readonly string[]>> = {
  '': ['s', 'B'],
  ms: ['ms'],
  msec: ['ms'],
  millisecond: ['ms'],
  sec: ['s'],
  second: ['s'],
  m: ['m', 'MiB'],
  min: ['m'],
  minute: ['m'],
  hr: ['h'],
  hour: ['h'],
  day: ['d'],
  byte: ['B'],
  k: ['KiB'],
  kb: ['KiB'],
  kib: ['KiB'],
  mb: ['MiB'],
  mib: ['MiB'],
  g: ['GiB'],
  gb: ['GiB'],
  gib: ['GiB'],
  s: ['s'],
  h: ['h'],
  d: ['d'],
  b: ['B'],
};

/** The same quantity with a unit that the option takes. */
function withUnit({ written }: ScalarNode, pattern: unknown): string | undefined {
  const [, source = '', flags = ''] = /^\/(.*)\/([a-z]*)$/s.exec(String(pattern)) ?? [];
  const [, amount, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)$/i.exec(written) ?? [];
  if (amount === undefined || source === '') return undefined;
  const accepts = new RegExp(source, flags);
  const word = unit.toLowerCase();
  const units = UNITS[word] ?? UNITS[word.replace(/s$/, '')] ?? [];
  const fitting = units.map((each) => amount + each).find((text) => accepts.test(text));
  return fitting === undefined ? undefined : `did you mean "${fitting}"?`;
}

function limit(issue: Issue & { code: 'too_big' | 'too_small' }, schema: JsonSchema): string {
  const least = issue.code === 'too_small';
  const number = String(least ? issue.minimum : issue.maximum);
  const things = { string: ' characters', array: ' entries' }[issue.origin as string];
  if (least && number === '1' && things !== undefined) return 'must not be empty';
  if (things !== undefined) return `must have at ${least ? 'least' : 'most'} ${number}${things}`;
  const { minimum, maximum } = schema;
  const bounded = minimum !== undefined && maximum !== undefined;
  if (bounded && Math.abs(minimum) < 2 ** 53 - 1 && maximum < 2 ** 53 - 1) {
    return `must be from ${minimum} to ${maximum}`;
  }
  if (issue.inclusive === false) return `must be ${least ? 'more' : 'less'} than ${number}`;
  return `must be at ${least ? 'least' : 'most'} ${number}`;
}

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;

/** `handlers.graphite.only[2]` */
function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    const name = String(step);
    if (typeof step === 'number') text += `[${name}]`;
    else text += `${text === '' ? '' : '.'}${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}`;
  }
  return text === '' ? 'the file' : text;
}
