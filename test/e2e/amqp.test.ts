import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { decodeLine } from 'cullinan/wire/graphite';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import amqp from '../../handlers/amqp.ts';
import { systemClock } from '../../src/clock/index.ts';
import type { Handler, Point, z } from '../../src/plugin/index.ts';
import { around, delivery, imbalance, points } from '../support/delivery.ts';
import { describeWithPeer } from '../support/peers.ts';
import { Consumer, RabbitMq } from '../support/rabbitmq.ts';
import { RunningAgent } from '../support/running.ts';
import { Certificates, type Pair } from '../support/tls.ts';

type Given = z.input<typeof amqp.options>;

const forever = new AbortController().signal;

/** Connections that this process holds. */
const sockets = () =>
  process.getActiveResourcesInfo().filter((it) => it === 'TCPSocketWrap' || it === 'TLSWrap')
    .length;

/** What the test before has closed may still be going. */
const noSocket = () => vi.waitFor(() => expect(sockets()).toBe(0), 3000);

/** One point of each of some hosts, each observed by a collector of its own. */
function fleet(hosts: number): Point[] {
  return Array.from({ length: hosts }, (_, i) =>
    points(i, i + 1, `servers.web${i}.load`).map((point) => {
      const { name } = point;
      const collector = i % 2 === 0 ? 'load' : 'cpu';
      return {
        ...point,
        name: { ...name, series: { ...name.series, host: `web${i}`, collector } },
      };
    }),
  ).flat();
}

describeWithPeer(['rabbitmq', 'stunnel', 'carbon-cache'], 'amqp with a real RabbitMQ', () => {
  let certificates: Certificates;
  let client: Pair;
  let broker: RabbitMq;

  beforeAll(async () => {
    certificates = new Certificates();
    client = certificates.ours.issue('agent');
    broker = await RabbitMq.start({
      vhosts: ['metrics'],
      plugins: ['rabbitmq_auth_mechanism_ssl'],
      tls: { ...certificates.ours.issue('localhost'), authority: certificates.ours.cert },
      logins: [
        { name: 'agent', password: 'Hahb5zoo' },
        { name: 'reader', password: 'ohTh1xoh', may: { configure: '^$', write: '^$', read: '.*' } },
      ],
    });
  });

  afterAll(async () => {
    await broker[Symbol.asyncDispose]();
    certificates[Symbol.dispose]();
  });

  const open = (
    given: Given,
    { signal = new AbortController().signal, dialect = 'diamond' } = {},
  ) =>
    amqp.open({
      options: amqp.options.parse({ host: '127.0.0.1', port: broker.port, ...given }),
      signal,
      ...around,
      dialect,
    });

  /** Publishes, and ends the connection in order. */
  async function publish(batch: readonly Point[], given: Given, dialect?: string): Promise<void> {
    const connection = await open(given, dialect === undefined ? {} : { dialect });
    await connection.write(batch, forever);
    await connection.close();
  }

  describe('reaches the queues of an exchange of type', () => {
    const arrive = (consumer: Consumer, count: number) =>
      vi.waitFor(() => expect(consumer.arrived).toHaveLength(count), 5000);

    /** The exchange as the handler declares it, and a consumer. */
    async function declared(given: Given, ...bindings: readonly Parameters<typeof bind>[1][]) {
      await publish([], given);
      return bind(given.exchange?.name ?? '', bindings[0] ?? ['#']);
    }
    const bind = (exchange: string, bindings: readonly (string | Record<string, string>)[]) =>
      Consumer.on(broker, '', { exchange, bindings, options: { exclusive: true } });

    test('topic, by what stands in the routing key', async () => {
      const given: Given = { exchange: { name: 't' }, routingKey: '{collector}.{host}' };
      await using load = await declared(given, ['load.*']);
      await using web1 = await bind('t', ['*.web1']);
      await publish(fleet(4), given);
      await arrive(load, 2);
      await arrive(web1, 1);
      expect(load.arrived.map(({ key }) => key)).toEqual(['load.web0', 'load.web2']);
      expect(web1.texts).toEqual(['servers.web1.load 1 1000000000\n']);
    });

    test('direct, by the whole routing key', async () => {
      const given: Given = { exchange: { name: 'd', type: 'direct' } };
      await using web1 = await declared(given, ['web1', 'web3']);
      await publish(fleet(4), given);
      await arrive(web1, 2);
      expect(web1.arrived.map(({ key }) => key)).toEqual(['web1', 'web3']);
    });

    test('fanout, every one', async () => {
      const given: Given = { exchange: { name: 'f', type: 'fanout', durable: false } };
      await using one = await declared(given, ['']);
      await using other = await bind('f', ['']);
      await publish(fleet(4), given);
      await arrive(one, 4);
      await arrive(other, 4);
      expect(one.texts).toEqual(other.texts);
    });

    test('headers, by the headers', async () => {
      const given: Given = {
        exchange: { name: 'h', type: 'headers' },
        headers: { by: '{collector}', what: '{name}' },
        routingKey: 'all',
      };
      await using load = await declared(given, [{ 'x-match': 'all', by: 'load' }]);
      await publish(fleet(4), given);
      await arrive(load, 1);
      expect(load.arrived[0]?.message.properties.headers).toEqual({
        by: 'load',
        what: 'test.number',
      });
      expect(load.texts).toEqual([
        'servers.web0.load 0 1000000000\nservers.web2.load 2 1000000000\n',
      ]);
    });

    test('x-consistent-hash, each path always to the same', async () => {
      const given: Given = {
        exchange: { name: 'c', type: 'x-consistent-hash' },
        routingKey: '{path}',
      };
      await using one = await declared(given, ['1']);
      await using other = await bind('c', ['1']);
      const batch = fleet(200);
      await publish([...batch, ...batch], given);
      await vi.waitFor(() => expect(one.arrived.length + other.arrived.length).toBe(200), 5000);
      expect(Math.min(one.arrived.length, other.arrived.length)).toBeGreaterThan(20);
      const keys = new Set([...one.arrived, ...other.arrived].map(({ key }) => key));
      expect(keys.size).toBe(200);
    });
  });

  describe('publishes, to the byte,', () => {
    const bodies: readonly (readonly [string, Given, readonly string[]])[] = [
      ['a line a point', { routingKey: '{path}' }, ['b 7 1000000000\n', 'b 8 1000000000\n']],
      ['many lines', { routingKey: 'k' }, ['b 7 1000000000\nb 8 1000000000\n']],
      ['values', { body: 'values' }, ['7 1000000000\n8 1000000000\n']],
      [
        'JSON',
        { body: 'json', routingKey: 'k', gzip: true },
        [
          '[{"path":"b","name":"test.number","labels":{},"value":7,"unit":"count","kind":"gauge","time":1000000000,"host":"h"},' +
            '{"path":"b","name":"test.number","labels":{},"value":8,"unit":"count","kind":"gauge","time":1000000000,"host":"h"}]',
        ],
      ],
    ];
    test.each(bodies)('%s', async (what, given, expected) => {
      const samples = what === 'a line a point' ? 1 : 1000;
      const exchange = { name: `body ${what}` };
      await publish([], { exchange });
      await using consumer = await Consumer.on(broker, '', {
        exchange: exchange.name,
        options: { exclusive: true },
      });
      await publish(points(7, 9, 'b'), { ...given, exchange, samples });
      await vi.waitFor(() => expect(consumer.arrived).toHaveLength(expected.length), 5000);
      const texts = consumer.arrived.map(({ content, message: { properties } }) =>
        (properties.contentEncoding === 'gzip' ? gunzipSync(content) : content).toString(),
      );
      expect(texts).toEqual(expected);
      expect(consumer.arrived[0]?.message.properties).toMatchObject({
        contentType: given.body === 'json' ? 'application/json' : 'text/graphite',
        contentEncoding: given.gzip === true ? 'gzip' : undefined,
        deliveryMode: 2,
        appId: 'cullinan',
      });
    });
  });

  test('Carbon reads what it is sent, with its own listener, either way', async () => {
    await publish([], {});
    await using consumer = await Consumer.on(broker, '', {
      exchange: 'graphite',
      options: { exclusive: true },
    });
    await publish(points(3, 5, 'servers.web01.load'), { body: 'values' });
    await publish(points(5, 7, 'servers.web01.load'), {});
    await vi.waitFor(() => expect(consumer.arrived).toHaveLength(2), 5000);
    const read = await carbonReads(consumer.arrived.map(({ key, content }) => [key, content]));
    expect(read).toEqual([3, 4, 5, 6].map((value) => ['servers.web01.load', 1e9, value]));
  });

  describe('says what is wrong with', () => {
    const mine = { username: 'agent', password: 'Hahb5zoo' };
    const wrong: readonly (readonly [string, Given, string])[] = [
      ['a password', { ...mine, password: 'Iex2doo4' }, 'does not accept the username "agent"'],
      ['a guest', { username: 'guest', password: 'x' }, 'RabbitMQ lets guest in from its own host'],
      ['a virtual host', { ...mine, vhost: 'a/b' }, 'there is no virtual host "a/b", or the user'],
      [
        'a type',
        { exchange: { name: 'amq.topic', type: 'fanout' } },
        'the exchange "amq.topic" is there already, and its type is topic, not fanout. Set exchange.type',
      ],
      [
        'a durability',
        { exchange: { name: 'amq.topic', durable: false } },
        'its durable is true, not false. Set exchange.durable to true',
      ],
      [
        'an exchange',
        { exchange: { name: 'y', declare: 'passive' } },
        'there is no exchange "y" in the virtual host "/". Create it, or set exchange.declare',
      ],
      ['a name', { exchange: { name: 'amq.y' } }, 'names such as "amq.y" are the broker\'s own'],
      [
        'a right',
        { username: 'reader', password: 'ohTh1xoh', exchange: { name: 'y' } },
        'the user "reader" may not declare the exchange "y"',
      ],
    ];
    test.each(wrong)('%s', async (_, given, message) => {
      await noSocket();
      const aborter = new AbortController();
      const error = await open(given, aborter).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(String(error)).toContain(`Foreseen: 127.0.0.1:${broker.port}: `);
      expect(String(error)).toContain(message);
      expect(String(error)).not.toContain(String(given.password ?? 'guest:'));
      // Whether it is given up or not.
      await noSocket();
      aborter.abort();
    });

    test('all of that, and leaves nothing open at the broker', async () => {
      const refused = wrong.map(([, given]) => open(given).catch(() => undefined));
      await Promise.all(refused);
      await vi.waitFor(async () => expect(await broker.agents()).toBe(0), 10_000);
    });

    test('a login by certificate without TLS, or without one', async () => {
      const tls = { ca: certificates.ours.cert, ...client };
      const external = { auth: 'external', tls } as const;
      const stranger = certificates.ours.issue('stranger');
      const there = { host: 'localhost', port: broker.tlsPort };
      await expect(open({ ...external, ...there, tls: { ...tls, ...stranger } })).rejects.toThrow(
        'it does not know us by our certificate. Set tls.cert',
      );
    });

    test.each([
      ['another authority', 'theirs', 'localhost', 'vouched for by nobody who is trusted here'],
      ['another name', 'ours', '127.0.0.1', 'its certificate is for localhost, not for 127.0.0.1'],
    ] as const)('a certificate of %s', async (_, authority, host, message) => {
      const tls = { ca: certificates[authority].cert };
      await expect(open({ host, port: broker.tlsPort, tls })).rejects.toThrow(message);
    });

    test('TLS where there is none, and none where there is', async () => {
      await expect(open({ tls: {} })).rejects.toThrow(/does not speak TLS|without a word of TLS/);
      await expect(open({ port: broker.tlsPort })).rejects.toThrow(`127.0.0.1:${broker.tlsPort}: `);
    });
  });

  test('logs in by password or by certificate, with TLS, to a virtual host', async () => {
    const tls = { ca: certificates.ours.cert, ...client };
    const there = { host: 'localhost', port: broker.tlsPort, tls, vhost: 'metrics' };
    const given = { ...there, exchange: { name: 'tls' } };
    await publish([], given);
    await using consumer = await Consumer.on(broker, 'tls', { exchange: 'tls', vhost: 'metrics' });
    await publish(points(0, 1, 'a'), { ...given, username: 'agent', password: 'Hahb5zoo' });
    await publish(points(1, 2, 'a'), { ...given, auth: 'external' });
    await vi.waitFor(() => expect(consumer.arrived).toHaveLength(2), 5000);
    expect(consumer.texts).toEqual(['a 0 1000000000\n', 'a 1 1000000000\n']);
  });

  test('takes the next broker of several, and says so', async () => {
    const host = ['127.0.0.1:1', `127.0.0.1:${broker.port}`];
    const connection = await open({ host });
    await connection.write(points(0, 1), forever);
    expect(connection.note).toContain(
      `delivers to 127.0.0.1:${broker.port}, because 127.0.0.1:1: `,
    );
    await connection.close();
  });

  test('does not take for delivered what the broker refuses, or what no queue takes', async () => {
    const exchange = { name: 'full' };
    const connection = await open({ exchange, unroutable: 'wait', routingKey: '{path}' });
    await expect(connection.write(points(0, 1, 'a'), forever)).rejects.toThrow(
      'no queue takes what is published to the exchange "full" with the routing key "a". Bind one',
    );
    const limits = { 'x-max-length': 2, 'x-overflow': 'reject-publish' };
    const model = await broker.connect();
    const channel = await model.createChannel();
    await channel.assertQueue('full', { durable: true, arguments: limits });
    await channel.bindQueue('full', 'full', '#');
    const batch = Array.from({ length: 50 }, (_, i) => points(i, i + 1, `a${i}`)).flat();
    await expect(connection.write(batch, forever)).rejects.toThrow(
      /it has refused \d+ of 50 messages\. A queue that takes them is full/,
    );
    await model.close();
    await connection.close();
  });

  describe('publishes again what was not taken, and nothing else,', () => {
    /** Each path, and how often it has arrived. */
    function arrivals(...consumers: readonly Consumer[]): Readonly<Record<string, number>> {
      const found: Record<string, number> = {};
      for (const text of consumers.flatMap(({ texts }) => texts)) {
        for (const line of text.trimEnd().split('\n')) {
          const { path } = decodeLine(line);
          found[path] = (found[path] ?? 0) + 1;
        }
      }
      return found;
    }

    function publishing(given: Given) {
      return delivery(systemClock, {
        handler: amqp as unknown as Handler,
        options: amqp.options.parse({ host: '127.0.0.1', port: broker.port, ...given }),
        backoff: { least: 0.1, most: 0.3 },
      });
    }
    const once = (paths: readonly string[]) => Object.fromEntries(paths.map((path) => [path, 1]));
    const names = Array.from({ length: 30 }, (_, i) => `a${i}`);

    test('where a queue is full', async () => {
      const given: Given = { exchange: { name: 'tight' }, routingKey: '{path}' };
      await publish([], given);
      const model = await broker.connect();
      const channel = await model.createChannel();
      const limits = { 'x-max-length': 3, 'x-overflow': 'reject-publish' };
      await channel.assertQueue('tight', { durable: true, arguments: limits });
      await channel.bindQueue('tight', 'tight', '#');
      const { delivery: it, notes } = publishing(given);
      it.offer(names.flatMap((path) => points(0, 1, path)));
      it.flush();
      await vi.waitFor(() => expect(it.status().failures).toBeGreaterThan(1), 10_000);
      const { delivered, queued, connected } = it.status();
      expect([delivered + queued, connected]).toEqual([30, true]);
      expect(delivered).toBeGreaterThan(0);
      expect(delivered).toBeLessThan(30);
      expect(notes.said[0]).toMatch(/it has refused \d+ of 30 messages\. A queue .* its log says/);
      await model.close();
      // Now somebody consumes.
      const options = { durable: true, arguments: limits };
      await using consumer = await Consumer.on(broker, 'tight', { options });
      expect(await it.drain(10_000)).toEqual({ left: 0 });
      await vi.waitFor(() => expect(arrivals(consumer)).toEqual(once(names)), 5000);
      expect(it.status()).toMatchObject({ delivered: 30, queued: 0 });
      await it.stop('shutdown', 2000);
    });

    test('where some keys have a queue, and what is fresh is not held up', async () => {
      const given: Given = {
        ...{ exchange: { name: 'some' }, routingKey: '{path}' },
        ...{ unroutable: 'wait', headers: { by: '{collector}' } },
      };
      await publish([], given);
      await using bound = await Consumer.on(broker, '', {
        ...{ exchange: 'some', bindings: ['a0', 'a2', 'fresh'], options: { exclusive: true } },
      });
      const { delivery: it, notes } = publishing(given);
      it.offer(names.flatMap((path) => points(0, 1, path)));
      it.flush();
      await vi.waitFor(() => expect(it.status()).toMatchObject({ delivered: 2, queued: 28 }), 5000);
      expect(notes.said[0]).toContain('with the routing key "a1". Bind one, or set unroutable to');
      it.offer(points(0, 1, 'fresh'));
      it.flush();
      await vi.waitFor(() => expect(it.status()).toMatchObject({ delivered: 3, queued: 28 }), 5000);
      await using rest = await Consumer.on(broker, '', {
        ...{ exchange: 'some', bindings: names.filter((name) => !['a0', 'a2'].includes(name)) },
        options: { exclusive: true },
      });
      expect(await it.drain(5000)).toEqual({ left: 0 });
      const all = once([...names, 'fresh']);
      await vi.waitFor(() => expect(arrivals(bound, rest)).toEqual(all), 5000);
      await it.stop('shutdown', 2000);
    });
  });

  test('counts what no queue takes, and says so', async () => {
    const connection = await open({ exchange: { name: 'nobody' }, routingKey: '{path}' });
    expect([connection.note, connection.counts]).toEqual([undefined, { unroutable: 0 }]);
    await connection.write([...points(0, 1, 'a'), ...points(0, 1, 'b')], forever);
    expect(connection.counts).toEqual({ unroutable: 2 });
    expect(connection.note).toBe(
      'no queue takes what is published to the exchange "nobody" with the routing key "a": it is lost, and counted',
    );
    await connection.close();
    const careless = await open({ exchange: { name: 'nobody' }, unroutable: 'ignore' });
    await careless.write(points(0, 1, 'a'), forever);
    expect(careless.counts).toEqual({ unroutable: 0 });
    await careless.close();
  });

  test('notices that its exchange has gone, and its broker', async () => {
    await noSocket();
    const connection = await open({ exchange: { name: 'gone' } });
    const model = await broker.connect();
    const channel = await model.createChannel();
    await channel.deleteExchange('gone');
    await model.close();
    await expect(connection.write(points(0, 1), forever)).rejects.toThrow(
      'there is no exchange "gone" in the virtual host "/"',
    );
    expect(String(await connection.ended)).toContain('there is no exchange "gone"');
    await connection.close();
    await noSocket();
  });

  describe('the program', () => {
    const running = (options: string) =>
      new RunningAgent({ amqp: `{ host: 127.0.0.1, port: ${broker.port}, ${options} }` });
    const failures = (agent: RunningAgent, count: number) =>
      vi.waitFor(
        async () => expect((await agent.books('amqp')).failures).toBeGreaterThanOrEqual(count),
        { timeout: 30_000, interval: 200 },
      );

    /** Expects it to hold no more than one connection, and to end within its time to stop. */
    async function endsInTime(agent: RunningAgent): Promise<void> {
      expect(await broker.agents()).toBeLessThanOrEqual(1);
      const begun = performance.now();
      await agent.stop();
      expect(performance.now() - begun).toBeLessThan(3000);
      await vi.waitFor(async () => expect(await broker.agents()).toBe(0), 5000);
    }

    test('ends, however often the broker has refused it', async () => {
      await using agent = running('exchange: { name: amq.topic, type: fanout }');
      await failures(agent, 3);
      await endsInTime(agent);
      expect(agent.log.join('\n')).toContain('its type is topic, not fanout. Set exchange.type');
    });

    test('ends when its exchange has gone and it may not declare another', async () => {
      const model = await broker.connect();
      const channel = await model.createChannel();
      await channel.assertExchange('short', 'topic');
      await using agent = running('exchange: { name: short, declare: passive }');
      await vi.waitFor(
        async () => expect((await agent.books('amqp')).delivered).toBeGreaterThan(0),
        20_000,
      );
      await channel.deleteExchange('short');
      await model.close();
      await failures(agent, 3);
      await endsInTime(agent);
      expect(agent.log.join('\n')).toContain('there is no exchange "short"');
    });
  });

  describe('in mid-stream', () => {
    const exchange = { name: 'stream' };

    /** Offers points of names of their own until it is stopped; the books balance at every moment. */
    function stream(given: Given) {
      const { delivery: it, notes } = delivery(systemClock, {
        handler: amqp as unknown as Handler,
        options: amqp.options.parse({
          host: '127.0.0.1',
          port: broker.port,
          exchange,
          ...given,
        }),
        queue: { samples: 1_000_000, bytes: 64e6 },
        timeout: 3,
        backoff: { least: 0.05, most: 0.3 },
      });
      let offered = 0;
      const timer = setInterval(() => {
        const some = Array.from({ length: 50 }, (_, i) => points(i, i + 1, `p${offered + i}`));
        it.offer(some.flat());
        offered += some.length;
        it.flush();
        expect(imbalance(it.status())).toBe(0);
      }, 10);
      return {
        it,
        notes,
        /** Ends it, and expects every point to have been confirmed, and to be in the queue. */
        async end() {
          clearInterval(timer);
          expect(await it.drain(15_000), notes.said.join('\n')).toEqual({ left: 0 });
          await it.stop('shutdown', 2000);
          expect(it.status()).toMatchObject({ observed: offered, delivered: offered, queued: 0 });
          await using consumer = await Consumer.on(broker, 'stream');
          const arrived = () =>
            new Set(
              consumer.texts
                .flatMap((text) => text.trimEnd().split('\n'))
                .map((line) => decodeLine(line).path),
            );
          await vi.waitFor(() => expect(arrived().size).toBe(offered), 10_000);
          return consumer.arrived.length;
        },
      };
    }

    beforeAll(async () => {
      await publish([], { exchange });
      await using _ = await Consumer.on(broker, 'stream', { exchange: exchange.name });
    });

    test.each(['SIGTERM', 'SIGKILL'] as const)(
      'loses nothing by a broker that is ended and started again (%s)',
      async (signal) => {
        const streaming = stream({ routingKey: '{path}' });
        await sleep(300);
        await broker.kill(signal);
        await sleep(300);
        await broker.start();
        await sleep(300);
        await streaming.end();
        expect(streaming.it.status().failures).toBeGreaterThan(0);
        expect(streaming.notes.said).toHaveLength(2);
        expect(streaming.notes.said[1]).toBe('handler peer recovered');
      },
    );

    test('waits while the broker has no memory left, and goes on when it has', async () => {
      const streaming = stream({});
      await sleep(200);
      await broker.alarm(true);
      await sleep(500);
      const stuck = streaming.it.status();
      await sleep(500);
      expect(streaming.it.status().delivered).toBe(stuck.delivered);
      expect(streaming.it.status().connected).toBe(true);
      await broker.alarm(false);
      await streaming.end();
      expect(streaming.notes.said).toEqual([]);
    });

    test('goes to another broker while the first has no memory left', async () => {
      await using second = await RabbitMq.start();
      const host = [`127.0.0.1:${broker.port}`, `127.0.0.1:${second.port}`];
      const given = { host, exchange: { name: 'both' }, failover: { retry: '2s' } };
      await publish([], { ...given, host: host[0] });
      await using there = await Consumer.on(broker, 'both', { exchange: 'both' });
      await publish([], { ...given, host: host[1] });
      await using here = await Consumer.on(second, 'both', { exchange: 'both' });
      const { delivery: it, notes } = delivery(systemClock, {
        handler: amqp as unknown as Handler,
        options: amqp.options.parse(given),
        timeout: 2,
        backoff: { least: 0.05, most: 0.1 },
      });
      let offered = 0;
      const tick = () => {
        it.offer(points(0, 1, `p${offered}`));
        offered += 1;
        it.flush();
      };
      tick();
      await vi.waitFor(() => expect(it.status().delivered).toBe(1), 5000);
      await broker.alarm(true);
      // A broker says that it is blocked to who publishes.
      tick();
      await vi.waitFor(() => expect(it.status().delivered).toBe(offered), 8000);
      expect(notes.said[0]).toContain(
        'took longer than 2 s: it lets nobody publish: low on memory. Free some of it there',
      );
      expect(notes.told.at(-1)).toContain(`delivers to ${host[1]}, because ${host[0]}: it lets`);
      await vi.waitFor(() => expect(here.arrived.length).toBe(1), 5000);
      await broker.alarm(false);
      await vi.waitFor(
        () => {
          tick();
          expect(notes.told.at(-1)).toBe(`handler peer: delivers to ${host[0]}`);
        },
        { timeout: 15_000, interval: 200 },
      );
      expect(await it.drain(5000)).toEqual({ left: 0 });
      await it.stop('shutdown', 2000);
      await vi.waitFor(
        () => expect(there.arrived.length + here.arrived.length).toBe(offered),
        5000,
      );
    });

    test('says it when that takes long', async () => {
      const times: (() => void)[] = [];
      const clock = {
        ...systemClock,
        after: (_: number, act: () => void) => {
          times.push(act);
          return { cancel: () => undefined };
        },
      };
      const given = { host: '127.0.0.1', port: broker.port, exchange };
      const options = amqp.options.parse(given);
      const aborter = new AbortController();
      const { signal } = aborter;
      const connection = await amqp.open({ options, signal, ...around, clock });
      await broker.alarm(true);
      const stuck = connection.write(points(0, 1, 'stuck'), signal);
      stuck.catch(() => undefined);
      await vi.waitFor(() => expect(times).toHaveLength(1), 5000);
      times[0]?.();
      await expect(stuck).rejects.toThrow('it has let nobody publish for 10 s: low on memory.');
      await broker.alarm(false);
      aborter.abort();
      await connection.ended;
    });
  });
});

/** Runs Carbon's own listener on messages: what it makes of each, as `[name, time, value]`. */
async function carbonReads(messages: readonly (readonly [key: string, body: Buffer])[]) {
  const { stdout } = await promisify(execFile)('/usr/bin/python3', [
    '-c',
    CARBON,
    ...messages.flatMap(([key, body]) => [key, body.toString()]),
  ]);
  return JSON.parse(stdout) as unknown;
}

/** Carbon's listener without the library that it gets its messages from, which Debian does not have. */
const CARBON = `
import json, sys, types
class Any: pass
for name, words in {'txamqp': [], 'txamqp.protocol': ['AMQClient'], 'txamqp.client': ['TwistedDelegate'], 'txamqp.spec': []}.items():
    module = sys.modules[name] = types.ModuleType(name)
    for word in words: setattr(module, word, type(word, (Any,), {}))
from carbon.amqp_listener import AMQPGraphiteProtocol
from carbon import events
from carbon.conf import settings
read = []
events.metricReceived = lambda name, point: read.append([name, *point])
listener = AMQPGraphiteProtocol()
listener.factory = types.SimpleNamespace(verbose=False)
words = sys.argv[1:]
for i in range(0, len(words), 2):
    settings['AMQP_METRIC_NAME_IN_BODY'] = i > 0
    listener.processMessage(types.SimpleNamespace(routing_key=words[i], content=types.SimpleNamespace(body=words[i + 1])))
print(json.dumps(read))
`;
