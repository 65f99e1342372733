import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { doors } from '../src/foreign/doors.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Where each door is. */
const sources = new Map(
  [...doors.keys()].map((door) => {
    const name = door.replace('cullinan/', '');
    return [door, `${root}src/${name.startsWith('wire/') ? name : `${name}/index`}.ts`];
  }),
);

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config,
  ts.sys,
  root,
);
const program = ts.createProgram([...sources.values()], options);
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });

/** An export as its declaration has it; of a value its type, which is what its users see of it. */
function declared(symbol: ts.Symbol): string {
  const it = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const [node] = it.declarations ?? [];
  if (node === undefined) return '';
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) {
    return printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
  }
  if (ts.isSourceFile(node)) {
    const names = checker.getExportsOfModule(it).map(({ name }) => name);
    return `namespace { ${names.sort().join(', ')} }`;
  }
  const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.WriteArrowStyleSignature;
  const text = (type: ts.Type) => checker.typeToString(type, undefined, flags);
  if (ts.isClassDeclaration(node)) {
    const instance = checker.getDeclaredTypeOfSymbol(it);
    const members = checker
      .getPropertiesOfType(instance)
      .filter(({ name }) => !/^(message|stack|cause)$|^__#/.test(name))
      .map((each) => {
        // The compiler numbers what is no text, anew whenever a file is added.
        const name = each.name.replace(/^__@(\w+)@\d+$/, '[Symbol.$1]');
        return `  ${name}: ${text(checker.getTypeOfSymbol(each))};\n`;
      });
    const made = checker
      .getTypeOfSymbol(it)
      .getConstructSignatures()
      .map((each) => `  ${checker.signatureToString(each, undefined, flags)};\n`);
    return `class {\n${[...new Set(made)].join('')}${members.sort().join('')}}`;
  }
  return text(checker.getTypeOfSymbol(it));
}

function shape(door: string): string {
  const file = program.getSourceFile(sources.get(door) ?? '');
  const module = file && checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`${door} is no module`);
  const all = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
  return all.map((symbol) => `${symbol.name}: ${declared(symbol)}\n`).join('');
}

/** Types have no name at run time. */
const atRunTime = (door: string): string[] =>
  shape(door)
    .split('\n')
    .flatMap((line) => /^(\w+): (?!interface|type|export (interface|type))/.exec(line)?.[1] ?? []);

/**
 * What plugins of others may rely on. A line that changes here, or goes, breaks some of them: then the
 * version in src/plugin/api.ts changes by as much as semantic versions say, and the changelog says it.
 */
describe('the public API', () => {
  const rooms = [...doors.keys()].filter((door) => !door.startsWith('cullinan/wire/'));
  const codecs = [...doors.keys()].filter((door) => door.startsWith('cullinan/wire/'));

  test.each(rooms)('%s is exactly this', async (door) => {
    const name = door.replace('cullinan/', '');
    await expect(shape(door)).toMatchFileSnapshot(`golden/api/${name}.txt`);
  });

  test.each(rooms)('%s says of each export what it is', (door) => {
    const file = program.getSourceFile(sources.get(door) ?? '');
    const module = file && checker.getSymbolAtLocation(file);
    const silent = (module === undefined ? [] : checker.getExportsOfModule(module)).filter(
      (symbol) => {
        const it = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
        return symbol.name !== 'z' && it.getDocumentationComment(checker).length === 0;
      },
    );
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  test('the codecs have exactly these', async () => {
    const all = codecs.map((door) => `${door}: ${atRunTime(door).join(', ')}\n`);
    await expect(all.join('')).toMatchFileSnapshot('golden/api/wire.txt');
  });

  test.each([...doors])('%s exports as much when it runs as its types say', async (door, open) => {
    const exported = Object.keys((await open()) as object).sort();
    expect(exported.filter((name) => !atRunTime(door).includes(name))).toEqual([]);
    expect(atRunTime(door).filter((name) => !exported.includes(name))).toEqual([]);
  });

  test('is all that the plugins need that are built in', () => {
    const used = ['collectors', 'handlers', 'parsers'].flatMap((folder) =>
      readdirSync(`${root}${folder}`).flatMap((file) => {
        const text = readFileSync(`${root}${folder}/${file}`, 'utf8');
        return [...text.matchAll(/from '(cullinan\/[^']+)'/g)].map(([, door = '']) => door);
      }),
    );
    expect(used.filter((door) => !doors.has(door))).toEqual([]);
  });
});
