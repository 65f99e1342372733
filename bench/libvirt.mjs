// What a hypervisor's guests cost: the built program, and a peer that speaks as libvirt does with no guest, one,
// and a thousand. `npm run bench:libvirt`; see bench/README.md.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { method, Program } from './accounting.mjs';
import { PROGRAM, workFolder } from './session.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const PEER = `${root}dist/hypervisor/peer.mjs`;
const WARM = 15;
const SECONDS = 30;

await build({
  absWorkingDir: root,
  entryPoints: ['bench/hypervisor/peer.ts'],
  outfile: PEER,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['source'],
  logLevel: 'warning',
});
const work = workFolder();

/** Takes whatever it is sent. */
const sink = createServer((socket) => socket.on('error', () => undefined).resume());
await once(sink.listen(0, '127.0.0.1'), 'listening');
const { port } = /** @type {import('node:net').AddressInfo} */ (sink.address());

/**
 * The program at one tick a second.
 *
 * @param {number} guests
 * @param {boolean} sent whether the guests' points are sent, too, or collected only.
 */
async function run(guests, sent) {
  const name = `${guests}-${sent ? 'sent' : 'collected'}`;
  const folder = `${work}/${name}`;
  mkdirSync(folder);
  const peer = fork(PEER, [String(guests)]);
  const [socket] = await once(peer, 'message');
  const config = `${folder}/cullinan.yaml`;
  const collector = { enabled: true, socket, newSeriesPerHour: 200_000 };
  const graphite = { host: '127.0.0.1', port, queue: { samples: 1_000_000 } };
  const collectors = { default: { enabled: false }, libvirt: collector };
  const handlers = { graphite: { ...graphite, ...(sent ? {} : { only: ['hypervisor.*'] }) } };
  writeFileSync(config, JSON.stringify({ interval: '1s', collectors, handlers }));
  const program = await Program.start(name, [PROGRAM, 'run', '-c', config], folder);
  await sleep(WARM * 1000);
  const before = program.cpu();
  let rss = 0;
  for (let second = 0; second < SECONDS; second += 1) {
    await sleep(1000);
    rss += program.memory().rss / SECONDS;
  }
  if (program.processes().length === 0) {
    throw new Error(`the program has ended: ${readFileSync(`${folder}/${name}.err`, 'utf8')}`);
  }
  const cpu = (program.cpu() - before) / 1000 / SECONDS;
  await program.stop();
  peer.disconnect();
  return { cpu, rss };
}

console.log(`CPU counted by ${method()}.`);
console.log('guests  sent  ms of CPU a tick  MiB resident');
for (const sent of [false, true]) {
  for (const guests of [0, 1, 1000]) {
    const { cpu, rss } = await run(guests, sent);
    console.log(
      `${String(guests).padStart(6)}  ${sent ? 'yes ' : 'no  '}  ${cpu.toFixed(2).padStart(16)}  ${rss.toFixed(1).padStart(12)}`,
    );
  }
}
sink.close();
