// Everything that has to be right before a change is merged: `npm test`. Builds, then checks what
// can be told from the sources, all at once, then runs the tests. Every step that fails is named
// at the end. Words behind `npm test --` go to vitest: `npm test -- test/wire`.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ program: string, words: string[] }} Command
 * @typedef {{ name: string, command: Command, remedy?: string }} Step
 */

const root = fileURLToPath(new URL('..', import.meta.url));
/** @type {(name: string, ...words: string[]) => Command} */
const bin = (name, ...words) => ({ program: `node_modules/.bin/${name}`, words });
/** @type {(...words: string[]) => Command} */
const node = (...words) => ({ program: process.execPath, words });

/** @type {Step} */
const BUILD = { name: 'build', command: node('scripts/build.mjs') };
/** @type {Step[]} */
const CHECKS = [
  { name: 'format and lint', command: bin('biome', 'ci'), remedy: 'npm run format' },
  { name: 'types', command: bin('tsc') },
  { name: 'layering', command: node('scripts/layering.mjs') },
  { name: 'unused code', command: bin('knip', '--treat-config-hints-as-errors') },
  {
    name: 'generated files',
    command: node('dist/src/reference/generate.js', '--check'),
    remedy: 'npm run generate',
  },
  {
    name: 'reference of the API',
    command: node('scripts/api.mjs', '--check'),
    remedy: 'npm run generate',
  },
];
/** They look at what the build has made. */
const LATER = ['generated files', 'reference of the API'];
/** @type {Step} */
const TESTS = { name: 'tests', command: bin('vitest', 'run', ...process.argv.slice(2)) };

/** @type {Step[]} */
const failed = [];
const built = await step(BUILD, 'inherit');
// Without a build the sources can still be judged, the generator and the program cannot run.
const checks = built ? CHECKS : CHECKS.filter(({ name }) => !LATER.includes(name));
await Promise.all(checks.map((check) => step(check, 'pipe')));
// The tests come alone and last: some of them watch the clock, and their summary ends the output.
if (built) await step(TESTS, 'inherit');
else console.log('The tests were not run, because there is no build to run.');

if (failed.length > 0) {
  console.log(`\nFAILED: ${failed.map(told).join(', ')}`);
  process.exitCode = 1;
} else console.log('\nEverything passed.');

/** @param {Step} step */
function told({ name, remedy }) {
  return remedy === undefined ? name : `${name} (try: ${remedy})`;
}

/**
 * Runs one step. With `pipe` its output appears in one piece, and only if it fails.
 *
 * @param {Step} given
 * @param {'pipe' | 'inherit'} output
 * @returns {Promise<boolean>} whether it passed.
 */
async function step(given, output) {
  const { program, words } = given.command;
  const start = performance.now();
  const child = spawn(program, words, {
    cwd: root,
    stdio: ['ignore', output, output],
    env:
      output === 'pipe' && process.stdout.isTTY
        ? { ...process.env, FORCE_COLOR: '1' }
        : process.env,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (data) => {
      text += data;
    });
  }
  const status = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (status === 0) {
    console.log(`ok      ${given.name} (${seconds} s)`);
    return true;
  }
  failed.push(given);
  console.log(
    `FAILED  ${given.name} (${seconds} s, ${status})\n${text.trimEnd().replace(/^/gm, '    ')}`,
  );
  return false;
}
