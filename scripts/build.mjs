// Installs what is missing and compiles what changed: `npm run build`, and the beginning of
// `npm start` and `npm test`. Talks on stderr, because stdout is for what the program prints.
//
// --anyway  goes on when types are wrong, for `npm run generate`, which may be what rights them
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 20;
const root = new URL('../', import.meta.url);

const node = Number(process.versions.node.split('.')[0]);
if (node < OLDEST_NODE) {
  fail(`this is Node ${process.versions.node}; cullinan needs ${OLDEST_NODE} or later`);
}

if (isMissing()) {
  console.error('cullinan: installing the packages of package-lock.json …');
  // Not `npm ci`: it refuses a lock file that lacks optional packages for other machines, which npm
  // leaves out wherever a registry does not have them. --no-save takes the lock file as it is, and
  // leaves it so. Whoever builds needs the tools, also where NODE_ENV says production.
  run('npm', ['install', '--no-save', '--include=dev'], 'installing failed');
}

const compiler = fileURLToPath(new URL('node_modules/typescript/bin/tsc', root));
if (!existsSync(new URL('dist/build.tsbuildinfo', root))) console.error('cullinan: building …');
run(
  process.execPath,
  [compiler, '--project', 'tsconfig.build.json'],
  process.argv.includes('--anyway') ? undefined : 'the build failed',
);
// Only now, because what it imports may just have been installed.
const { bundle } = await import('./bundle.mjs');
await bundle(json('package.json').bin.cullinan, OLDEST_NODE);

/** Whether a package of the lock file is not installed, or in another version. */
function isMissing() {
  const installed = json('node_modules/.package-lock.json')?.packages;
  if (installed === undefined) return true;
  return Object.entries(json('package-lock.json').packages).some(
    // Optional ones are for other machines; the one without a path is this project.
    ([path, { version, optional }]) =>
      path !== '' && !optional && installed[path]?.version !== version,
  );
}

/**
 * @param {string} path
 * @returns {any} what a JSON file of the project holds; `undefined` if there is none.
 */
function json(path) {
  const file = new URL(path, root);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/**
 * @param {string} command
 * @param {string[]} words
 * @param {string | undefined} consequence what to say when it fails; `undefined` goes on.
 */
function run(command, words, consequence) {
  const { status, signal, error } = spawnSync(command, words, {
    cwd: fileURLToPath(root),
    stdio: ['ignore', 2, 2],
  });
  if (signal !== null) process.kill(process.pid, signal);
  if (error !== undefined) fail(`${command} cannot be started: ${error.message}`);
  if (status !== 0 && consequence !== undefined) fail(`${consequence}; see above`);
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(`cullinan: ${message}.`);
  process.exit(1);
}
