/**
 * What following 1,000 quiet logs costs: two agents with ticks of 10 seconds, one of which follows them,
 * for a minute. Run alone: node bench/logs-follow.mjs [SECONDS]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from './accounting.mjs';
import { PROGRAM, workFolder } from './session.mjs';

/** Milliseconds until an agent has started, has put its heap in order and has seen every log twice. */
const SETTLED = 25_000;
const FILES = 1000;
const seconds = Number(process.argv[2] ?? 60);

const work = workFolder();
mkdirSync(`${work}/log`);
for (let i = 0; i < FILES; i += 1) {
  const line = `Nov 21 09:00:00 host daemon[${i}]: it has started\n`;
  writeFileSync(`${work}/log/app${i}.log`, line.repeat(20));
}

/**
 * @param {string} name
 * @param {string} logs their configuration.
 */
async function start(name, logs) {
  const config = `${work}/${name}.yaml`;
  writeFileSync(
    config,
    `interval: 10s
status: { socket: ${work}/${name}.sock }
collectors:
  default: { enabled: false }
  load: { enabled: true }
${logs}
handlers:
  file: { path: ${work}/${name}.out, rotate: never }
`,
  );
  return await Program.start(name, [PROGRAM, 'run', '--config', config], work);
}

const logs = `  logs:
    enabled: true
    state: ${work}/state
    files:
      - { path: '${work}/log/*.log', parser: syslog }`;
const [idle, following] = await Promise.all([start('without', ''), start('with', logs)]);
await sleep(SETTLED);
const [idleBefore, followingBefore] = [idle.cpu(), following.cpu()];
await sleep(seconds * 1000);
/** Milliseconds of CPU per second. */
const [idleCost, followingCost] = [
  (idle.cpu() - idleBefore) / 1000 / seconds,
  (following.cpu() - followingBefore) / 1000 / seconds,
];

const said = (/** @type {number} */ cost, /** @type {Program} */ agent) =>
  `${cost.toFixed(3)} ms of CPU per second, ${agent.memory().rss.toFixed(0)} MiB`;
console.log(`an agent                      ${said(idleCost, idle)}`);
console.log(`following 1,000 quiet logs    ${said(followingCost, following)}`);
const more = (followingCost - idleCost).toFixed(3);
console.log(`the cost of following         ${more} ms of CPU per second`);
await Promise.all([idle.stop(), following.stop()]);
