// What culling holds while it goes through what is very large: a part of `npm run bench:logs`. By itself:
// node bench/logs-memory.mjs --gib 1
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { parseArgs } from 'node:util';
import { table } from './report.mjs';
import { PROGRAM, tell, workFolder } from './session.mjs';

/** MiB that no run may hold. */
const MOST = 70;
const GIB = 2 ** 30;
const DAYS = 30;
const MINUTES = DAYS * 24 * 60;

const { values: given } = parseArgs({ options: { gib: { type: 'string', default: '10' } } });
const gib = Number(given.gib);
if (!(gib > 0)) throw new Error('--gib must be a number above 0');

const work = workFolder();

const { bavail, bsize } = statfsSync(work);
if (bavail * bsize < (gib + 2) * GIB) {
  tell(`left out: ${work} has no room for ${gib + 2} GiB`);
  process.exit(0);
}

/** `21/Nov/2026:10:00:`, which is as long at any time. */
const minuteText = (/** @type {number} */ seconds) =>
  new Date(seconds * 1000)
    .toUTCString()
    .replace(/^\w+, (\d+) (\w+) (\d+) (\d+:\d+):.*$/, '$1/$2/$3:$4:');

/** An access log of the last month, as many lines in each minute. */
function accessLog(/** @type {string} */ path) {
  const end = Math.floor(Date.now() / 60_000) * 60;
  const stamp = minuteText(end);
  let text = '';
  /** @type {number[]} */
  const places = [];
  for (let i = 0; text.length < (gib * GIB) / MINUTES; i += 1) {
    text += `192.0.2.${i % 250} - - [`;
    places.push(text.length);
    const status = [200, 200, 304, 404, 500][i % 5];
    text += `${stamp}${String(i % 60).padStart(2, '0')} +0000] "GET /shop/${i % 40}?page=${i} HTTP/1.1" ${status} ${i * 37} "-" "Mozilla/5.0 (X11; Linux x86_64)"\n`;
  }
  const block = Buffer.from(text);
  const file = openSync(path, 'w');
  for (let time = end - MINUTES * 60; time < end; time += 60) {
    const its = minuteText(time);
    for (const place of places) block.write(its, place, 'latin1');
    writeSync(file, block);
  }
  closeSync(file);
}

/**
 * @param {string} parser
 * @param {string} log
 * @returns {Promise<{ seconds: number, mib: number }>} how long it took, and the most that it held.
 */
async function cull(parser, log) {
  const state = mkdtempSync(`${work}/state-`);
  const words = ['cull', '--from-start', '-o', 'stdout', '-s', state, parser, log];
  const began = performance.now();
  const child = spawn(PROGRAM, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  let kib = 0;
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      kib = Math.max(kib, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    } catch {
      // It has just ended.
    }
  }, 20);
  const [code] = await once(child, 'exit');
  clearInterval(look);
  if (code !== 0) throw new Error(`cullinan ${words.join(' ')} ended with ${code}`);
  return { seconds: (performance.now() - began) / 1000, mib: kib / 1024 };
}

/** @type {[what: string, parser: string, make: (path: string) => void][]} */
const cases = [
  [`${gib} GiB of an access log of ${DAYS} days, a point a minute`, 'access', accessLog],
  ['the same, as logster has it', 'SampleLogster', () => {}],
  [
    'a line of 1 GiB without an end',
    'access',
    (path) => {
      writeFileSync(path, '');
      truncateSync(path, GIB);
    },
  ],
];
const rows = [];
for (const [what, parser, make] of cases) {
  tell(what);
  const log = `${work}/log`;
  make(log);
  const { seconds, mib } = await cull(parser, log);
  rows.push([
    what,
    parser,
    seconds.toFixed(1),
    mib.toFixed(1),
    mib <= MOST ? 'reached' : 'NOT reached',
  ]);
}
console.log(table(['log', 'parser', 's', 'RSS, MiB', `≤ ${MOST}`], rows));
