import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import amqp from '../../handlers/amqp.ts';
import { systemClock } from '../../src/clock/index.ts';
import { createDelivery, type Delivery } from '../../src/deliver/index.ts';
import { gauge, type Handler, type Name } from '../../src/plugin/index.ts';
import { around } from '../../test/support/delivery.ts';
import { RabbitMq } from '../../test/support/rabbitmq.ts';
import type { Tally } from './consumer.ts';
import { encodeCosts } from './encode.ts';
import { memory } from './memory.ts';
import { type Part, page, type Report, summary } from './page.ts';

const PAGE = fileURLToPath(new URL('../../docs/fleet-performance.md', import.meta.url));
const HOSTS = 1000;
const METRICS = 500;
const INTERVAL = 10;
const QUEUE = 'fleet';
/** Ticks that wait at each of a tenth of the hosts when it goes flat out. */
const WAITING = 40;

const { values: given } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, write: { type: 'string' } },
});
const ticks = Math.round(Number(given.seconds) / INTERVAL);
if (!(ticks >= 1)) throw new Error(`--seconds must be a number, at least ${INTERVAL}`);

const metric = gauge('fleet.metric', { unit: 'count', help: 'A number.' });

/** One host of the fleet: its names, and the delivery that an agent has for one handler. */
interface Host {
  readonly names: readonly Name[];
  readonly delivery: Delivery;
}

function host(i: number, port: number): Host {
  const series = { id: 0, metric, collector: 'fleet', host: `h${i}`, labels: {} };
  const names = Array.from({ length: METRICS }, (_, k): Name => {
    return { series, path: `fleet.h${i}.m${k}`, reading: 'value', precision: 2 };
  });
  const delivery = createDelivery(
    {
      name: `h${i}`,
      handler: amqp as unknown as Handler,
      options: amqp.options.parse({ host: '127.0.0.1', port }),
      queue: { samples: 100_000, bytes: 16 * 1024 ** 2 },
      batch: 1000,
      interval: INTERVAL,
      timeout: 15,
      resend: 0,
    },
    {
      ...around,
      clock: systemClock,
      random: Math.random,
      report: {
        problem: (_, { error }) => {
          process.stderr.write(`h${i}: ${String(error)}\n`);
        },
        recovered: () => undefined,
      },
      log: { info: () => undefined },
    },
  );
  return { names, delivery };
}

/** Has a host observe all it has, and send it. */
function tick({ names, delivery }: Host, time: number): void {
  delivery.offer(names.map((name, k) => ({ name, value: (k * 7919 + time) / 7, time })));
  delivery.flush();
}

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Microseconds of CPU that a process has used, to the hundredth of a second. */
function cpuOf(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

interface Reading {
  readonly tally: Tally;
  readonly broker: number;
  readonly player: number;
  readonly at: number;
}

const broker = await RabbitMq.start();
const model = await broker.connect();
const channel = await model.createChannel();
await channel.assertExchange('graphite', 'topic', { durable: true });
await channel.assertQueue(QUEUE, { durable: true });
await channel.bindQueue(QUEUE, 'graphite', '#');
await model.close();
const consumer = fork(fileURLToPath(new URL('consumer.mjs', import.meta.url)), [
  String(broker.port),
  QUEUE,
]);
await once(consumer, 'message');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void broker[Symbol.asyncDispose]().then(() => process.exit(1)));
}

async function read(): Promise<Reading> {
  const answer = once(consumer, 'message');
  consumer.send('tell');
  const [tally] = (await answer) as [Tally];
  const { user, system } = process.cpuUsage();
  return { tally, broker: cpuOf(broker.pid), player: user + system, at: performance.now() };
}

/** Waits until everything that is queued is confirmed, and everything confirmed is consumed. */
async function settled(before: Reading, samples: number): Promise<Reading> {
  for (const { delivery } of fleet) await delivery.drain(60_000);
  let now = await read();
  for (let i = 0; now.tally.distinct - before.tally.distinct < samples && i < 300; i += 1) {
    await later(100);
    now = await read();
  }
  return now;
}

function part(what: string, before: Reading, after: Reading, samples: number): Part {
  const perMillion = (from: number, to: number) => (to - from) / samples;
  return {
    what,
    samples,
    seconds: (after.at - before.at) / 1000,
    player: perMillion(before.player, after.player),
    broker: perMillion(before.broker, after.broker),
    consumer: perMillion(before.tally.cpu, after.tally.cpu),
    missing: samples - (after.tally.distinct - before.tally.distinct),
  };
}

const tell = (text: string) => process.stderr.write(`bench: ${text}\n`);

tell(`${HOSTS} hosts connect`);
const fleet = Array.from({ length: HOSTS }, (_, i) => host(i, broker.port));
const connecting = await read();
for (const [i, one] of fleet.entries()) {
  tick(one, 0);
  if (i % 20 === 0) await later(20);
}
const connected = await settled(connecting, HOSTS * METRICS);
const residentMemory = process.memoryUsage.rss();

tell(`they tick every ${INTERVAL} s, ${ticks} times, each at its own moment`);
const begun = performance.now();
for (let i = 0; i < ticks * HOSTS; i += 1) {
  const early = begun + (i * INTERVAL * 1000) / HOSTS - performance.now();
  if (early > 0) await later(early);
  const one = fleet[i % HOSTS];
  if (one !== undefined) tick(one, 1 + Math.floor(i / HOSTS));
}
const steady = ticks * HOSTS * METRICS;
const afterSteady = await settled(connected, steady);

tell('a tenth of them send as fast as they can');
for (const one of fleet.slice(0, HOSTS / 10)) {
  for (let i = 0; i < WAITING; i += 1) tick(one, 1e6 + i);
}
const flat = (HOSTS / 10) * WAITING * METRICS;
const parts = [
  part(`a tick every ${INTERVAL} s`, connected, afterSteady, steady),
  part('flat out', afterSteady, await settled(afterSteady, flat), flat),
];
const books = fleet.map(({ delivery }) => delivery.status());
const sum = (of: (status: (typeof books)[number]) => number) =>
  books.reduce((all, status) => all + of(status), 0);
for (const { delivery } of fleet) await delivery.stop('shutdown', 1000);
consumer.disconnect();

tell('the program with four handlers, ten minutes and an hour without anybody');
const held = await memory(broker);
await broker[Symbol.asyncDispose]();

tell('what the formats cost');
const report: Report = {
  ...{ hosts: HOSTS, metrics: METRICS, parts, residentMemory, held },
  observed: sum((status) => status.observed),
  delivered: sum((status) => status.delivered),
  costs: encodeCosts(),
};
process.stdout.write(`${summary(report)}\n`);
writeFileSync(given.write ?? PAGE, page(report));
process.exit(0);
