import { setTimeout as sleep } from 'node:timers/promises';
import { AccessDenied, NoData, ParseError } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import rabbitmq, { parse } from '../../collectors/rabbitmq.ts';
import { freePort } from '../support/carbon.ts';
import { HttpServer } from '../support/http.ts';
import { describeWithPeer } from '../support/peers.ts';
import { asked, valuesOf } from '../support/probing.ts';
import { RabbitMq } from '../support/rabbitmq.ts';

/** A management plugin that answers with this JSON, by path. */
async function managed(answers: Readonly<Record<string, unknown>>) {
  const server = await HttpServer.listen();
  onTestFinished(() => server[Symbol.asyncDispose]());
  server.answer = ({ url = '' }, response) => {
    const path = url.slice('/api/'.length).split('?')[0] ?? '';
    response.end(JSON.stringify(answers[path] ?? []));
  };
  return { server, url: `http://127.0.0.1:${server.port}/` };
}

const queues = (lengths: Readonly<Record<string, number>>) =>
  Object.entries(lengths).map(([name, messages]) => ({
    ...{ name, vhost: '/', messages, messages_ready: messages, messages_unacknowledged: 0 },
    ...{ consumers: 1, memory: 1000 },
  }));

describe('rabbitmq', () => {
  test('reports the queues that are chosen, the longest first', async () => {
    const { url } = await managed({ overview: {}, queues: queues({ a: 1, b: 3, c: 2, x: 9 }) });
    const run = await asked(rabbitmq, { url, queues: { exclude: ['x'] }, limit: 2 });
    expect([run.thrown, run.errors]).toEqual([undefined, []]);
    expect(valuesOf(run, 'rabbitmq.queue.messages')).toEqual({
      ...{ '{/,b,ready}': 3, '{/,b,unacknowledged}': 0 },
      ...{ '{/,c,ready}': 2, '{/,c,unacknowledged}': 0 },
    });
  });

  test('a queue that was not counted yet, and numbers that are none', async () => {
    const odd = [
      { name: 'new', vhost: '/' },
      { name: 'odd', vhost: '/', consumers: 'many' },
    ];
    const { url } = await managed({ overview: { queue_totals: 'none' }, queues: odd });
    const run = await asked(rabbitmq, { url });
    expect([run.thrown, run.errors, run.observations]).toEqual([undefined, [], []]);
  });

  test('an answer that is none costs what it would have told', async () => {
    const overview = { queue_totals: { messages_ready: 7, messages_unacknowledged: 1 } };
    const { url } = await managed({ overview, nodes: { error: 'none' }, queues: queues({ a: 1 }) });
    const run = await asked(rabbitmq, { url });
    expect(run.errors).toHaveLength(1);
    expect(run.errors[0]).toBeInstanceOf(ParseError);
    expect(valuesOf(run, 'rabbitmq.messages')).toEqual({ '{ready}': 7, '{unacknowledged}': 1 });
    expect(valuesOf(run, 'rabbitmq.queue.memory')).toEqual({ '{/,a}': 1000 });
  });

  test('asks for no queue where none is wanted, and of queues not for all there is', async () => {
    const { server, url } = await managed({ overview: {} });
    await asked(rabbitmq, { url, limit: 0 });
    expect(server.asked.map(({ url }) => url)).toEqual(['/api/overview', '/api/nodes']);
    await asked(rabbitmq, { url });
    expect(server.asked.at(-1)?.url).toMatch(/^\/api\/queues\?columns=name,vhost,/);
  });

  test('nobody listens', async () => {
    const { thrown } = await asked(rabbitmq, { url: `http://127.0.0.1:${await freePort()}` });
    expect(thrown).toBeInstanceOf(NoData);
  });

  test('whatever is answered, it is of the shape, or an error that says where', () => {
    const text = fc.oneof(fc.json(), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(text, (json) => {
        try {
          parse('/api/x', json);
        } catch (error) {
          expect(error).toBeInstanceOf(ParseError);
          expect(String(error)).toContain('/api/x: ');
        }
      }),
    );
  });
});

describeWithPeer(
  'rabbitmq',
  'a real RabbitMQ',
  () => {
    test('knows its queues and nodes, and lets in who may monitor', async () => {
      const port = await freePort();
      await using broker = await RabbitMq.start({
        plugins: ['rabbitmq_management'],
        logins: [{ name: 'monitor', password: 'secret', tags: 'monitoring' }],
        config: [
          `management.tcp.port = ${port}`,
          'management.tcp.ip = 127.0.0.1',
          'collect_statistics_interval = 500',
        ],
      });
      const url = `http://127.0.0.1:${port}`;
      const login = { username: 'monitor', password: 'secret' };

      const model = await broker.connect();
      const channel = await model.createChannel();
      await channel.assertQueue('jobs');
      for (let i = 0; i < 3; i += 1) channel.sendToQueue('jobs', Buffer.from('four'));
      await channel.consume('jobs', () => {}, { noAck: false });

      let values: Record<string, number> = {};
      for (let i = 0; i < 100; i += 1) {
        values = valuesOf(await asked(rabbitmq, { url, ...login }), 'rabbitmq.');
        const counted = values['queue.messages{/,jobs,unacknowledged}'] === 3;
        if (counted && 'queue.message.events{/,jobs,publish}' in values) break;
        await sleep(100);
      }
      expect(values).toMatchObject({
        ...{ 'queue.messages{/,jobs,unacknowledged}': 3, 'queue.messages{/,jobs,ready}': 0 },
        ...{ 'queue.consumers{/,jobs}': 1, 'queue.size{/,jobs}': 12 },
        ...{ 'queue.message.events{/,jobs,publish}': 3 },
        ...{ 'messages{unacknowledged}': 3, 'objects{queues}': 1, 'objects{consumers}': 1 },
      });
      const node = Object.keys(values).find((key) => key.startsWith('node.running'));
      const name = node?.slice('node.running'.length) ?? '';
      expect(name).toMatch(/^\{cullinan\d+@localhost\}$/);
      expect(values[`node.running${name}`]).toBe(1);
      for (const key of ['uptime', 'memory.usage', 'memory.limit', 'disk.free', 'partitions']) {
        expect(values).toHaveProperty([`node.${key}${name}`]);
      }
      await model.close();

      for (const wrong of [
        {},
        { ...login, password: 'x' },
        { username: 'guest', password: 'guest' },
      ]) {
        expect((await asked(rabbitmq, { url, ...wrong })).thrown).toBeInstanceOf(AccessDenied);
      }
    });
  },
  60_000,
);
