// What it costs to start: from exec to the first point, beside a Node that does nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from './accounting.mjs';
import { cullinan, folderIn } from './agents.mjs';
import { median } from './session.mjs';
import { start } from './steady.mjs';

const BARE = ['node', '-e', 'console.log(1);setInterval(()=>{},1e9)'];

/** Where it is set, every Node that starts reads certificates from a file: a third to two thirds of what its start costs. */
const CERTIFICATES = 'NODE_EXTRA_CA_CERTS';

/**
 * Starts both in turn, each alone on the machine; the medians. Where certificates are read at each start, the same
 * without: an installed agent reads none.
 *
 * @param {{ times: number, work: string }} options
 */
export async function startup(options) {
  const { [CERTIFICATES]: certificates } = process.env;
  const here = await startsHere(options);
  if (certificates === undefined) return { ...here, clean: undefined };
  delete process.env[CERTIFICATES];
  try {
    const { bare, own } = await startsHere({ ...options, work: folderIn(options.work, 'clean') });
    return { ...here, clean: { bare, own } };
  } finally {
    process.env[CERTIFICATES] = certificates;
  }
}

/** @param {{ times: number, work: string }} options */
async function startsHere({ times, work }) {
  /** @typedef {{ seconds: number, cpu: number, rss: number, anonymous: number }} Start */
  /** @type {{ bare: Start[], own: Start[] }} */
  const starts = { bare: [], own: [] };
  for (let turn = 0; turn < times; turn += 1) {
    const folder = folderIn(work, `start-${turn}`);
    const program = await Program.start('bare', BARE, folder);
    await program.spoke;
    const bare = { cpu: program.cpu(), seconds: program.age() };
    await sleep(500);
    starts.bare.push({ ...bare, ...program.memory() });
    await program.stop();

    const agent = await start(cullinan, 10, folder);
    await sleep(500);
    const { startCpu: cpu, firstPoint: seconds } = agent;
    starts.own.push({ cpu, seconds, ...agent.program.memory() });
    await agent.stop();
  }
  /** @param {readonly Start[]} all */
  const middle = (all) => ({
    seconds: median(all.map(({ seconds }) => seconds)),
    cpu: median(all.map(({ cpu }) => cpu)),
    rss: median(all.map(({ rss }) => rss)),
    anonymous: median(all.map(({ anonymous }) => anonymous)),
  });
  return { times, bare: middle(starts.bare), own: middle(starts.own) };
}
