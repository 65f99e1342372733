// What the numbers of other programs cost: `npm run bench:exec`. By itself: node bench/exec.mjs --rounds 1 --seconds 10
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { table } from './report.mjs';

const PROGRAM = fileURLToPath(new URL('../dist/cullinan.cjs', import.meta.url));
/** The goal: µs of the agent's CPU for a sample, from the program's pipe to a handler's. */
const MOST = 50;
/** What a program says once a second. */
const SAMPLES = 2000;

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '20' },
  },
});
const rounds = Number(given.rounds);
const seconds = Number(given.seconds);

const work = mkdtempSync(`${tmpdir()}/cullinan-bench-`);
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
const tell = (/** @type {string} */ text) => console.error(`bench: ${text}`);

/** A line, or what has one number, of each form. */
const FORMS = /** @type {const} */ ({
  plain: (/** @type {number} */ i) => `app.part${i % 50}.value${i} ${i}.5`,
  collectd: (/** @type {number} */ i) =>
    `PUTVAL "web01/app-part${i % 50}/gauge-value${i}" interval=1 N:${i}.5`,
  influx: (/** @type {number} */ i) =>
    `app,part=part${i % 50},value=v${i} value=${i}.5 1795219200000000000`,
  prometheus: (/** @type {number} */ i) => `app_value{part="part${i % 50}",value="v${i}"} ${i}.5`,
  statsd: (/** @type {number} */ i) => `app.part${i % 50}.value${i}:${i}|c`,
  json: (/** @type {number} */ i) =>
    `{"name":"app.value","labels":{"part":"part${i % 50}","value":"v${i}"},"value":${i}.5}`,
  netdata: (/** @type {number} */ i) => `BEGIN app.c${i}\nSET value = ${i}\nEND`,
});

/** What the agent's own threads have spent on a processor, in µs: no child's time is in it. */
function spent(/** @type {number | undefined} */ pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [first = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    nanoseconds += Number(first);
  }
  return nanoseconds / 1000;
}

/** µs of CPU per second, and points written in it, where a program says `samples` a second. */
async function measure(/** @type {keyof typeof FORMS} */ form, /** @type {number} */ samples) {
  const lines = Array.from({ length: samples }, (_, i) => `${FORMS[form](i)}\n`).join('');
  const charts = Array.from(
    { length: form === 'netdata' ? samples : 0 },
    (_, i) => `CHART app.c${i} '' 't'\nDIMENSION value '' absolute\n`,
  ).join('');
  const [said, declared, out] = ['said', 'declared', 'out'].map((name) => join(work, name));
  writeFileSync(said ?? '', lines);
  writeFileSync(declared ?? '', charts);
  const config = join(work, 'cullinan.yaml');
  const script = `cat ${declared}; while true; do cat ${said}; sleep 1; done`;
  writeFileSync(
    config,
    `interval: 1s
status: { enabled: false }
collectors:
  default: { enabled: false, stagger: 500ms }
  it: ${JSON.stringify({ type: 'exec', enabled: true, command: ['/bin/sh', '-c', script], format: form, persistent: true })}
handlers: { file: { path: '${out}', rotate: never } }
`,
  );
  const agent = spawn(process.execPath, [PROGRAM, 'run', '--config', config], { stdio: 'ignore' });
  await sleep(8000);
  const points = () => readFileSync(out ?? '', 'latin1').split('\n').length;
  const [before, from, began] = [spent(agent.pid), points(), performance.now()];
  await sleep(seconds * 1000);
  const [after, to, ended] = [spent(agent.pid), points(), performance.now()];
  const gone = once(agent, 'exit');
  agent.kill('SIGTERM');
  await gone;
  rmSync(out ?? '', { force: true });
  const elapsed = (ended - began) / 1000;
  return { cpu: (after - before) / elapsed, points: (to - from) / elapsed };
}

const median = (/** @type {number[]} */ all) =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;

/** @type {Map<string, number[]>} */
const figures = new Map();
const forms = /** @type {(keyof typeof FORMS)[]} */ (Object.keys(FORMS));
for (let round = 0; round < rounds; round += 1) {
  for (const form of forms) {
    const { cpu, points } = await measure(form, SAMPLES);
    // All that the agent spends: with nothing to observe it would spend a part of that, too.
    const each = cpu / points;
    tell(`${form}: ${each.toFixed(2)} µs a sample at ${points.toFixed(0)} samples a second`);
    figures.set(form, [...(figures.get(form) ?? []), each]);
  }
}

const rows = forms.map((form) => {
  const each = median(figures.get(form) ?? []);
  return [form, each.toFixed(1), String(MOST), each <= MOST ? 'reached' : 'missed'];
});
process.stdout.write(table(['format', 'CPU per sample (µs)', 'at most', ''], rows));
