/**
 * What following 1,000 quiet logs costs: two agents with ticks of 10 seconds, one of which follows them,
 * for a minute. Run alone: node bench/logs-follow.mjs [SECONDS]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../dist/cullinan.cjs', import.meta.url));
/** Milliseconds until an agent has started, has put its heap in order and has seen every log twice. */
const SETTLED = 25_000;

/**
 * Milliseconds that all threads of a process were on a CPU.
 *
 * @param {number} pid
 */
function cpu(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const schedstat = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
    nanoseconds += Number(schedstat.split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

/**
 * MiB of a process in memory.
 *
 * @param {number} pid
 */
const memory = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/**
 * @param {string} folder
 * @param {string} name
 * @param {string} logs their configuration.
 */
function start(folder, name, logs) {
  const config = join(folder, `${name}.yaml`);
  writeFileSync(
    config,
    `interval: 10s
status: { socket: ${folder}/${name}.sock }
collectors:
  default: { enabled: false }
  load: { enabled: true }
${logs}
handlers:
  file: { path: ${folder}/${name}.out, rotate: never }
`,
  );
  // As it is installed: its first line has what Node is to do otherwise.
  return spawn(PROGRAM, ['run', '--config', config], { stdio: 'ignore' });
}

/**
 * What an agent costs.
 *
 * @typedef {object} Cost
 * @property {number} cpu milliseconds of CPU per second.
 * @property {number} memory MiB.
 */

/**
 * Measures it for so many seconds.
 *
 * @returns {Promise<{ following: Cost, idle: Cost }>} an agent with these logs, and one without.
 */
async function followingCosts(seconds = 60, files = 1000) {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-follow-'));
  mkdirSync(join(folder, 'log'));
  for (let i = 0; i < files; i += 1) {
    const line = `Nov 21 09:00:00 host daemon[${i}]: it has started\n`;
    writeFileSync(join(folder, `log/app${i}.log`), line.repeat(20));
  }
  const logs = `  logs:
    enabled: true
    state: ${folder}/state
    files:
      - { path: '${folder}/log/*.log', parser: syslog }`;
  const agents = { following: start(folder, 'with', logs), idle: start(folder, 'without', '') };
  const { pid: following = 0 } = agents.following;
  const { pid: idle = 0 } = agents.idle;
  try {
    await sleep(SETTLED);
    const before = { following: cpu(following), idle: cpu(idle) };
    await sleep(seconds * 1000);
    return {
      following: { cpu: (cpu(following) - before.following) / seconds, memory: memory(following) },
      idle: { cpu: (cpu(idle) - before.idle) / seconds, memory: memory(idle) },
    };
  } finally {
    for (const agent of Object.values(agents)) {
      agent.kill('SIGTERM');
      await once(agent, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { following, idle } = await followingCosts(Number(process.argv[2] ?? 60));
  /** @param {Cost} cost */
  const said = ({ cpu, memory }) =>
    `${cpu.toFixed(3)} ms of CPU per second, ${memory.toFixed(0)} MiB`;
  process.stdout.write(`an agent                      ${said(idle)}\n`);
  process.stdout.write(`following 1,000 quiet logs    ${said(following)}\n`);
  const cost = (following.cpu - idle.cpu).toFixed(3);
  process.stdout.write(`the cost of following         ${cost} ms of CPU per second\n`);
}
