// Consumes what the fleet publishes, and counts it, host by host and tick by tick.
import { connect } from 'amqplib';

/** What has arrived so far. */
export interface Tally {
  readonly messages: number;
  readonly samples: number;
  /** Samples of each host's ticks, however often one arrived. */
  readonly distinct: number;
  /** Microseconds of CPU. */
  readonly cpu: number;
}

const NEWLINE = 10;

const [port = '0', queue = ''] = process.argv.slice(2);
/** Of each host's tick, the metrics that have arrived, as bits. */
const seen = new Map<string, Uint8Array>();
let messages = 0;
let samples = 0;
let distinct = 0;

/** Counts lines such as `fleet.h17.m3 1.25 1795246564`. */
function count(body: Buffer): void {
  for (let from = 0; from < body.length; ) {
    const end = body.indexOf(NEWLINE, from);
    const [path = '', , time = ''] = body.toString('latin1', from, end).split(' ');
    const dot = path.lastIndexOf('.');
    const tick = `${path.slice(0, dot)} ${time}`;
    const metric = Number(path.slice(dot + 2));
    const bits = seen.get(tick) ?? new Uint8Array(64);
    seen.set(tick, bits);
    const byte = metric >> 3;
    const bit = 1 << (metric & 7);
    if (((bits[byte] ?? 0) & bit) === 0) distinct += 1;
    bits[byte] = (bits[byte] ?? 0) | bit;
    samples += 1;
    from = end + 1;
  }
}

const model = await connect({ hostname: '127.0.0.1', port: Number(port) });
const channel = await model.createChannel();
await channel.prefetch(500);
await channel.consume(queue, (message) => {
  if (message === null) return;
  messages += 1;
  count(message.content);
  channel.ack(message);
});
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const tally: Tally = { messages, samples, distinct, cpu: user + system };
  process.send?.(tally);
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
