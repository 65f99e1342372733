// The program's first file, dist/cullinan.cjs: runs program.cjs beside it, with the code that V8 made
// of it when it was built. Compiling is a third of what a start costs.
//
// V8 takes the code back where everything is as it was: its version, its flags, the length of the
// text. Anywhere else, and without the file, it compiles the text, as ever.
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const file = join(__dirname, 'program.cjs');
const kept = join(__dirname, 'program.code');

function keptCode() {
  try {
    return readFileSync(kept);
  } catch {
    return undefined;
  }
}

// The text is ASCII: esbuild escapes the rest.
const script = new Script(readFileSync(file, 'latin1'), {
  filename: file,
  cachedData: keptCode(),
});
// What the build asks for, at the end of a run that has done what a run does.
if (process.env['CULLINAN_KEEP_CODE'] !== undefined) {
  process.on('exit', () => {
    // Whole or not at all: V8 does not look closely at what it is given.
    writeFileSync(`${kept}.new`, script.createCachedData());
    renameSync(`${kept}.new`, kept);
  });
}
script.runInThisContext()(createRequire(file), file, dirname(file));
