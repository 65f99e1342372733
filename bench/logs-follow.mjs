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

/** Milliseconds that all threads of a process were on a CPU. */
function cpu(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const schedstat = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
    nanoseconds += Number(schedstat.split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

const rss = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

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
  return spawn(process.execPath, [PROGRAM, 'run', '--config', config], { stdio: 'ignore' });
}

/**
 * Measures it.
 *
 * @param seconds how long.
 * @returns milliseconds of CPU per second and MiB for the agent with and without them.
 */
export async function followingCosts(seconds = 60, files = 1000) {
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
  const agents = [start(folder, 'with', logs), start(folder, 'without', '')];
  try {
    await sleep(SETTLED);
    const before = agents.map(({ pid }) => cpu(pid));
    await sleep(seconds * 1000);
    const [following, idle] = agents.map(({ pid }, i) => {
      return { cpu: (cpu(pid) - before[i]) / seconds, memory: rss(pid) };
    });
    return { following, idle, cost: following.cpu - idle.cpu };
  } finally {
    for (const agent of agents) {
      agent.kill('SIGTERM');
      await once(agent, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { following, idle, cost } = await followingCosts(Number(process.argv[2] ?? 60));
  const said = ({ cpu, memory }) =>
    `${cpu.toFixed(3)} ms of CPU per second, ${memory.toFixed(0)} MiB`;
  process.stdout.write(`an agent                      ${said(idle)}\n`);
  process.stdout.write(`following 1,000 quiet logs    ${said(following)}\n`);
  process.stdout.write(`the cost of following         ${cost.toFixed(3)} ms of CPU per second\n`);
}
