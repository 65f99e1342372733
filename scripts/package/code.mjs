// The code that V8 makes of the packaged program, which saves a third of each start: the same bytes for the
// same program and the same runtime, on any machine and at any time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LINE } from '../bundle.mjs';
import { run } from './machines.mjs';

/**
 * Seconds of a tick, the longest that there may be: the first is what a start waits for, and no other may come
 * before it has ended, however busy the machine. Whether a later one is late tells in the code.
 */
const INTERVAL = 86_400;
/** Seconds that an emulated start takes on a busy machine, at most. */
const START = 120;
/** How many runs must agree on every byte: one that was late all the same does not decide. */
const AGREE = 3;
const MOST_RUNS = 15;
/**
 * V8 orders names by a secret number of each process: here all have the same. Between the parts of what it
 * keeps is whatever the memory held before, so it must never have held anything: no garbage is collected. Each
 * function has a mark of whether it ran often enough to be compiled once more, which a busy machine decides: none is.
 */
const SAME_BYTES = [
  '--hash-seed=1',
  '--min-semi-space-size=128',
  '--max-semi-space-size=128',
  '--initial-old-space-size=1024',
  '--no-incremental-marking',
  '--no-sparkplug',
];
/**
 * Where V8 writes, in the code of each part, by which flags it was made, and how many bytes: it takes back none
 * that was made by others.
 */
const FLAGS_AT = 12;
const FLAGS_LENGTH = 4;

/**
 * Keeps `program.code` and `cull.code` beside a program, marked as made by the flags in `node`: as those that a
 * run without any others keeps.
 *
 * @param {object} o
 * @param {string} o.root of the repository.
 * @param {readonly string[]} o.node how the runtime is called, with its flags.
 * @param {string} o.folder of the program.
 */
export async function keepCode({ root, node, folder }) {
  const work = mkdtempSync(join(tmpdir(), 'cullinan-code-'));
  hasten();
  try {
    const program = join(folder, 'cullinan.cjs');
    /** @type {(name: string, does: (run: Run) => Promise<void>) => Promise<void>} */
    const keep = async (name, does) => {
      /** @param {readonly string[]} flags @param {string} own */
      const made = async (flags, own) => {
        await does({ root, started: [...node, ...flags, program], own });
        return readFileSync(join(own, name));
      };
      const [code, usual] = await Promise.all([
        agreed(work, (own) => made(SAME_BYTES, own)),
        made([], mkdtempSync(join(work, 'run-'))),
      ]);
      const [first = 0] = partsOf(usual);
      const mark = usual.subarray(first + FLAGS_AT, first + FLAGS_AT + FLAGS_LENGTH);
      for (const at of partsOf(code)) mark.copy(code, at + FLAGS_AT);
      writeFileSync(join(folder, name), code);
    };
    await Promise.all([keep('program.code', agent), keep('cull.code', cull)]);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Goes before others, and with it what it starts: whoever waits for long does other things meanwhile. */
function hasten() {
  try {
    setPriority(constants.priority.PRIORITY_HIGH);
  } catch {
    // Only root may.
  }
}

/** Where the code of each part begins, in what scripts/launch.cjs keeps. @param {Buffer} code */
function partsOf(code) {
  let at = 4 + code.readUInt32LE(0);
  /** @type {[string, number][]} */
  const list = JSON.parse(code.toString('latin1', 4, at));
  return list.map(([, length]) => {
    const begin = Math.ceil(at / 8) * 8;
    at = begin + length;
    return begin;
  });
}

/**
 * Has something made in several folders at once, until enough of what was made is the same.
 *
 * @param {string} work
 * @param {(own: string) => Promise<Buffer>} make
 */
async function agreed(work, make) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  for (let runs = 0; runs < MOST_RUNS; runs += AGREE) {
    const each = Array.from({ length: AGREE }, () => make(mkdtempSync(join(work, 'run-'))));
    for (const code of await Promise.all(each)) {
      const key = code.toString('latin1');
      const times = (seen.get(key) ?? 0) + 1;
      if (times === AGREE) return code;
      seen.set(key, times);
    }
  }
  throw new Error(
    `no ${AGREE} of ${MOST_RUNS} runs made the same code; is this machine very busy?`,
  );
}

/**
 * @typedef {object} Run
 * @property {string} root
 * @property {readonly string[]} started how the program is started.
 * @property {string} own a folder of its own.
 */

/** The agent over a recorded host, so that it is the same host everywhere. @param {Run} run */
async function agent({ root, started: [command = '', ...words], own }) {
  const host = join(root, 'test/fixtures/debian-12/1795221120');
  const carbon = createServer((socket) => {
    socket.once('data', () => program.kill());
  }).listen(0, '127.0.0.1');
  await once(carbon, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (carbon.address());
  const config = join(own, 'cullinan.yaml');
  writeFileSync(
    config,
    `interval: ${INTERVAL}s
hostname: { name: host }
host: { proc: ${host}/proc, sys: ${host}/sys, root: ${host}/root }
status: { enabled: false }
handlers: { graphite: { host: 127.0.0.1, port: ${port} } }
`,
  );
  const left = INTERVAL - ((Date.now() / 1000) % INTERVAL);
  if (left < START) await sleep(left * 1000);
  const program = spawn(command, [...words, 'run', '--config', config], {
    stdio: 'ignore',
    env: environment(own),
  });
  await once(program, 'exit');
  carbon.close();
}

/** Waits until a second has begun. */
const second = () => sleep(1000 - (Date.now() % 1000));

/** Twice over a log: what was there before, and a line that is new. @param {Run} run */
async function cull({ started: [command = '', ...words], own }) {
  const log = join(own, 'access.log');
  const state = join(own, 'state');
  mkdirSync(state);
  for (const text of ['', LINE]) {
    // Both never within one second: what is in the log is then compared otherwise.
    await second();
    writeFileSync(log, text, { flag: 'a' });
    const culls = ['cull', '--output', 'stdout', '--state-dir', state, 'access', log];
    await run(command, [...words, ...culls], { env: environment(own) });
  }
}

/** @param {string} own */
const environment = (own) => ({
  PATH: process.env['PATH'] ?? '',
  TZ: 'UTC',
  CULLINAN_KEEP_CODE: own,
});
