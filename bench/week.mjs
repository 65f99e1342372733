// Memory after a simulated week: the program plays it over this host, as fast as it can.
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Program } from './accounting.mjs';
import { cullinan, folderIn } from './agents.mjs';
import { sinks } from './sinks.mjs';

const MINUTE = 60;
const DAY = 24 * 60 * MINUTE;
/** Seconds between two ticks: the default. */
const INTERVAL = 10;

/**
 * @typedef {object} Mark
 * @property {number} seconds since the start, of simulated time.
 * @property {number} rss MiB.
 * @property {number} anonymous MiB.
 */

/**
 * @param {{ days: number, work: string }} options
 */
export async function week({ days, work }) {
  const folder = folderIn(work, 'week');
  const sink = await sinks.graphite();
  const [file, ...words] = cullinan.command({ interval: INTERVAL, port: sink.port, folder });
  const marks = [...new Set([10 * MINUTE, DAY, days * DAY])];
  const player = fileURLToPath(new URL('simulated-time.cjs', import.meta.url));
  const program = await Program.start(
    'week',
    [
      '/usr/bin/env',
      `NODE_OPTIONS=--require "${player}"`,
      `CULLINAN_BENCH_MARKS=${marks}`,
      ...[file ?? '', ...words],
    ],
    folder,
  );
  try {
    /** @type {Mark[]} */
    const seen = [];
    for await (const line of createInterface(program.output)) {
      seen.push(JSON.parse(line));
      if (seen.length === marks.length) break;
    }
    if (seen.length < marks.length) throw new Error('the simulated week ended early');
    const ticks = (days * DAY) / INTERVAL;
    return { days, ticks, seconds: program.age(), metrics: sink.metrics, marks: seen };
  } finally {
    await program.stop();
    await sink.close();
  }
}
