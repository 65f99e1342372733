import { AccessDenied, NoData, ParseError } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import rabbitmq, { parse } from '../../collectors/rabbitmq.ts';
import { freePort } from '../support/carbon.ts';
import { expectSound } from '../support/collector.ts';
import { HttpServer } from '../support/http.ts';
import { oddMembers, oddNumbers, oddObject } from '../support/odd-json.ts';
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

  test('tells all of it under the names that it goes by here', async () => {
    const overview = {
      queue_totals: { messages: 10, messages_ready: 7, messages_unacknowledged: 3 },
      object_totals: { connections: 1, channels: 2, consumers: 3, exchanges: 4, queues: 5 },
      message_stats: { publish: 100, publish_details: { rate: 1 }, ack: 90 },
    };
    const node = {
      ...{ name: 'rabbit@a', running: true, uptime: 86_400_000, partitions: ['rabbit@b'] },
      ...{ fd_used: 1, fd_total: 2, sockets_used: 3, sockets_total: 4, proc_used: 5 },
      ...{ proc_total: 6, mem_used: 7, mem_limit: 8, disk_free: 9, disk_free_limit: 10 },
      ...{ mem_alarm: true, disk_free_alarm: false },
    };
    const queue = {
      ...{ name: 'q', vhost: '/', messages: 3, messages_ready: 2, messages_unacknowledged: 1 },
      ...{ message_bytes: 300, consumers: 4, memory: 5000, message_stats: { redeliver: 6 } },
    };
    const nodes = [node, { name: 'rabbit@b', running: false }];
    const { url } = await managed({ overview, nodes, queues: [queue] });
    const run = await asked(rabbitmq, { url });
    expect([run.thrown, run.errors]).toEqual([undefined, []]);
    expect(valuesOf(run, 'rabbitmq.')).toEqual({
      ...{ 'messages{ready}': 7, 'messages{unacknowledged}': 3 },
      ...{ 'objects{connections}': 1, 'objects{channels}': 2, 'objects{consumers}': 3 },
      ...{ 'objects{exchanges}': 4, 'objects{queues}': 5 },
      ...{ 'message.events{publish}': 100, 'message.events{ack}': 90 },
      ...{ 'node.running{rabbit@a}': 1, 'node.uptime{rabbit@a}': 86_400 },
      ...{ 'node.usage{rabbit@a,files}': 1, 'node.limit{rabbit@a,files}': 2 },
      ...{ 'node.usage{rabbit@a,sockets}': 3, 'node.limit{rabbit@a,sockets}': 4 },
      ...{ 'node.usage{rabbit@a,processes}': 5, 'node.limit{rabbit@a,processes}': 6 },
      ...{ 'node.memory.usage{rabbit@a}': 7, 'node.memory.limit{rabbit@a}': 8 },
      ...{ 'node.disk.free{rabbit@a}': 9, 'node.disk.limit{rabbit@a}': 10 },
      ...{ 'node.alarm{rabbit@a,memory}': 1, 'node.alarm{rabbit@a,disk}': 0 },
      ...{ 'node.partitions{rabbit@a}': 1, 'node.running{rabbit@b}': 0 },
      ...{ 'queue.messages{/,q,ready}': 2, 'queue.messages{/,q,unacknowledged}': 1 },
      ...{ 'queue.size{/,q}': 300, 'queue.consumers{/,q}': 4, 'queue.memory{/,q}': 5000 },
      'queue.message.events{/,q,redeliver}': 6,
    });
  });

  test('a queue that was not counted yet, a node of which nothing is known, and numbers that are none', async () => {
    const odd = [
      { name: 'new', vhost: '/' },
      { name: 'odd', vhost: '/', consumers: 'many' },
    ];
    const nodes = [{ name: 'rabbit@a' }, { name: 'rabbit@b', running: 'well' }];
    const { url } = await managed({ overview: { queue_totals: 'none' }, nodes, queues: odd });
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

  test('whatever is in an answer, only numbers come of it', async () => {
    const { server, url } = await managed({});
    const messages = ['messages', 'messages_ready', 'message_bytes', 'consumers', 'memory'];
    const answer = oddObject({
      name: fc.constant('"a"'),
      vhost: fc.constant('"/"'),
      ...oddMembers(...messages, 'running', 'uptime', 'fd_used', 'mem_used', 'mem_alarm'),
      queue_totals: oddNumbers('messages_ready'),
      message_stats: oddNumbers('publish', 'ack'),
      partitions: oddNumbers(),
    });
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(answer, async (text) => {
        server.answer = ({ url = '' }, response) =>
          void response.end(url.includes('overview') ? text : `[${text}]`);
        const run = await asked(rabbitmq, { url });
        expect([run.thrown, run.errors]).toEqual([undefined, []]);
        expectSound(rabbitmq, run);
        seen += run.observations.length;
      }),
      { numRuns: 50 },
    );
    expect(seen).toBeGreaterThan(100);
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

describeWithPeer('rabbitmq', 'a real RabbitMQ', () => {
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
    // It counts each of these at times of its own.
    await vi.waitFor(
      async () => {
        values = valuesOf(await asked(rabbitmq, { url, ...login }), 'rabbitmq.');
        expect(values).toMatchObject({
          ...{ 'queue.messages{/,jobs,unacknowledged}': 3, 'queue.messages{/,jobs,ready}': 0 },
          ...{ 'queue.consumers{/,jobs}': 1, 'queue.size{/,jobs}': 12 },
          ...{ 'queue.message.events{/,jobs,publish}': 3 },
          ...{ 'messages{unacknowledged}': 3, 'objects{queues}': 1, 'objects{consumers}': 1 },
        });
      },
      { timeout: 20_000, interval: 100 },
    );
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
});
