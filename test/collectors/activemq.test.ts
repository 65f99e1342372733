import { AccessDenied, Foreseen, NoData, ParseError, Unresponsive } from 'cullinan/plugin';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import activemq, {
  beansIn,
  observeDestinations,
  parse,
  parseStatistics,
} from '../../collectors/activemq.ts';
import { ActiveMq } from '../support/activemq.ts';
import { freePort } from '../support/carbon.ts';
import { expectSound } from '../support/collector.ts';
import { HttpServer } from '../support/http.ts';
import { oddNumbers } from '../support/odd-json.ts';
import { describeWithPeer } from '../support/peers.ts';
import { asked, saying, valuesOf } from '../support/probing.ts';

/** Written by hand, in the form of Jolokia 1.7 of ActiveMQ 5.17; a real one is below. */
const BROKER = {
  ...{ MemoryPercentUsage: 7, StorePercentUsage: 50, TempPercentUsage: 0 },
  ...{ CurrentConnectionsCount: 3, TotalProducerCount: 1, TotalConsumerCount: 2 },
};
const QUEUE = {
  ...{
    QueueSize: 42,
    InFlightCount: 2,
    ProducerCount: 1,
    ConsumerCount: 2,
    MemoryPercentUsage: 10,
  },
  ...{ EnqueueCount: 142, DequeueCount: 100, DispatchCount: 102, ExpiredCount: 0 },
  ...{ AverageEnqueueTime: 12.5, MinEnqueueTime: 0, MaxEnqueueTime: 1500 },
};
const bean = (type: string, name: string) =>
  `org.apache.activemq:brokerName=localhost,destinationName=${name},destinationType=${type},type=Broker`;

async function console(answer: (mbean: string) => unknown) {
  const server = await HttpServer.listen();
  onTestFinished(() => server[Symbol.asyncDispose]());
  server.answer = ({ body }, response) => {
    response.end(JSON.stringify(answer(JSON.parse(body.toString()).mbean)));
  };
  return { server, url: `http://127.0.0.1:${server.port}/api/jolokia` };
}
const read = (value: unknown) => ({ status: 200, value });

describe('activemq', () => {
  test('knows queues, topics, and what the broker uses', async () => {
    const all = {
      [bean('Queue', 'orders')]: QUEUE,
      [bean('Topic', 'news')]: { QueueSize: 0 },
      [bean('Topic', 'ActiveMQ.Advisory.Connection')]: { QueueSize: 1 },
    };
    const { server, url } = await console((it) => read(it.includes('destination') ? all : BROKER));
    const run = await asked(activemq, { url, username: 'admin', password: 'secret' });
    expect([run.thrown, run.errors]).toEqual([undefined, []]);
    expect(valuesOf(run, 'activemq.')).toEqual({
      ...{ 'memory.utilization{}': 0.07, 'store.utilization{}': 0.5, 'temp.utilization{}': 0 },
      ...{ 'connections{}': 3, 'clients{producer}': 1, 'clients{consumer}': 2 },
      ...{ 'destination.messages{queue,orders}': 42, 'destination.inflight{queue,orders}': 2 },
      'destination.clients{queue,orders,producer}': 1,
      'destination.clients{queue,orders,consumer}': 2,
      'destination.message.events{queue,orders,enqueue}': 142,
      'destination.message.events{queue,orders,dequeue}': 100,
      'destination.message.events{queue,orders,dispatch}': 102,
      'destination.message.events{queue,orders,expire}': 0,
      'destination.memory.utilization{queue,orders}': 0.1,
      'destination.enqueue_time{queue,orders,mean}': 0.0125,
      'destination.enqueue_time{queue,orders,min}': 0,
      'destination.enqueue_time{queue,orders,max}': 1.5,
      'destination.messages{topic,news}': 0,
    });
    const [first] = server.asked;
    expect(first).toMatchObject({ method: 'POST', url: '/api/jolokia' });
    expect(first?.headers).toMatchObject({ origin: `http://127.0.0.1:${server.port}` });
    expect(first?.headers.authorization).toMatch(/^Basic /);
  });

  test('reports as many as it may, the longest first', async () => {
    const all = Object.fromEntries(
      [3, 1, 9].map((size) => [bean('Queue', `q${size}`), { QueueSize: size }]),
    );
    const { url } = await console(() => read(all));
    const run = await asked(activemq, { url, limit: 2 });
    expect(valuesOf(run)).toEqual({
      ...{ 'activemq.destination.messages{queue,q9}': 9 },
      ...{ 'activemq.destination.messages{queue,q3}': 3 },
    });
  });

  test('names with commas, quotes and signs are what they were', () => {
    const named = [bean('Queue', '"a,b=\\"c\\""'), bean('Queue', 'x')];
    const all = Object.fromEntries(named.map((name) => [name, { QueueSize: 1 }]));
    const seen = observeDestinations(beansIn(all), { destinations: () => true, limit: 10 });
    expect([...seen].map(({ labels }) => labels['destination'])).toEqual(['a,b="c"', 'x']);
  });

  test('says what went wrong', async () => {
    const error = 'javax.management.InstanceNotFoundException : No MBean found';
    const absent = await console(() => ({ status: 404, error }));
    const { thrown } = await asked(activemq, { url: absent.url });
    expect(thrown).toEqual(new Foreseen(`Jolokia: ${error}. Check "url" and "broker".`));
    const refused = await console(() => ({ status: 403, error: 'Origin null is not allowed' }));
    expect((await asked(activemq, { url: refused.url })).thrown).toBeInstanceOf(AccessDenied);
    refused.server.say(401);
    expect((await asked(activemq, { url: refused.url })).thrown).toBeInstanceOf(AccessDenied);
    refused.server.say(200, '<html>');
    expect((await asked(activemq, { url: refused.url })).thrown).toBeInstanceOf(ParseError);
    const url = `http://127.0.0.1:${await freePort()}/`;
    expect((await asked(activemq, { url })).thrown).toBeInstanceOf(NoData);
  });

  test('whatever is answered, only numbers come of it', () => {
    const beans = fc.dictionary(
      fc.string().map((name) => bean('Queue', name)),
      oddNumbers('Name', ...Object.keys(QUEUE)),
    );
    let seen = 0;
    fc.assert(
      fc.property(beans, (beans) => {
        const members = Object.entries(beans).map(
          ([name, text]) => `${JSON.stringify(name)}:${text}`,
        );
        const all = parse(`{"status":200,"value":{${members}}}`);
        const chosen = { destinations: () => true, limit: 9 };
        const observations = [...observeDestinations(beansIn(all), chosen)];
        expectSound(activemq, { observations, errors: [], thrown: undefined });
        seen += observations.length;
      }),
    );
    expect(seen).toBeGreaterThan(100);
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), (text) => {
        expect(() => parse(text)).toThrow(Foreseen);
      }),
    );
  });
});

describe('activemq, over STOMP', () => {
  test('a map in the JSON that XStream makes', () => {
    const entries = [
      { string: 'size', long: 2 },
      { string: ['brokerName', 'a'] },
      { double: 1 },
      7,
    ];
    expect(parseStatistics(JSON.stringify({ map: { entry: entries } }))).toEqual({
      ...{ QueueSize: 2, BrokerName: 'a' },
    });
    expect(() => parseStatistics('<map>')).toThrow(ParseError);
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (entry) => {
        const known = { string: 'size', long: 2 };
        const map = { entry: [...entry, known, ...entry] };
        expect(parseStatistics(JSON.stringify({ map }))).toMatchObject({ QueueSize: 2 });
      }),
    );
  });

  test.each([
    ['stomp://localhost', true],
    ['stomp+ssl://[::1]:61614/', true],
    ['stomp://a:b@localhost', false],
    ['stomps://localhost', false],
    ['ftp://localhost', false],
  ])('the URL %s', (url, good) => {
    expect(activemq.options.safeParse({ url }).success).toBe(good);
  });

  test('somebody else answers, ends it, or does not answer', async () => {
    const at = async (port: number, signal?: AbortSignal) =>
      (await asked(activemq, { url: `stomp://127.0.0.1:${port}` }, signal)).thrown;
    const web = await saying((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n\0'));
    expect(await at(web)).toBeInstanceOf(ParseError);
    expect(String(await at(web))).toContain('Is this STOMP?');
    const closing = await saying((socket) => socket.once('data', () => socket.end()));
    expect(await at(closing)).toEqual(
      new Foreseen(`127.0.0.1:${closing}: it ended the connection`),
    );
    const silent = await saying(() => undefined);
    const late = await at(silent, AbortSignal.timeout(100));
    expect(late).toEqual(
      new Unresponsive(
        `127.0.0.1:${silent} did not answer in time. To answer it needs the statisticsBrokerPlugin, ` +
          'xstream and jettison.',
      ),
    );
    expect(await at(await freePort())).toBeInstanceOf(NoData);
  });
});

describeWithPeer('activemq', 'a real ActiveMQ', () => {
  let broker: ActiveMq;
  const clients: Disposable[] = [];
  /** Their MBeans have other names. */
  const ODD = ['a=b', 'a:b', 'a&b', 'it\'s "one"', 'zoë'];
  beforeAll(async () => {
    broker = await ActiveMq.start();
    const producer = await broker.client();
    clients.push(producer);
    const send = (destination: string, headers = {}) =>
      producer.say('SEND', { destination, ...headers }, 'x'.repeat(20_000));
    for (let i = 0; i < 5; i += 1) await send('/queue/orders', { persistent: 'true' });
    for (const name of ODD) await send(`/queue/${name}`);
    await send('/topic/news');
    const consumer = await broker.client();
    clients.push(consumer);
    const taking = { id: '1', destination: '/queue/orders', ack: 'client-individual' };
    await consumer.say('SUBSCRIBE', { ...taking, 'activemq.prefetchSize': '3' });
    await consumer.got(3);
    for (const { headers } of consumer.messages.slice(0, 2)) {
      await consumer.say('ACK', { id: headers.get('ack') ?? '' });
    }
    // In place of what it acknowledged it gets what is left.
    await consumer.got(5);
  });
  afterAll(async () => {
    for (const client of clients) client[Symbol.dispose]();
    await broker?.[Symbol.asyncDispose]();
  });

  const ORDERS = {
    ...{ 'messages{queue,orders}': 3, 'inflight{queue,orders}': 3 },
    ...{ 'clients{queue,orders,producer}': 0, 'clients{queue,orders,consumer}': 1 },
    ...{ 'message.events{queue,orders,enqueue}': 5, 'message.events{queue,orders,dequeue}': 2 },
    ...{ 'message.events{queue,orders,dispatch}': 5, 'message.events{queue,orders,expire}': 0 },
    ...Object.fromEntries(ODD.map((name) => [`messages{queue,${name}}`, 1])),
    ...{ 'messages{topic,news}': 0, 'message.events{topic,news,enqueue}': 1 },
  };
  const login = { username: 'agent', password: 'secret' };

  test.each(['jolokia', 'stomp'] as const)('says over %s what it has', async (way) => {
    const run = await asked(activemq, { url: broker[way], ...login });
    expect([run.thrown, run.errors]).toEqual([undefined, []]);
    const values = valuesOf(run, 'activemq.destination.');
    expect(values).toMatchObject(ORDERS);
    const orders = ',destinationType=Queue,destinationName=orders';
    for (const [statistic, name] of [
      ...[['mean', 'AverageEnqueueTime'] as const, ['min', 'MinEnqueueTime'] as const],
      ['max', 'MaxEnqueueTime'] as const,
    ]) {
      const time = Number(await broker.attribute(orders, name));
      expect(values[`enqueue_time{queue,orders,${statistic}}`]).toBeCloseTo(time / 1000, 9);
    }
    expect(values['enqueue_time{queue,orders,max}']).toBeGreaterThan(0);
    const used = Number(await broker.attribute(orders, 'MemoryPercentUsage'));
    expect(used).toBeGreaterThan(0);
    expect(values['memory.utilization{queue,orders}']).toBe(used / 100);
    expect(Object.keys(values).filter((name) => name.includes('Advisory'))).toEqual([]);
    const all = valuesOf(run, 'activemq.');
    for (const [name, attribute] of [
      ['memory', 'MemoryPercentUsage'],
      ['store', 'StorePercentUsage'],
      ['temp', 'TempPercentUsage'],
    ] as const) {
      const percent = Number(await broker.attribute('', attribute));
      // A question and its answers over STOMP are messages themselves.
      const difference = Math.abs((all[`${name}.utilization{}`] ?? 1) - percent / 100);
      expect(difference).toBeLessThanOrEqual(way === 'stomp' ? 0.02 : 0);
    }
    // Over STOMP, the question has a connection and a consumer of its own.
    const own = way === 'stomp' ? 1 : 0;
    expect(all['clients{consumer}']).toBe(1 + own);
    expect(all['connections{}']).toBe(way === 'stomp' ? undefined : 2);
  });

  test('nothing of a question stays behind', async () => {
    const count = async () => [
      await broker.attribute('', 'TotalConsumerCount'),
      await broker.attribute('', 'TemporaryQueues'),
      ((await broker.attribute('', 'Queues')) as unknown[]).length,
    ];
    // What the test before has asked may still be on its way out.
    await vi.waitFor(async () => expect((await count()).slice(0, 2)).toEqual([1, []]), {
      timeout: 15_000,
    });
    const before = await count();
    for (let i = 0; i < 3; i += 1) await asked(activemq, { url: broker.stomp, ...login });
    await vi.waitFor(async () => expect(await count()).toEqual(before), { timeout: 15_000 });
  });

  test('a login that is none', async () => {
    const run = await asked(activemq, { url: broker.stomp, username: 'agent', password: 'wrong' });
    expect(run.thrown).toBeInstanceOf(AccessDenied);
    expect(String(run.thrown)).toContain('Check "username" and "password".');
  });

  test('another broker than the one that is named', async () => {
    const { thrown } = await asked(activemq, { url: broker.jolokia, broker: 'elsewhere' });
    expect(thrown).toBeInstanceOf(Foreseen);
    expect(String(thrown)).toMatch(/InstanceNotFound.*Check "url" and "broker"/);
  });
});
