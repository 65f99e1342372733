/** The lists of files that are generated from: base names without `.ts`, sorted. */
export interface PluginFiles {
  readonly collectors: readonly string[];
  readonly handlers: readonly string[];
  readonly parsers: readonly string[];
}

const WIDEST = 100;

/** `disk-io` is imported as `diskIo`. */
const variable = (file: string): string =>
  file.replace(/-+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** What each file's plugin is called where it is listed. */
type Called = (file: string) => string;

const imports = (folder: string, files: readonly string[], called: Called = variable): string =>
  files.map((file) => `import ${called(file)} from '../../${folder}/${file}.ts';\n`).join('');

/** src/agent/builtin.ts: a plugin is built in when its file is there. */
export function builtinSource({
  collectors,
  handlers,
}: Pick<PluginFiles, 'collectors' | 'handlers'>): string {
  // A handler may be called like a collector: one runs a program, the other feeds one.
  const handler: Called = (file) =>
    collectors.includes(file) ? `${variable(file)}Handler` : variable(file);
  return `\
// Generated from the files in collectors/ and handlers/ by \`npm run generate\`. Do not edit.
${imports('collectors', collectors)}${imports('handlers', handlers, handler)}\
import type { Collector, Handler } from '../plugin/index.ts';

${list('collectors', 'Collector', collectors)}${list('handlers', 'Handler', handlers, handler)}`;
}

/** src/parsers/builtin.ts: apart from the others, because a collector asks for them by name. */
export const builtinParsersSource = ({ parsers }: Pick<PluginFiles, 'parsers'>): string => `\
// Generated from the files in parsers/ by \`npm run generate\`. Do not edit.
${imports('parsers', parsers)}\
import type { Parser } from '../plugin/index.ts';

${list('builtin', 'Parser', parsers)}`;

/** A list as the formatter writes it. */
function list(
  name: string,
  type: string,
  files: readonly string[],
  called: Called = variable,
): string {
  const head = `export const ${name}: readonly ${type}[] = [`;
  const line = `${head}${files.map(called).join(', ')}];`;
  if (line.length <= WIDEST) return `${line}\n`;
  return `${head}\n${files.map((file) => `  ${called(file)},\n`).join('')}];\n`;
}

/** What `cullinan new` writes and the guides show: a folder of templates/ for each kind. */
export interface Template {
  /** What it is called in there. */
  readonly name: string;
  /** Paths below its folder and texts; the plugin is the first, then its tests. */
  readonly files: readonly (readonly [path: string, text: string])[];
}

/** src/cli/templates.ts: the installed program has no other files. */
export const templatesSource = (templates: ReadonlyMap<string, Template>): string => `\
// Generated from the files in templates/ by \`npm run generate\`. Do not edit.
// biome-ignore-all format: texts as they are
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are texts of programs

export const templates = ${JSON.stringify(Object.fromEntries(templates), undefined, 1)} as const;
`;
