import { Document, isScalar, isSeq, Pair, Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { type Draft, type Entry, type Line, type Value, Verbatim } from './draft.ts';
import { harmless } from './problem.ts';

/** Who will read the text: its owner alone, anybody, or the loader that checks it. */
export type Reader = 'owner' | 'anybody' | 'check';

const WIDTH = 100;
/** Keys in the order in which the reference has them; others follow as they were set. */
const FIRST = ['interval', 'hostname', 'labels', 'host', 'log', 'status', 'health', 'shutdown'];
const LAST = ['collectors', 'handlers'];

/** The configuration as YAML, with its comments, and what was left behind at its end. */
export function render(draft: Draft, reader: Reader): string {
  const document = new Document({});
  const map = mapOf({ document, reader, lists: new Map() }, ordered(draft.root));
  document.contents = map as never;
  const yaml = map.items.length === 0 ? '{}\n' : document.toString({ lineWidth: WIDTH });
  const head = draft.root.comments.map((text) => comment(text)).join('#\n');
  return [head, yaml, leftBehind(draft)].filter((part) => part !== '').join('\n');
}

/** Whether the text for its owner has secrets in it. */
export const hasSecrets = ({ root }: Draft): boolean => {
  const holds = (value: Value | undefined): boolean => {
    if (value instanceof Verbatim) return value.secret;
    if (typeof value !== 'object') return false;
    return Object.values(value).some(holds);
  };
  const search = ({ value, below }: Entry): boolean =>
    holds(value) || [...below.values()].some(search);
  return search(root);
};

function ordered({ below, ...rest }: Entry): Entry {
  const known = [...FIRST, ...LAST];
  const names = [
    ...FIRST.filter((name) => below.has(name)),
    ...[...below.keys()].filter((name) => !known.includes(name)),
    ...LAST.filter((name) => below.has(name)),
  ];
  const sorted = names.flatMap((name) => {
    const found = below.get(name);
    return found === undefined ? [] : [[name, found] as const];
  });
  return { ...rest, below: new Map(sorted) };
}

/** A text that is being made. */
interface Making {
  readonly document: Document;
  readonly reader: Reader;
  /** Lists that were written already: where one comes again, its name will do. */
  readonly lists: Map<Value, YAMLSeq>;
}

function mapOf(making: Making, { below }: Entry): YAMLMap {
  const map = making.document.createNode({}) as YAMLMap;
  for (const [name, entry] of below) {
    const key = new Scalar(name);
    const text = entry.comments.map((each) => ` ${wrapped(each).join('\n ')}`).join('\n');
    if (text !== '') key.commentBefore = text;
    const node =
      entry.value === undefined ? mapOf(making, entry) : nodeOf(making, name, entry.value);
    map.items.push(new Pair(key, node));
  }
  if (map.items.length === 0) map.flow = true;
  return map;
}

/** A list in one line, where it fits. */
const SHORT = 60;

function nodeOf({ document, reader, lists }: Making, name: string, value: Value) {
  const known = lists.get(value);
  if (known !== undefined) return document.createAlias(known, name);
  const node = document.createNode(plain(value, reader));
  if (!isSeq(node)) return node;
  const words = node.items.flatMap((item) => (isScalar(item) ? [String(item.value)] : []));
  node.flow = words.length === node.items.length && words.join(', ').length < SHORT;
  if (node.items.length > 1 || !node.flow) lists.set(value, node);
  return node;
}

function plain(value: Value, reader: Reader): unknown {
  if (value instanceof Verbatim) {
    const written = reader === 'check' || (reader === 'owner' && value.secret);
    return written ? value.standIn.replaceAll('${', () => '$${') : value.text;
  }
  if (typeof value === 'string') return value.replaceAll('${', () => '$${');
  if (Array.isArray(value)) return (value as Value[]).map((each) => plain(each, reader));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, plain(each as Value, reader)]),
  );
}

function leftBehind(draft: Draft): string {
  const left = draft.left();
  if (left.length === 0) return '';
  const lines = left.map(({ line, why }) => {
    const said = wrapped(why, WIDTH - 6).map((text) => `#    ${text}\n`);
    return `# ${placeOf(line)}: ${shown(line)}\n${said.join('')}`;
  });
  return `# What could not be carried over, and why:\n#\n${lines.join('')}`;
}

export const placeOf = ({ file, line }: Line): string => oneLine(`${file}:${line}`);

const LONGEST = 160;
const SECRET =
  /((?:(?<!name|tag|field|metric)pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|community|dsn|credentials?|authorization|cookie|x-auth)[\w-]*["']?\s*[=:\s]\s*)(\S.*)$/i;

/** A line as it may be shown to anybody. */
export function shown({ text }: Line): string {
  const masked = oneLine(text)
    .replace(SECRET, '$1********')
    // Diamond's addresses of Redis have a password behind the port.
    .replace(/^(instances\s*=\s*)\S.*\/.*$/, '$1********')
    .replace(/(\w:\/\/[^/\s:@]*:)[^/\s@]+@/g, '$1********@');
  return masked.length > LONGEST ? `${masked.slice(0, LONGEST)}…` : masked;
}

const oneLine = (text: string): string => harmless(text.replaceAll('\n', ' '));

const comment = (text: string): string =>
  wrapped(text)
    .map((line) => `${`# ${line}`.trimEnd()}\n`)
    .join('');

/** Text in lines that fit. */
function wrapped(text: string, width = WIDTH - 12): string[] {
  return harmless(text)
    .split('\n')
    .flatMap((paragraph) => {
      const lines: string[] = [];
      for (const word of paragraph.split(' ')) {
        const last = lines.at(-1);
        if (last !== undefined && last.length + word.length < width) {
          lines[lines.length - 1] = `${last} ${word}`;
        } else lines.push(word);
      }
      return lines;
    });
}
