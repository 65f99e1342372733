import type { Handler, Point, z } from 'cullinan/plugin';
import { ProtobufWriter } from 'cullinan/wire/protobuf';
import { describe, expect, test } from 'vitest';
import otlp, { otlpPoint } from '../../handlers/otlp.ts';
import { systemClock } from '../../src/clock/index.ts';
import { around, delivery, points } from '../support/delivery.ts';
import { HttpServer } from '../support/http.ts';
import { type PointFacts, point } from '../support/points.ts';

const forever = new AbortController().signal;
const open = ({ port }: HttpServer, given: z.input<typeof otlp.options> = {}) => {
  const options = otlp.options.parse({ url: `http://127.0.0.1:${port}/v1/metrics`, ...given });
  return otlp.open({ options, signal: forever, ...around });
};

/** Points of one series, one after the other. */
function over(facts: PointFacts, ...values: readonly (readonly [time: number, value: number])[]) {
  const { name } = point('m', facts);
  return values.map(([time, value]): Point => ({ name, time, value }));
}

const startsOf = (of: readonly Point[]) => of.map((each) => otlpPoint(each).start);
const total = { kind: 'counter', reading: 'value' } as const;

describe('the start of a sum', () => {
  test('is where a total was first seen, and the point before a reset', () => {
    const of = over(total, [10, 5], [20, 6], [30, 6], [40, 1], [50, 2]);
    expect(startsOf(of)).toEqual([10, 10, 10, 30, 30]);
  });

  test('is not changed by a point that is sent again, or late', () => {
    const of = over(total, [10, 5], [20, 6], [20, 6], [10, 5], [5, 1], [30, 7]);
    expect(startsOf(of)).toEqual([10, 10, 10, 10, 5, 10]);
  });

  test('is the point before, where it is an amount since then', () => {
    const of = over({ kind: 'delta' }, [10, 5], [20, 1], [30, 9]);
    expect(startsOf(of)).toEqual([10, 10, 20]);
    expect(of.map((each) => otlpPoint(each).metric.kind)).toEqual(['delta', 'delta', 'delta']);
  });

  test('is nothing to a gauge, and a rate is one', () => {
    expect(startsOf(over({}, [10, 5], [20, 1]))).toEqual([undefined, undefined]);
    const [rate] = over({ kind: 'counter', unit: 'B', reading: 'rate' }, [10, 5]);
    expect(rate && otlpPoint(rate).metric).toMatchObject({ kind: 'gauge', unit: 'By/s' });
  });
});

test.each([
  ['B', 'By'],
  ['s', 's'],
  ['1', '1'],
  ['n', '{count}'],
] as const)('the unit %s is %s in UCUM', (unit, ucum) => {
  expect(otlpPoint(point('m', { unit })).metric).toMatchObject({
    name: 'm',
    unit: ucum,
    description: 'For a test.',
  });
});

test('a value in a unit of its dialect has none', () => {
  expect(otlpPoint(point('m', { unit: 'B', scale: 1 / 1024 })).metric.unit).toBe('');
});

describe('a receiver', () => {
  test('is sent protocol buffers, compressed, with the resource that was asked for', async () => {
    await using server = await HttpServer.listen();
    const resource = { 'service.name': 'hosts', 'deployment.environment': 'test' };
    const headers = { 'x-api-key': 'abc' };
    const connection = await open(server, { resource, headers });
    await connection.write(points(0, 3), forever);
    await connection.close();
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'POST', url: '/v1/metrics' });
    expect(asked?.headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
      'x-api-key': 'abc',
    });
    for (const word of ['host.name', 'service.name', 'hosts', 'deployment.environment']) {
      expect(`${asked?.body}`).toContain(word);
    }
  });

  test('is sent JSON where it cannot read them', async () => {
    await using server = await HttpServer.listen();
    const connection = await open(server, { encoding: 'json', gzip: false });
    await connection.write([point('m', { host: 'a' }), point('m', { host: 'b' })], forever);
    await connection.close();
    const { headers, body } = server.asked[0] ?? {};
    expect(headers?.['content-type']).toBe('application/json');
    expect(JSON.parse(`${body}`).resourceMetrics).toMatchObject([
      {
        resource: {
          attributes: [
            { key: 'host.name', value: { stringValue: 'a' } },
            { key: 'service.name', value: { stringValue: 'cullinan' } },
          ],
        },
      },
      { resource: { attributes: [{ value: { stringValue: 'b' } }, {}] } },
    ]);
  });

  test.each(['protobuf', 'json'] as const)(
    'may not take some points of a batch (%s): they are counted',
    async (encoding) => {
      await using server = await HttpServer.listen();
      const partial = new ProtobufWriter().integer(1, 2).text(2, 'too old').finish();
      const answer =
        encoding === 'protobuf'
          ? new ProtobufWriter().bytes(1, partial).finish()
          : '{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"too old"}}';
      server.answer = (_, response) => response.writeHead(200).end(answer);
      const connection = await open(server, { encoding });
      await expect(connection.write(points(0, 5), forever)).rejects.toMatchObject({
        name: 'Unsendable',
        message: 'the receiver did not take 2 of 5 points: too old',
        points: 2,
      });
      const { delivery: it } = delivery(systemClock, {
        handler: otlp as unknown as Handler,
        options: otlp.options.parse({ encoding, url: `http://127.0.0.1:${server.port}/` }),
      });
      it.offer(points(0, 5));
      it.flush();
      await it.stop('shutdown', 5000);
      expect(it.status()).toMatchObject({ observed: 5, delivered: 3, dropped: { unsendable: 2 } });
      server.say(200, encoding === 'protobuf' ? '' : '{}');
      await connection.write(points(0, 5), forever);
      server.say(200, 'thank you');
      await connection.write(points(0, 5), forever);
      await connection.close();
    },
  );

  test('is quoted where it refuses', async () => {
    await using server = await HttpServer.listen();
    const status = new ProtobufWriter().integer(1, 3).text(2, 'no such field').finish();
    const type = { 'content-type': 'application/x-protobuf' };
    server.answer = (_, response) => response.writeHead(400, type).end(status);
    const connection = await open(server);
    await expect(connection.write(points(0, 1), forever)).rejects.toThrow(
      `http://127.0.0.1:${server.port}/v1/metrics refuses it with status 400: no such field.`,
    );
    server.say(401, 'invalid token');
    await expect(connection.write(points(0, 1), forever)).rejects.toThrow(
      'status 401: invalid token. It wants a login',
    );
  });
});
