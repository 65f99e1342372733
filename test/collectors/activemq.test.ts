import { AccessDenied, Foreseen, NoData, ParseError } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import activemq, { observeDestinations, parse } from '../../collectors/activemq.ts';
import { freePort } from '../support/carbon.ts';
import { HttpServer } from '../support/http.ts';
import { asked, valuesOf } from '../support/probing.ts';

/** Written by hand, as Jolokia 1.7 of ActiveMQ 5.17 documents its answers. */
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
      [3, 9, 1].map((size) => [bean('Queue', `q${size}`), { QueueSize: size }]),
    );
    const { url } = await console(() => read(all));
    const run = await asked(activemq, { url, limit: 2 });
    expect(valuesOf(run)).toEqual({
      ...{ 'activemq.destination.messages{queue,q9}': 9 },
      ...{ 'activemq.destination.messages{queue,q3}': 3 },
    });
  });

  test('names with commas, quotes and signs are what they were', () => {
    const named = [bean('Queue', '"a,b=\\"c\\""'), bean('Queue', 'x.&gt;')];
    const all = Object.fromEntries(named.map((name) => [name, { QueueSize: 1 }]));
    const seen = observeDestinations(all, { destinations: () => true, limit: 10 });
    expect([...seen].map(({ labels }) => labels['destination'])).toEqual(['a,b="c"', 'x.>']);
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
    const any = fc.jsonValue();
    const value = fc.dictionary(
      fc.string().map((name) => bean('Queue', name)),
      any,
    );
    fc.assert(
      fc.property(value, (beans) => {
        const all = parse(JSON.stringify(read(beans)));
        for (const { value } of observeDestinations(all, { destinations: () => true, limit: 9 })) {
          expect(Number.isFinite(value)).toBe(true);
        }
      }),
    );
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), (text) => {
        expect(() => parse(text)).toThrow(Foreseen);
      }),
    );
  });
});
