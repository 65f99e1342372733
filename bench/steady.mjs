// All agents at once, each into its own sink: what a collection costs.
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from './accounting.mjs';
import { folderIn } from './agents.mjs';
import { median } from './session.mjs';
import { sinks } from './sinks.mjs';

/**
 * @typedef {object} Row
 * @property {string} agent
 * @property {number} interval seconds.
 * @property {number} collections that were measured.
 * @property {number} cpu microseconds for each.
 * @property {number} metrics in each.
 * @property {number} rss MiB, the median of readings at the end of each collection.
 * @property {number} anonymous MiB, the same.
 * @property {number} firstPoint seconds from exec.
 * @property {number} startCpu microseconds of CPU until then.
 * @property {number} children the most at once.
 * @property {boolean} hadChild whether one has come and gone.
 *
 * @typedef {import('./agents.mjs').Agent} Agent
 * @typedef {Awaited<ReturnType<typeof start>>} Running
 */

/** Seconds until an agent that has delivered nothing is given up. */
const PATIENCE = 30;

/**
 * Starts an agent and waits for its first metric.
 *
 * @param {Agent} agent
 * @param {number} interval seconds.
 * @param {string} work a folder.
 */
export async function start(agent, interval, work) {
  const name = `${agent.name}-${interval}s`;
  const folder = folderIn(work, name);
  const sink = await sinks[agent.sink](interval);
  const command = agent.command({ interval, port: sink.port, folder });
  const program = await Program.start(name, command, folder);
  const stop = async () => {
    await program.stop();
    await sink.close();
  };
  const given = new AbortController();
  const late = sleep(PATIENCE * 1000, 'late', { signal: given.signal }).catch(() => undefined);
  const result = await Promise.race([sink.first, late]);
  const [startCpu, firstPoint] = [program.cpu(), program.age()];
  given.abort();
  if (result === 'late' || program.processes().length === 0) {
    await stop();
    throw new Error(`${name} delivered nothing within ${PATIENCE} s`);
  }
  return { agent, interval, sink, program, startCpu, firstPoint, stop };
}

/** Waits until an agent is between two collections: a while after the first metric, and silent. */
async function between(/** @type {Running} */ { sink, interval }) {
  const pause = interval * 100;
  await sleep(Math.max(pause, 500));
  const patience = performance.now() + interval * 3000;
  while (performance.now() < patience && performance.now() - sink.latest < pause) await sleep(10);
}

/**
 * Measures whole intervals, beginning and ending between two collections.
 *
 * @param {Running} running
 * @param {number} seconds about how long.
 * @returns {Promise<Row>}
 */
export async function measure(running, seconds) {
  const { agent, interval, sink, program, startCpu, firstPoint } = running;
  await between(running);
  const begun = performance.now();
  const [cpu, metrics] = [program.cpu(), sink.metrics];
  const collections = Math.max(1, Math.round(seconds / interval));
  const sampling = setInterval(() => program.processes(), 250);
  const held = [];
  for (let i = 1; i <= collections; i += 1) {
    await sleep(begun + i * interval * 1000 - performance.now());
    held.push(program.memory());
  }
  clearInterval(sampling);
  return {
    agent: agent.name,
    interval,
    collections,
    cpu: (program.cpu() - cpu) / collections,
    metrics: (sink.metrics - metrics) / collections,
    rss: median(held.map(({ rss }) => rss)),
    anonymous: median(held.map(({ anonymous }) => anonymous)),
    firstPoint,
    startCpu,
    children: Math.max(0, program.mostProcesses - 1),
    hadChild: program.hadChild(),
  };
}

/**
 * Starts every agent at every interval, one after the other, and measures all of them together.
 * Those at one second warm up first; slower ones are measured from their second collection on,
 * because an agent that works once in ten seconds is cold for most of its life.
 *
 * @param {readonly Agent[]} agents
 * @param {{ seconds: number, warm: number, work: string, tell: (text: string) => void }} options
 * @returns {Promise<{ rows: Row[], missing: string[] }>}
 */
export async function steady(agents, { seconds, warm, work, tell }) {
  /** @type {Running[]} */
  const live = [];
  /** @type {string[]} */
  const missing = [];
  /** @type {Promise<Row>[]} */
  const cold = [];
  const launch = async (/** @type {Agent} */ agent, /** @type {number} */ interval) => {
    try {
      const running = await start(agent, interval, work);
      live.push(running);
      return running;
    } catch (error) {
      missing.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  try {
    for (const agent of agents) await launch(agent, 1);
    for (const agent of agents) {
      const running = await launch(agent, 10);
      if (running !== undefined) cold.push(measure(running, warm + seconds));
    }
    tell(`${live.length} agents run; warming up ${warm} s, then measuring ${seconds} s`);
    await sleep(warm * 1000);
    const warmed = live.filter(({ interval }) => interval === 1);
    const rows = await Promise.all([
      ...warmed.map((running) => measure(running, seconds)),
      ...cold,
    ]);
    return { rows, missing };
  } finally {
    await Promise.allSettled(cold);
    await Promise.all(live.map(({ stop }) => stop()));
  }
}
