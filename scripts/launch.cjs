// The program's first file, dist/cullinan.cjs: loads those parts of program.cjs beside it that are asked
// for, with the code that V8 made of them when they were built. Compiling is a third of what a start costs.
//
// V8 takes the code back where everything is as it was: its version, its flags, the length of the
// text. Anywhere else, and without the file, it compiles the text, as ever.
const { openSync, readFileSync, readSync, renameSync, writeFileSync } = require('node:fs');
const { basename, join, posix } = require('node:path');
const { pathToFileURL } = require('node:url');
const { setFlagsFromString } = require('node:v8');
const { Script, runInNewContext } = require('node:vm');

const file = join(__dirname, 'program.cjs');
const culls = process.argv[2] === 'cull';

// Node has kept code of its own modules, too, which V8 takes back under no flags but those that Node was built with
// (those of the first line count as such): so what every agent needs of them comes first. To compile it anew takes 6 ms.
for (const name of ['net', 'dns', 'os']) require(name);
// Then the flags, before anything of ours is compiled. Compiled code is kept, and not thrown away between two ticks.
setFlagsFromString('--no-flush-bytecode');
// The young generation stays as small as it begins.
setFlagsFromString('--semi-space-growth-factor=1');
// Nothing is optimized before the agent is known to be busy: on a host of usual size the optimizing compiler
// would save a third of the CPU at a tick a second, and take 5 MiB, most of them the compiler's own code.
const isOfNode20 = process.versions.v8.startsWith('11.');
const tunes = process.execArgv.length > 0;
if (tunes && !culls) {
  if (isOfNode20) {
    // It looks at a function again after so many bytes of its code have run, and optimizes none.
    setFlagsFromString('--interrupt-budget=10000000');
    setFlagsFromString('--ticks-before-optimization=1000000');
    setFlagsFromString('--max-bytecode-size-for-early-opt=0');
  } else {
    // No function is so short. That it is looked at late does not do: a thousand guests are a million calls within minutes.
    setFlagsFromString('--max-optimized-bytecode-size=0');
  }
}

/** From now on V8 looks at functions as often as ever, whatever the runtime that is packaged was told by its first words. */
function lookAsUsual() {
  if (!process.execArgv.some((word) => word.startsWith('--invocation-count-'))) return;
  for (const [words, usual] of [
    ['for-turbofan', 3000],
    ['for-osr', 500],
    ['for-maglev', 400],
    ['for-maglev-osr', 100],
  ]) {
    setFlagsFromString(`--invocation-count-${words}=${usual}`);
  }
}

// It would make a run over a log slow.
if (culls) lookAsUsual();
// A run over a log needs other functions than an agent, which is to hold none that it does not need.
const kept = join(__dirname, culls ? 'cull.code' : 'program.code');

/**
 * @typedef {object} Parts
 * @property {Readonly<Record<string, readonly [from: number, to: number]>>} index where each stands.
 * @property {readonly string[]} core names of what is within the part `core.js`.
 * @property {readonly string[]} passing names of those that only a start needs.
 */
// @ts-expect-error scripts/bundle.mjs puts it in.
const { index, core, passing } = /** @type {Parts} */ (PARTS);

/** Open for as long as the program runs: a part that is loaded late is of the same program, whatever was installed since. */
const fd = openSync(file, 'r');

/** The text of a part: ASCII, so that it takes half the memory. */
function textOf(/** @type {string} */ part) {
  const [from, to] = index[part] ?? [0, 0];
  const bytes = Buffer.allocUnsafeSlow(to - from);
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(fd, bytes, at, bytes.length - at, from + at);
    if (read === 0) throw new Error(`${file} is cut short`);
    at += read;
  }
  return bytes.toString('latin1');
}

/** Before the code of all parts: how long the list of their names and lengths is, and that list. */
const LENGTH_BYTES = 4;
/** V8 would copy what does not begin at a multiple of 8. */
const aligned = (/** @type {number} */ length) => Math.ceil(length / 8) * 8;

/** @returns {Map<string, Buffer>} what V8 has made of each part. */
function keptCode() {
  /** @type {Map<string, Buffer>} */
  const code = new Map();
  try {
    const bytes = readFileSync(kept);
    let at = LENGTH_BYTES + bytes.readUInt32LE(0);
    for (const [part, length] of JSON.parse(bytes.toString('latin1', LENGTH_BYTES, at))) {
      at = aligned(at);
      code.set(part, bytes.subarray(at, at + length));
      at += length;
    }
  } catch {
    // Made anew.
  }
  return code;
}

/** @param {readonly (readonly [string, Buffer])[]} code */
function packed(code) {
  const list = Buffer.from(JSON.stringify(code.map(([part, { length }]) => [part, length])));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(list.length);
  let bytes = Buffer.concat([length, list]);
  for (const [, each] of code) {
    bytes = Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length), each]);
  }
  return bytes;
}

/** Until the program has started. @type {Map<string, Buffer> | undefined} */
let code = keptCode();
/** @type {Map<string, object>} what each part that was loaded exports. */
const loaded = new Map();
const within = new Set(core);
const goes = new Set(passing);
/** Has plugins looked at, which takes as long as it takes. */
const SLOW = 'src/foreign/summon.js';
const HERE = pathToFileURL(__filename).href;

// The folder for what the build asks for, at the end of a run that has done what a run does. Its flags stay as they were
// at the start: V8 refuses code that was made under others.
const keeps = process.env['CULLINAN_KEEP_CODE'];
/** @type {Map<string, Script>} */
const scripts = new Map();
const tidies = !culls && !keeps;
if (keeps) {
  process.on('exit', () => {
    const path = join(keeps, basename(kept));
    const names = [...scripts.keys()].sort();
    // Whole or not at all: V8 does not look closely at what it is given.
    writeFileSync(
      `${path}.new`,
      packed(names.map((name) => [name, scripts.get(name)?.createCachedData() ?? Buffer.alloc(0)])),
    );
    renameSync(`${path}.new`, path);
  });
}

/**
 * Loads a part, once. A name without a dot in front is a package's or that of a module of Node.
 *
 * @param {string} name
 * @param {string} from the folder that it is relative to.
 * @returns {object}
 */
function loadPart(name, from = '.') {
  if (!name.startsWith('.')) return require(name);
  // Most are asked for by their whole name, again and again.
  const part = from === '.' ? name.slice('./'.length) : posix.join(from, name);
  const known = loaded.get(part);
  if (known !== undefined) return known;
  if (within.has(part)) {
    if (loaded.has('core.js')) throw new Error(`${part} is asked for while the core is being made`);
    for (const [each, exports] of Object.entries(loadPart('./core.js'))) loaded.set(each, exports);
    return loadPart(name, from);
  }
  // Not by its whole path, which would be part of the code.
  const script = new Script(textOf(part), { filename: part, cachedData: code?.get(part) });
  if (keeps) scripts.set(part, script);
  const made = { exports: {} };
  // Before it runs: two parts may need each other.
  loaded.set(part, made.exports);
  const beside = (/** @type {string} */ other) => loadPart(other, posix.dirname(part));
  try {
    script.runInThisContext()(made.exports, beside, made, loadPart, HERE);
  } catch (error) {
    // A package that it needs may be there the next time.
    loaded.delete(part);
    throw error;
  }
  loaded.set(part, made.exports);
  if (tidies && goes.has(part)) {
    if (part === SLOW) wait = LATER;
    tidySoon();
  }
  return made.exports;
}

/**
 * Pages that V8 has emptied go back to the system at once: those since Node 22 keep them for the collector
 * that works in idle time, which is switched off. That of Node 20 does not, and would drop more than that.
 *
 * @type {NodeJS.GCOptions}
 */
const THOROUGHLY = { type: 'major', execution: 'sync', flavor: 'last-resort' };
/** Milliseconds after which the first points are on their way; the second tick is not, in most agents. */
const STARTED = 500;
/** Milliseconds after a reload, and where there are plugins. */
const LATER = 2000;
const HOUR = 3_600_000;
/**
 * Milliseconds after which the first ticks are over, on a busy machine, too: they take longer than any other,
 * and say nothing.
 */
const BEGUN = 7000;
/** For so many milliseconds after that is seen whether the agent is busy, the first time. */
const SETTLED = 8000;
/** The share of a CPU from which on it tidies up once more. */
const BUSY = 0.02;
/**
 * The share from which on what it saves is worth the optimizing compiler: a thousand guests that are sent at a tick a
 * second, or a thousand disks and interfaces, take more. The same guests only collected take about as much, and fit into
 * 20 MiB with the compiler, too.
 */
const VERY_BUSY = 0.04;

/**
 * Collects garbage. V8 shows how to contexts that are made while a flag is set; set from the beginning, it would be one
 * that Node was not built with. It is asked for anew each time: a context is half a MiB.
 *
 * @param {NodeJS.GCOptions} [how]
 */
function gc(how) {
  setFlagsFromString('--expose-gc');
  const collects = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  collects(how);
}
Object.assign(globalThis, { gc });

/**
 * Lets go of what only a start needs, collects garbage and moves what is left together: what a start leaves
 * behind is a quarter of the heap. V8 itself would do it after eight seconds of calm, twice, and again whenever it has collected: twenty
 * milliseconds, as much as seven ticks.
 */
function collect() {
  for (const part of passing) loaded.delete(part);
  code = undefined;
  setFlagsFromString('--compact-on-every-full-gc');
  gc(isOfNode20 ? undefined : THOROUGHLY);
  setFlagsFromString('--no-compact-on-every-full-gc');
}

/** @type {NodeJS.Timeout | undefined} */
let next;
let wait = STARTED;
/** Whether memory counts for more than the time it takes to look for garbage. */
let eager = true;

/** Does so once nothing of it was needed for a while: a start with many plugins takes longer, and a reload needs it again. */
function tidySoon() {
  clearTimeout(next);
  next = setTimeout(tidy, wait).unref();
}

/** Does so now and every hour. */
function tidy() {
  collect();
  wait = LATER;
  // From now on it is looked for when a fifth of the room that is left to it is full, and not half: after a
  // week that is 6 MiB.
  if (eager) setFlagsFromString('--incremental-marking-soft-trigger=20');
  next = setTimeout(tidy, HOUR).unref();
}

/**
 * Has V8 optimize what runs often, and look for garbage once the heap is eight MiB larger, or a third: a fifth of
 * that are two ticks of 50,000 metrics, and each time takes as long as one of them.
 */
function optimize() {
  eager = false;
  setFlagsFromString('--heap-growing-percent=30');
  setFlagsFromString('--incremental-marking-soft-trigger=80');
  if (isOfNode20) {
    setFlagsFromString('--interrupt-budget=135168');
    setFlagsFromString('--ticks-before-optimization=3');
  } else {
    setFlagsFromString('--max-optimized-bytecode-size=61440');
    lookAsUsual();
  }
}

/**
 * Once the agent has taken much of a CPU since it was looked at: tidies up after the first ticks of one that
 * holds much, which is some MiB. Once it has taken very much: has V8 optimize what runs often.
 */
function watch(wait = SETTLED, tidied = false) {
  const before = process.cpuUsage();
  setTimeout(() => {
    const { user, system } = process.cpuUsage(before);
    const share = (user + system) / 1000 / wait;
    const busy = share >= BUSY;
    if (busy && !tidied) collect();
    if (share >= VERY_BUSY) optimize();
    else watch(HOUR, tidied || busy);
  }, wait).unref();
}

/**
 * Has V8 look for garbage all at once, and not beside the work, for as long as a run over a log mostly takes:
 * of what a start leaves behind it would find little. One that goes on holds less with it.
 */
function hurry() {
  // After each time, the heap grows by a fifth until the next, and not by eight MiB.
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--no-incremental-marking');
  setFlagsFromString('--incremental-marking-soft-trigger=20');
  // What is kept is made under the same flags as what takes it back.
  if (!keeps) setTimeout(() => setFlagsFromString('--incremental-marking'), STARTED).unref();
}

if (culls) hurry();
else if (!keeps) {
  tidySoon();
  if (tunes) setTimeout(watch, BEGUN).unref();
}

loadPart('./src/cli/main.js');
