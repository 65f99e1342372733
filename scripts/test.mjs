// Everything that has to be right before a change is merged: `npm test`. Builds, then checks what
// can be told from the sources, all at once, then runs the tests. Every step that fails is named
// at the end. Words behind `npm test --` go to vitest: `npm test -- test/wire`.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name, ...words) => [`node_modules/.bin/${name}`, words];
const node = (...words) => [process.execPath, words];

const BUILD = { name: 'build', command: node('scripts/build.mjs') };
const CHECKS = [
  { name: 'format and lint', command: bin('biome', 'ci'), remedy: 'npm run format' },
  { name: 'types', command: bin('tsc') },
  { name: 'layering', command: node('scripts/layering.mjs') },
  { name: 'unused code', command: bin('knip') },
  {
    name: 'generated files',
    command: node('dist/src/reference/generate.js', '--check'),
    remedy: 'npm run generate',
  },
];
const TESTS = { name: 'tests', command: bin('vitest', 'run', ...process.argv.slice(2)) };

const failed = [];
const built = await step(BUILD, 'inherit');
// Without a build the sources can still be judged, the generator and the program cannot run.
const checks = built ? CHECKS : CHECKS.filter(({ name }) => name !== 'generated files');
await Promise.all(checks.map((check) => step(check, 'pipe')));
// The tests come alone and last: some of them watch the clock, and their summary ends the output.
if (built) await step(TESTS, 'inherit');
else console.log('The tests were not run, because there is no build to run.');

if (failed.length > 0) {
  console.log(`\nFAILED: ${failed.map(told).join(', ')}`);
  process.exitCode = 1;
} else console.log('\nEverything passed.');

function told({ name, remedy }) {
  return remedy === undefined ? name : `${name} (try: ${remedy})`;
}

/** Runs one step; with `pipe` its output appears in one piece, and only if it fails. */
async function step(given, output) {
  const { name, command, remedy } = given;
  const [program, words] = command;
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
    console.log(`ok      ${name} (${seconds} s)`);
    return true;
  }
  failed.push({ name, remedy });
  console.log(
    `FAILED  ${name} (${seconds} s, ${status})\n${text.trimEnd().replace(/^/gm, '    ')}`,
  );
  return false;
}
