// What the agents deliver to: counts metrics and keeps none.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const HERE = '127.0.0.1';
const NEWLINE = 10;

/** Metrics that arrived, and when. Every kind of sink is one. */
class Sink {
  port = 0;
  /** Metrics so far. */
  metrics = 0;
  /** When the latest came, on the clock of `performance.now()`. */
  latest = 0;
  #arrived = () => {};
  /** Resolves with the first metric. */
  first = new Promise((resolve) => {
    this.#arrived = () => resolve(undefined);
  });
  /** @type {() => void | Promise<unknown>} */
  close = () => {};

  /** @param {number} metrics */
  count(metrics) {
    if (metrics === 0) return;
    this.metrics += metrics;
    this.latest = performance.now();
    this.#arrived();
  }
}

/** @param {import('node:net').Server | import('node:dgram').Socket} server that listens. */
function portOf(server) {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

/** @param {Buffer} bytes */
function lines(bytes) {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/** Lines over TCP, on any number of connections. */
async function graphite() {
  const sink = new Sink();
  /** @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('data', (bytes) => sink.count(lines(bytes)));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, HERE);
  await once(server, 'listening');
  sink.port = portOf(server);
  sink.close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return sink;
}

/** Ganglia's datagrams: those with ids 129 to 135 carry a value, 128 describes one. */
async function ganglia() {
  const sink = new Sink();
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  socket.on('message', (bytes) => {
    const id = bytes.length < 4 ? 0 : bytes.readUInt32BE();
    sink.count(id >= 129 && id <= 135 ? 1 : 0);
  });
  socket.bind(0, HERE);
  await once(socket, 'listening');
  sink.port = portOf(socket);
  sink.close = () => {
    socket.close();
  };
  return sink;
}

/** Asks for /metrics at every interval, over a connection of its own, as soon as somebody listens. */
async function prometheus(/** @type {number} */ interval) {
  const sink = new Sink();
  const vacancy = createServer().listen(0, HERE);
  await once(vacancy, 'listening');
  sink.port = portOf(vacancy);
  await new Promise((resolve) => vacancy.close(resolve));

  const stop = new AbortController();
  const scraping = (async () => {
    while (!stop.signal.aborted) {
      const begun = performance.now();
      const answered = await scrape(sink.port).then(
        (samples) => {
          sink.count(samples);
          return true;
        },
        () => false,
      );
      const wait = answered ? begun + interval * 1000 - performance.now() : 5;
      await sleep(Math.max(wait, 0), undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  sink.close = () => {
    stop.abort();
    return scraping;
  };
  return sink;
}

/** @param {number} port @returns {Promise<number>} samples in one answer. */
function scrape(port) {
  return new Promise((resolve, reject) => {
    const url = { host: HERE, port, path: '/metrics', agent: false, timeout: 2000 };
    const request = get(url, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => resolve(text.match(/^[^#\n]/gm)?.length ?? 0));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', reject);
  });
}

/** For what delivers nothing: it is there as soon as it runs. */
async function nothing() {
  const sink = new Sink();
  sink.first = Promise.resolve();
  return sink;
}

/** Every kind of sink, on a port of its own on the loopback; `interval` is in seconds. */
export const sinks = { graphite, ganglia, prometheus, nothing };
