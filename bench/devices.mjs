// What a tick costs with many disks and interfaces.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cullinan, folderIn, put } from './agents.mjs';
import { measure, start } from './steady.mjs';

/** As many disks, and as many interfaces. */
const COUNTS = [10, 100, 1000];
const LETTERS = 26;

/** `sda` … `sdz`, `sdaa` …, as the kernel counts (sd_format_disk_name in drivers/scsi/sd.c). */
function diskName(/** @type {number} */ index) {
  let name = '';
  for (let left = index; left >= 0; left = Math.floor(left / LETTERS) - 1) {
    name = String.fromCharCode(97 + (left % LETTERS)) + name;
  }
  return `sd${name}`;
}

/** /proc/diskstats of busy disks; every counter has grown at every `tick`. */
const diskstats = (/** @type {number} */ count, /** @type {number} */ tick) =>
  Array.from({ length: count }, (_, i) => {
    const n = 1_000_003 * (i + 1) + 997 * tick;
    const counters = [n, n >> 3, 16 * n, n >> 1, 2 * n, n >> 2, 32 * n, n, i % 4, n, 2 * n];
    const newer = [n >> 4, n >> 6, 8 * n, n >> 5, n >> 3, n >> 4];
    return ` ${8 + (i >> 4)} ${(i % 16) * 16} ${diskName(i)} ${[...counters, ...newer].join(' ')}\n`;
  }).join('');

const HEADER = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`;

/** /proc/net/dev of busy interfaces. */
const netDev = (/** @type {number} */ count, /** @type {number} */ tick) =>
  HEADER +
  Array.from({ length: count }, (_, i) => {
    const n = 1_000_003 * (i + 1) + 997 * tick;
    return `  eth${i}: ${900 * n} ${n} 0 ${i} 0 0 0 ${n >> 6} ${700 * n} ${n} 0 0 0 0 0 0\n`;
  }).join('');

/** A host's trees with so many devices. */
class Tree {
  #count;
  #tick = 0;
  #folder;

  /** @param {string} folder @param {number} count */
  constructor(folder, count) {
    this.#folder = folder;
    this.#count = count;
    mkdirSync(`${folder}/proc/1/net`, { recursive: true });
    for (let i = 0; i < count; i += 1) {
      const link = `${folder}/sys/class/net/eth${i}`;
      mkdirSync(link, { recursive: true });
      put(link, 'operstate', 'up\n');
      put(link, 'speed', '10000\n');
      put(link, 'duplex', 'full\n');
    }
    this.grow();
  }

  /** Lets the counters grow; whoever reads sees the file before or the one after. */
  grow() {
    this.#tick += 1;
    for (const [name, text] of /** @type {const} */ ([
      ['proc/diskstats', diskstats(this.#count, this.#tick)],
      ['proc/1/net/dev', netDev(this.#count, this.#tick)],
    ])) {
      writeFileSync(`${this.#folder}/new`, text);
      renameSync(`${this.#folder}/new`, `${this.#folder}/${name}`);
    }
  }
}

/**
 * Lets counters grow in the middle of every second: far from the ticks, so that there is one growth
 * between two of them.
 *
 * @param {readonly Tree[]} trees
 * @param {AbortSignal} signal ends it.
 */
async function keepGrowing(trees, signal) {
  for (;;) {
    const wait = 1000 - ((Date.now() + 500) % 1000);
    await sleep(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    for (const tree of trees) tree.grow();
  }
}

/**
 * Measures the program with only the disk and network collectors and the Graphite handler, at one
 * second, over trees whose counters all grow.
 *
 * @param {{ seconds: number, warm: number, work: string }} options
 */
export async function devices({ seconds, warm, work }) {
  /** @type {Tree[]} */
  const trees = [];
  /** @type {Awaited<ReturnType<typeof start>>[]} */
  const running = [];
  const ended = new AbortController();
  const growing = keepGrowing(trees, ended.signal);
  try {
    for (const count of COUNTS) {
      const folder = folderIn(work, `host-${count}`);
      trees.push(new Tree(folder, count));
      running.push(await start(agent(count, folder), 1, work));
    }
    await sleep(warm * 1000);
    const rows = await Promise.all(running.map((one) => measure(one, seconds)));
    return rows.map((row, i) => ({ devices: COUNTS[i] ?? 0, ...row }));
  } finally {
    ended.abort();
    await growing;
    await Promise.all(running.map(({ stop }) => stop()));
  }
}

/** @returns {import('./agents.mjs').Agent} */
const agent = (/** @type {number} */ count, /** @type {string} */ host) => ({
  ...cullinan,
  name: `cullinan-${count}`,
  command: ({ port, folder }) => [
    cullinan.program,
    'run',
    '--config',
    put(
      folder,
      'cullinan.yaml',
      `interval: 1s
host: { proc: ${host}/proc, sys: ${host}/sys, root: ${host} }
collectors:
  default: { enabled: false }
  disk: { enabled: true }
  network: { enabled: true }
handlers:
  graphite: { host: 127.0.0.1, port: ${port} }
`,
    ),
  ],
});
