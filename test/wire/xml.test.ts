import { type Element, parseXml, textAt } from 'cullinan/wire/xml';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const DOMAIN = `<?xml version="1.0"?>
<!-- WARNING: <generated> -->
<domain type='qemu' id="3">
  <name>a &lt;b&gt; &amp; &quot;c&quot; &#x6771;&#20140;</name>
  <metadata><nova:instance xmlns:nova="urn:nova"><nova:name> web-1
  </nova:name><nova:owner><nova:project uuid='p-1'>one</nova:project></nova:owner></nova:instance></metadata>
  <devices><disk/><disk type='file'><target dev="vda" /></disk><![CDATA[<no & element>]]></devices>
</domain>
`;

describe('a document', () => {
  test('is read with its attributes, texts and entities', () => {
    const domain = parseXml(DOMAIN);
    expect(domain.name).toBe('domain');
    expect(textAt(domain, '@type')).toBe('qemu');
    expect(textAt(domain, '@id')).toBe('3');
    expect(textAt(domain, 'name')).toBe('a <b> & "c" 東京');
    expect(textAt(domain, 'devices')).toBe('<no & element>');
    expect(domain.children.map(({ name }) => name)).toEqual(['name', 'metadata', 'devices']);
  });

  test('is searched with and without prefixes', () => {
    const domain = parseXml(DOMAIN);
    expect(textAt(domain, 'metadata/nova:instance/nova:name')).toBe('web-1');
    expect(textAt(domain, 'metadata/instance/owner/project@uuid')).toBe('p-1');
    expect(textAt(domain, 'metadata/other:instance/other:name')).toBeUndefined();
    // The first such element, whether it has the attribute or not.
    expect(textAt(domain, 'devices/disk@type')).toBeUndefined();
    expect(textAt(domain, 'devices/disk/nothing/at/all')).toBeUndefined();
  });

  test.each([
    ['', 'not one outermost element'],
    ['<a/><b/>', 'not one outermost element'],
    ['<a>', 'the element a does not end'],
    ['<a></b>', '"</b>" ends nothing'],
    ['</a>', 'ends nothing'],
    ['<a', 'the element a is not as it should be'],
    ['<a b=c/>', 'the element a is not as it should be'],
    ['<a b="<"/>', 'the element a is not as it should be'],
    ['< a/>', 'no name'],
    ['<a><!-- ', '"-->" is missing'],
    ['text', 'text outside'],
    ['<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>', 'a document type'],
    ['<a>'.repeat(100), 'more than 64'],
  ])('is refused where it is not well-formed: %s', (text, said) => {
    expect(() => parseXml(text)).toThrow(SyntaxError);
    expect(() => parseXml(text)).toThrow(said);
  });

  test('has no more elements than anybody needs', () => {
    expect(() => parseXml(`<a>${'<b/>'.repeat(100_000)}</a>`)).toThrow('more than 100000 elements');
  });
});

const escaped = (text: string): string =>
  text.replace(/[<>&"']/g, (char) => `&#${char.codePointAt(0)};`);
const name = fc.stringMatching(/^[a-z][\w:.-]{0,8}$/);
const plain = fc.string({ unit: 'binary', maxLength: 12 });
const around = (children: fc.Arbitrary<Element[]>): fc.Arbitrary<Element> =>
  fc.record({
    ...{ name, text: plain, children },
    attributes: fc.dictionary(name, plain).map((all) => new Map(Object.entries(all))),
  });
const leaf = around(fc.constant([]));
const branch = around(fc.array(around(fc.array(leaf, { maxLength: 3 })), { maxLength: 3 }));

function write({ name, attributes, children, text }: Element): string {
  const pairs = [...attributes].map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return `<${name}${pairs.join('')}>${children.map(write).join('<!-- -->')}${escaped(text)}</${name}>`;
}

test('what was written is read', () => {
  fc.assert(
    fc.property(branch, (written) => {
      expect(parseXml(write(written))).toEqual(written);
    }),
  );
});

test('whatever is changed in it, it is read or refused with a SyntaxError', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(DOMAIN.length), fc.constantFrom(...'<>/!?-["\'&;=a '))),
      (changes) => {
        let text = DOMAIN;
        for (const [at, char] of changes) text = text.slice(0, at) + char + text.slice(at + 1);
        try {
          parseXml(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('takes a time that grows as the text does', () => {
  const nasty = [
    '<a '.repeat(50_000),
    `<a ${'b="'.repeat(50_000)}`,
    '<!--'.repeat(50_000),
    `<a>${'&#'.repeat(50_000)}</a>`,
    `<a${' '.repeat(100_000)}`,
  ];
  for (const text of nasty) {
    const began = process.cpuUsage();
    try {
      parseXml(text);
    } catch {
      // Only the time matters.
    }
    expect(process.cpuUsage(began).user).toBeLessThan(1_000_000);
  }
});
