// Loaded ahead of the program (`node --require`): time passes as fast as the program has done what
// each moment asks of it. Everything else is real: /proc, the event loop, sockets, and who reads them.
//
// CULLINAN_BENCH_MARKS  seconds since the start, ascending, at which memory is written to standard
//                       output, one JSON object a line. Time stands still at the last.
// CULLINAN_BENCH_ANSWER real milliseconds that peers have to answer after each timer; 0 where none does.
// CULLINAN_BENCH_PACE   real milliseconds for each timer ahead of a mark, if not 1000: who has many
//                       handlers has many timers in a tick.
//
// Ahead of each mark there is a while of one tick a real second: who allocates a thousand times as
// fast as in life is given a larger heap by V8, and gives it back only when life is slow again.
'use strict';
const fs = require('node:fs');
const os = require('node:os');

const marks = (process.env['CULLINAN_BENCH_MARKS'] ?? '').split(',').map(Number);
const begun = { wall: Date.now(), uptime: os.uptime(), monotonic: process.hrtime.bigint() };
/** Simulated seconds ahead of a mark that are played slowly, and real milliseconds for each timer there. */
const CALM = 300;
const PACE = Number(process.env['CULLINAN_BENCH_PACE'] ?? 1000);
const ANSWER = Number(process.env['CULLINAN_BENCH_ANSWER'] ?? 0);
const inRealTime = globalThis.setTimeout;
/** Milliseconds since the start. */
let passed = 0;

Date.now = () => begun.wall + Math.floor(passed);
os.uptime = () => begun.uptime + passed / 1000;
const nanoseconds = () => begun.monotonic + BigInt(Math.round(passed * 1e6));
process.hrtime = Object.assign(
  () => {
    const now = nanoseconds();
    return /** @type {[number, number]} */ ([
      Number(now / 1_000_000_000n),
      Number(now % 1_000_000_000n),
    ]);
  },
  { bigint: nanoseconds },
);

/** Waits for its time. The program calls one off through it, and asks it not to keep the process alive. */
class Timer {
  /** @param {number} at @param {() => void} callback */
  constructor(at, callback) {
    this.at = at;
    this.callback = callback;
  }

  unref() {
    return this;
  }
}

/** @type {Set<Timer>} */
const timers = new Set();
/** @param {(...words: unknown[]) => void} callback @param {number} [ms] @param {...unknown} words */
const setTimer = (callback, ms = 0, ...words) => {
  const timer = new Timer(passed + Math.max(ms, 1), () => callback(...words));
  timers.add(timer);
  return timer;
};
Object.assign(globalThis, {
  setTimeout: setTimer,
  clearTimeout: (/** @type {Timer} */ timer) => timers.delete(timer),
});

/** What is open without anything being under way. */
const IDLE = new Set([
  'TCPSocketWrap',
  'UDPWrap',
  'PipeWrap',
  'TTYWrap',
  'SignalWrap',
  'Immediate',
  'Timeout',
]);
/** Turns of the event loop after each timer: one for what it left to do, one for what came of that. */
const TURNS = 2;

function next() {
  let first;
  for (const timer of timers) if (first === undefined || timer.at < first.at) first = timer;
  return first;
}

function report() {
  const text = fs.readFileSync('/proc/self/smaps_rollup', 'latin1');
  const mebibytes = (/** @type {string} */ field) =>
    Number(new RegExp(`^${field}: +(\\d+)`, 'm').exec(text)?.[1]) / 1024;
  const mark = { seconds: marks.shift(), rss: mebibytes('Rss'), anonymous: mebibytes('Anonymous') };
  fs.writeSync(1, `${JSON.stringify(mark)}\n`);
}

/** @param {number} turns that the program is still given. */
function play(turns) {
  if (turns > 0 || process.getActiveResourcesInfo().some((what) => !IDLE.has(what))) {
    setImmediate(play, turns - 1);
    return;
  }
  const timer = next();
  if (timer !== undefined) {
    timers.delete(timer);
    passed = Math.max(passed, timer.at);
    timer.callback();
  }
  if (marks[0] !== undefined && passed >= marks[0] * 1000) report();
  const ahead = marks[0] === undefined ? Number.POSITIVE_INFINITY : marks[0] - passed / 1000;
  if (ahead <= CALM) inRealTime(play, PACE, TURNS);
  else if (marks.length > 0 && ANSWER > 0) inRealTime(play, ANSWER, TURNS);
  else if (marks.length > 0) setImmediate(play, TURNS);
}
setImmediate(play, TURNS);
