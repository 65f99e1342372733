/**
 * XML as programs write it for programs: elements, attributes, texts, the entities that every document has.
 * No document type is read and no entity declared, so that a document can only be as large as it is.
 *
 * @see https://www.w3.org/TR/xml/
 */

export interface Element {
  /** As it is written, with its prefix: `nova:name`. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  /** What stands in it outside of other elements. */
  readonly text: string;
}

interface Open extends Element {
  readonly children: Element[];
  text: string;
}

/** Elements within each other at most. */
const DEEPEST = 64;
const MOST_ELEMENTS = 100_000;

const NAME = /[^\s<>/="'&!?]+/y;
const ATTRIBUTE = /\s+([^\s<>/="'&]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
const END = /\s*(\/?)>/y;
const REFERENCE = /&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(\w{1,8}));/g;
const ENTITIES: Readonly<Record<string, string>> = {
  ...{ lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" },
};

/** What a text means; a reference that means nothing stays as it is. */
const plain = (text: string): string =>
  text.includes('&')
    ? text.replace(REFERENCE, (all, decimal?: string, hex?: string, name = '') => {
        if (decimal === undefined && hex === undefined) return ENTITIES[name] ?? all;
        const code = Number.parseInt(decimal ?? hex ?? '', decimal === undefined ? 16 : 10);
        return code <= 0x10_ffff ? String.fromCodePoint(code) : all;
      })
    : text;

/**
 * Reads a document, in one pass.
 *
 * @returns its outermost element.
 * @throws a SyntaxError that says where, if it is not well-formed, is deeper than 64 elements, or has more
 *   than 100,000.
 */
export function parseXml(document: string): Element {
  const outermost: Open = { name: '', attributes: new Map(), children: [], text: '' };
  const open: Open[] = [outermost];
  let elements = 0;
  let at = 0;
  const fail = (what: string): never => {
    throw new SyntaxError(`character ${at}: ${what}`);
  };
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(document);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  /** Goes behind the next such text, and gives what stood before it. */
  const until = (end: string): string => {
    const found = document.indexOf(end, at);
    if (found < 0) return fail(`"${end}" is missing`);
    const before = document.slice(at, found);
    at = found + end.length;
    return before;
  };
  const start = (inside: Open): void => {
    at += 1;
    const [name = fail('no name of an element')] = match(NAME) ?? [];
    const attributes = new Map<string, string>();
    for (let one = match(ATTRIBUTE); one !== null; one = match(ATTRIBUTE)) {
      attributes.set(one[1] ?? '', plain(one[2] ?? one[3] ?? ''));
    }
    const [, empty = fail(`the element ${name} is not as it should be`)] = match(END) ?? [];
    elements += 1;
    if (elements > MOST_ELEMENTS) fail(`more than ${MOST_ELEMENTS} elements`);
    const element: Open = { name, attributes, children: [], text: '' };
    inside.children.push(element);
    if (empty === '') open.push(element);
    if (open.length > DEEPEST) fail(`more than ${DEEPEST} elements within each other`);
  };
  while (at < document.length) {
    const inside = open.at(-1) ?? outermost;
    const next = document.indexOf('<', at);
    const text = document.slice(at, next < 0 ? undefined : next);
    if (inside !== outermost) inside.text += plain(text);
    else if (text.trim() !== '' && text !== '\uFEFF') fail('text outside of all elements');
    at = next < 0 ? document.length : next;
    if (next < 0) break;
    if (document.startsWith('<!--', at)) until('-->');
    else if (document.startsWith('<![CDATA[', at)) inside.text += until(']]>').slice(9);
    else if (document.startsWith('<?', at)) until('?>');
    else if (document.startsWith('<!', at)) fail('a document type, which is not read');
    else if (document.startsWith('</', at)) {
      const name = until('>').slice(2).trimEnd();
      if (inside === outermost || name !== inside.name) fail(`"</${name}>" ends nothing`);
      open.pop();
    } else start(inside);
  }
  const [root, ...others] = outermost.children;
  if (open.length > 1) fail(`the element ${open.at(-1)?.name} does not end`);
  if (root === undefined || others.length > 0) return fail('not one outermost element');
  return root;
}

/**
 * Finds a text in an element: `metadata/nova:instance/nova:owner/nova:project` is what stands in the first
 * such element, with `@uuid` behind it an attribute. A name without a prefix stands for any.
 */
export function textAt(element: Element, path: string): string | undefined {
  const [way = '', attribute] = path.split('@');
  let here: Element | undefined = element;
  for (const name of way.split('/').filter((name) => name !== '')) {
    here = here.children.find((child) => isCalled(child.name, name));
    if (here === undefined) return undefined;
  }
  return attribute === undefined ? here.text.trim() : here.attributes.get(attribute);
}

const isCalled = (name: string, asked: string): boolean =>
  name === asked || (!asked.includes(':') && name.endsWith(`:${asked}`));
