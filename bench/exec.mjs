// What the numbers of other programs cost: `npm run bench:exec`. By itself: node bench/exec.mjs --rounds 1 --seconds 10
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Program, threadTime } from './accounting.mjs';
import { table } from './report.mjs';
import { median, PROGRAM, tell, workFolder } from './session.mjs';

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

const work = workFolder();

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

/** µs of CPU per second, and points written in it, where a program says `samples` a second. */
async function measure(/** @type {keyof typeof FORMS} */ form, /** @type {number} */ samples) {
  const lines = Array.from({ length: samples }, (_, i) => `${FORMS[form](i)}\n`).join('');
  const charts = Array.from(
    { length: form === 'netdata' ? samples : 0 },
    (_, i) => `CHART app.c${i} '' 't'\nDIMENSION value '' absolute\n`,
  ).join('');
  const [said, declared, out] = [`${work}/said`, `${work}/declared`, `${work}/out`];
  writeFileSync(said, lines);
  writeFileSync(declared, charts);
  const config = `${work}/cullinan.yaml`;
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
  const agent = await Program.start(form, [PROGRAM, 'run', '--config', config], work);
  await sleep(8000);
  const points = () => readFileSync(out, 'latin1').split('\n').length;
  const [before, from, began] = [threadTime(agent.pid), points(), performance.now()];
  await sleep(seconds * 1000);
  const [after, to, ended] = [threadTime(agent.pid), points(), performance.now()];
  await agent.stop();
  rmSync(out);
  const elapsed = (ended - began) / 1000;
  return { cpu: (after - before) / elapsed, points: (to - from) / elapsed };
}

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
console.log(table(['format', 'CPU per sample (µs)', 'at most', ''], rows));
