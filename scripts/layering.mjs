// Checks who imports whom against the rules in .dependency-cruiser.cjs: `node scripts/layering.mjs`.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';

const CONFIG = fileURLToPath(new URL('../.dependency-cruiser.cjs', import.meta.url));
const FOLDERS = ['src', 'collectors', 'handlers', 'parsers'];

/**
 * Judges a tree of folders like this repository's.
 *
 * A checker that does not understand the sources (a compiler it does not know, an unknown ending)
 * finds nothing to object to. So it counts as an objection when it saw fewer modules than there are
 * files, or did not see that a plugin imports the public door, which every plugin does.
 *
 * @param {string} root the folder with src, collectors, handlers and parsers.
 * @returns {Promise<{ modules: number, objections: string[] }>}
 */
export async function judge(root) {
  /** @type {Required<import('dependency-cruiser').IConfiguration>} */
  const { forbidden, options } = createRequire(import.meta.url)(CONFIG);
  const { tsConfig: _, enhancedResolveOptions, ...rest } = options;
  const { output } = await cruise(
    FOLDERS,
    { ...rest, baseDir: root, validate: true, ruleSet: { forbidden } },
    enhancedResolveOptions,
  );
  // Without an output format the answer is an object.
  if (typeof output === 'string') throw new Error(output);
  const comments = new Map(forbidden.map(({ name, comment }) => [name, comment]));
  const objections = output.summary.violations.map(({ rule, from, to, cycle }) => {
    const path = cycle ? cycle.map(({ name }) => name).join(' → ') : to;
    const why = comments.get(rule.name);
    return `${rule.name}: ${from} → ${path}${why ? `\n    ${why}` : ''}`;
  });
  const seen = new Map(output.modules.map((module) => [module.source, module.dependencies]));
  const files = FOLDERS.flatMap((folder) => filesIn(root, folder));
  for (const file of files) {
    const dependencies = seen.get(file);
    if (dependencies === undefined) objections.push(`not-seen: ${file} was not understood`);
    else if (!file.startsWith('src/') && !dependencies.some(isPublicDoor)) {
      objections.push(`not-seen: ${file} seems not to import cullinan/plugin`);
    }
  }
  if (files.length === 0) objections.push('not-seen: there are no files to judge');
  return { modules: files.length, objections: objections.sort() };
}

/** @param {{ module: string }} dependency */
const isPublicDoor = ({ module }) => module === 'cullinan/plugin';

/**
 * @param {string} root
 * @param {string} folder
 */
const filesIn = (root, folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[cm]?[jt]s$/.test(name))
    .map((name) => `${folder}/${name.split(sep).join('/')}`);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { modules, objections } = await judge(root);
  for (const objection of objections) console.error(objection);
  console.error(`${modules} modules judged, ${objections.length} objections`);
  process.exitCode = objections.length === 0 ? 0 : 1;
}
