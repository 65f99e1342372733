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
