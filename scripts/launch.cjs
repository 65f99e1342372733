// The program's first file, dist/cullinan.cjs: runs program.cjs beside it, with the code that V8 made
// of it when it was built. Compiling is a third of what a start costs.
//
// V8 takes the code back where everything is as it was: its version, its flags, the length of the
// text. Anywhere else, and without the file, it compiles the text, as ever.
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { basename, dirname, join } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');

const file = join(__dirname, 'program.cjs');
const culls = process.argv[2] === 'cull';
// Only code that runs very often is optimized, so that a host of usual size pays for no optimizing
// compiler within a week (it would save a third of the CPU at a tick a second, and take 5 MiB, most of them
// the compiler's own code), and one with a thousand disks does within hours. Later V8s than Node 20's do
// not know these flags. They are set before anything is compiled: V8 takes back no code that was made
// under others.
const tunes = process.versions.v8.startsWith('11.') && process.execArgv.length > 0;
if (tunes && !culls) setFlagsFromString('--interrupt-budget=1000000000');
// A run over a log needs other parts of it than an agent, which is to hold nothing that it does not need.
const kept = join(__dirname, culls ? 'cull.code' : 'program.code');

function keptCode() {
  try {
    return readFileSync(kept);
  } catch {
    return undefined;
  }
}

// The text is ASCII: esbuild escapes the rest.
const script = new Script(readFileSync(file, 'latin1'), {
  // Not its whole path, which would be part of the code.
  filename: 'program.cjs',
  cachedData: keptCode(),
});
// The folder for what the build asks for, at the end of a run that has done what a run does. Its flags stay as they were
// at the start: V8 refuses code that was made under others.
const keeps = process.env['CULLINAN_KEEP_CODE'];
if (keeps) {
  process.on('exit', () => {
    const path = join(keeps, basename(kept));
    // Whole or not at all: V8 does not look closely at what it is given.
    writeFileSync(`${path}.new`, script.createCachedData());
    renameSync(`${path}.new`, path);
  });
}
/** Milliseconds after which the first points are on their way; the second tick is not, in most agents. */
const STARTED = 500;
const HOUR = 3_600_000;

/**
 * Collects garbage and moves what is left together: what a start leaves behind is a quarter of the heap. V8 itself
 * would do it after eight seconds of calm, twice, and again whenever it has collected: twenty
 * milliseconds, as much as seven ticks.
 */
function tidy() {
  setFlagsFromString('--compact-on-every-full-gc');
  globalThis.gc?.();
  setFlagsFromString('--no-compact-on-every-full-gc');
  if (tunes) {
    // They belong to the budget, and concern what runs from now on.
    setFlagsFromString('--ticks-before-optimization=30');
    setFlagsFromString('--max-bytecode-size-for-early-opt=0');
  }
  setTimeout(tidy, HOUR).unref();
}

/**
 * Has V8 look for garbage all at once, and not beside the work, for as long as a run over a log mostly takes:
 * of what a start leaves behind it would find little. One that goes on holds less with it.
 */
function hurry() {
  // After each time, the heap grows by a fifth until the next, and not by eight MiB.
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--no-incremental-marking');
  setTimeout(() => setFlagsFromString('--incremental-marking'), STARTED).unref();
}

if (culls && !keeps) hurry();
else if (!keeps) setTimeout(tidy, STARTED).unref();

script.runInThisContext()(createRequire(file), file, dirname(file));
