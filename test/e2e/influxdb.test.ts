/** What reaches a real InfluxDB over the http handler, and what it says of what does not. */
import type { Point, z } from 'cullinan/plugin';
import { influxKey, influxLine } from 'cullinan/wire/influx';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import http from '../../handlers/http.ts';
import { systemClock } from '../../src/clock/index.ts';
import type { Handler } from '../../src/plugin/index.ts';
import { around, delivery, points } from '../support/delivery.ts';
import { InfluxDb } from '../support/influxdb.ts';
import { describeWithPeer } from '../support/peers.ts';
import { point } from '../support/points.ts';
import { RunningAgent } from '../support/running.ts';
import { Certificates } from '../support/tls.ts';

const forever = new AbortController().signal;
const parsed = (given: z.input<typeof http.options>) =>
  http.options.parse({ format: 'influx', ...given });
const open = (given: z.input<typeof http.options>) =>
  http.open({ options: parsed(given), signal: forever, ...around });

/** Points that can be told apart by their time. */
const some = (path: string, count: number): Point[] =>
  points(0, count, path).map((each, i) => ({ ...each, time: 1_795_219_200 + i }));

describeWithPeer('influxdb', 'with a real InfluxDB', () => {
  let server: InfluxDb;
  beforeAll(async () => {
    server = await InfluxDb.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('what is queried is what was sent: names, labels, numbers, times', async () => {
    const connection = await open({ url: server.url });
    const labels = { device: 'sda', mountpoint: '/mnt/a b,c=d', none: '' };
    await connection.write(
      [
        point('system.disk.io', { labels, value: 0.1 + 0.2, time: 1_795_219_200.25 }),
        point('system.disk.io', { labels, value: -1e300, time: 1_795_219_201 }),
        point('system.disk.io', {
          labels,
          value: 12_345_678,
          time: 1_795_219_201,
          kind: 'counter',
        }),
      ],
      forever,
    );
    await connection.close();
    expect(await server.query('SELECT * FROM "system.disk.io"')).toEqual([
      {
        name: 'system.disk.io',
        columns: ['time', 'device', 'host', 'mountpoint', 'rate', 'value'],
        values: [
          [1_795_219_200_250, 'sda', 'web01', '/mnt/a b,c=d', null, 0.1 + 0.2],
          [1_795_219_201_000, 'sda', 'web01', '/mnt/a b,c=d', 12_345_678, -1e300],
        ],
      },
    ]);
  });

  test.each(['', '&precision=ns', '&precision=u', '&precision=ms', '&precision=s'])(
    'times are right with "%s"',
    async (more) => {
      const name = `precise${more}`;
      const connection = await open({ url: server.url + more, measurement: 'path', gzip: false });
      await connection.write(some(name, 3), forever);
      await connection.close();
      const [found] = await server.query(`SELECT * FROM "${name}"`);
      expect(found?.values).toEqual([
        [1_795_219_200_000, 0],
        [1_795_219_201_000, 1],
        [1_795_219_202_000, 2],
      ]);
    },
  );

  test('whatever a device is called, InfluxDB reads it as the codec means it', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const awkward = fc.string({
      unit: fc.constantFrom(...'ab,= \\"#\n\té'),
      minLength: 1,
      maxLength: 8,
    });
    const values = fc.uniqueArray(fc.oneof(text, awkward), { minLength: 200, maxLength: 200 });
    const [names = []] = fc.sample(values, { numRuns: 1, seed: 7 });
    const said = (name: string) =>
      name.replace(/[\p{Cc}\u2028\u2029]/gu, '?').replace(/\\(?=[, ="\\]|$)/g, '?');
    const connection = await open({ url: server.url });
    const batch = names.map((name, i) =>
      point('awkward', { labels: { id: `${i}`, device: name }, value: i }),
    );
    await connection.write(batch, forever);
    await connection.close();
    const [found] = await server.query('SELECT device, id, value FROM awkward');
    const back = new Map(found?.values.map(([, device, , value]) => [value, device]));
    expect(names.map((_, i) => back.get(i))).toEqual(names.map(said));
  });

  test('measurements too, and numbers of every size, integers among them', async () => {
    const name = 'a b,c=d"e';
    const lines = [1e21, 5e-324, -0, 2 ** 53].map((value, i) =>
      influxLine(influxKey(name, { host: 'h' }), 'v', value, 1e9 + i, 's'),
    );
    lines.push(influxLine(influxKey(name, {}), 'n', 2n ** 62n, 1e9, 's'));
    const url = `${server.url}&precision=s`;
    const answer = await fetch(url, { method: 'POST', body: lines.join('') });
    expect(answer.status).toBe(204);
    const [found] = await server.query('SELECT v FROM /a b/');
    expect(found?.name).toBe(name);
    expect(found?.values.map(([, v]) => v)).toEqual([1e21, 5e-324, 0, 2 ** 53]);
  });

  test('a batch that it refuses is dropped with what it says, and the next is taken', async () => {
    const connection = await open({ url: server.url, measurement: 'path' });
    const write = (value: string) => fetch(server.url, { method: 'POST', body: `text v=${value}` });
    expect((await write('"a"')).status).toBe(204);
    const other = points(0, 1, 'text').map((each) => ({
      ...each,
      name: { ...each.name, path: 'x'.repeat(70_000) },
    }));
    await expect(connection.write(other, forever)).rejects.toThrow(
      `http://localhost:${server.port}/write?db=metrics refuses it with status 400: `,
    );
    const long = Array.from({ length: 400 }, (_, i) => point('y'.repeat(5000) + i)).map((each) => ({
      ...each,
      name: { ...each.name, path: each.name.series.metric.name },
    }));
    const plain = await open({ url: server.url, gzip: false, measurement: 'path' });
    await expect(plain.write(long, forever)).rejects.toThrow(
      'status 413: Request Entity Too Large',
    );
    await connection.write(some('after', 1), forever);
    expect(await server.query('SELECT * FROM after')).toHaveLength(1);
    await connection.close();
    await plain.close();
  });

  test('of a batch with one point that it cannot take, the others are delivered', async () => {
    await fetch(server.url, { method: 'POST', body: 'typed v="text"\ntyped value="text"' });
    const { delivery: it, notes } = delivery(systemClock, {
      handler: http as unknown as Handler,
      options: parsed({ url: server.url, measurement: 'path' }),
    });
    it.offer([...some('partly', 5), ...some('typed', 2)]);
    it.flush();
    expect(await it.stop('shutdown', 5000)).toEqual({ left: 0 });
    expect(it.status()).toMatchObject({ observed: 7, delivered: 5, dropped: { unsendable: 2 } });
    expect(notes.said[0]).toMatch(/field type conflict.*2 points were dropped/);
    expect((await server.query('SELECT * FROM partly'))[0]?.values).toHaveLength(5);
  });

  test('says what to do about a database that is not there', async () => {
    const url = `http://localhost:${server.port}/write?db=other&p=secret`;
    const connection = await open({ url });
    await expect(connection.write(some('a', 1), forever)).rejects.toThrow(
      `http://localhost:${server.port}/write?db=other answers with status 404: database not found: "other". ` +
        'Check the path of "url", and create db "other" if it is not there.',
    );
  });

  test('killed and started again, it has every point that was delivered', async () => {
    await using mortal = await InfluxDb.start();
    const { delivery: it } = delivery(systemClock, {
      handler: http as unknown as Handler,
      options: parsed({ url: mortal.url, measurement: 'path' }),
      queue: { samples: 10_000, bytes: 1e7 },
      backoff: { least: 0.05, most: 0.2 },
    });
    let sent = 0;
    const tick = () => {
      it.offer(points(sent, sent + 100, 'n').map((each, i) => ({ ...each, time: 1e9 + sent + i })));
      sent += 100;
      it.flush();
    };
    for (let round = 0; round < 4; round += 1) {
      for (let i = 0; i < 10; i += 1) tick();
      const killed = mortal.kill();
      for (let i = 0; i < 5; i += 1) tick();
      await killed;
      await vi.waitFor(() => expect(it.status().failures).toBeGreaterThan(round));
      await mortal.restart();
    }
    expect(await it.stop('shutdown', 10_000)).toEqual({ left: 0 });
    expect(it.status()).toMatchObject({ observed: sent, delivered: sent });
    expect(it.status().failures).toBeGreaterThan(3);
    const [found] = await mortal.query('SELECT count(value) FROM n');
    expect(found?.values[0]?.[1]).toBe(sent);
  });

  test('the program writes what it observes', async () => {
    await using agent = new RunningAgent({
      subject: `{ type: http, url: "${server.url}", format: influx, measurement: path, prefix: '', dialect: diamond, counters: rates }`,
    });
    await agent.ticks(3);
    const books = (await agent.stop()).get('subject');
    expect(books?.delivered).toBeGreaterThan(100);
    expect(books?.delivered).toBe(books?.observed);
    const [path = '', archived] =
      [...agent.archived()].find(([each]) => each.endsWith('.loadavg.01')) ?? [];
    expect(archived?.size).toBeGreaterThanOrEqual(2);
    const [found] = await server.query(`SELECT value FROM "${path}"`);
    expect(new Map(found?.values.map(([time, value]) => [Number(time) / 1000, value]))).toEqual(
      archived,
    );
  });
});

describeWithPeer('influxdb', 'with a real InfluxDB that is careful', () => {
  test('logs in, and says whose password is wrong', async () => {
    await using server = await InfluxDb.start({ login: ['agent', 'secret'] });
    const { url, port } = server;
    const login = { username: 'agent', password: 'secret' };
    const connection = await open({ url, measurement: 'path', ...login });
    await connection.write(some('known', 1), forever);
    await connection.close();
    expect(await server.query('SELECT * FROM known')).toHaveLength(1);
    const refused = async (given: Partial<z.input<typeof http.options>>) => {
      const connection = await open({ url, ...given });
      await connection.write(some('a', 1), forever);
    };
    await expect(refused({ ...login, password: 'wrong' })).rejects.toThrow(
      `http://localhost:${port}/write?db=metrics answers with status 401: authorization failed. Check username "agent" and its password.`,
    );
    await expect(refused({})).rejects.toThrow('It wants a login: set "username" and "password"');
    await server.query("CREATE USER reader WITH PASSWORD 'secret'", true);
    await expect(refused({ username: 'reader', password: 'secret' })).rejects.toThrow(
      'status 403: "reader" user is not authorized to write to database "metrics". It does not let username "reader" write there.',
    );
  });

  describe('over TLS', () => {
    test('is told by its certificate', async () => {
      using certificates = new Certificates();
      const ca = certificates.ours.cert;
      const pair = { ...certificates.ours.issue('localhost'), ca };
      await using server = await InfluxDb.start({ pair });
      const connection = await open({ url: server.url, tls: { ca }, measurement: 'path' });
      await connection.write(some('safe', 2), forever);
      await connection.write(some('safe', 3), forever);
      await connection.close();
      await vi.waitFor(async () => {
        const [found] = await server.query('SELECT * FROM safe');
        expect(found?.values).toHaveLength(3);
      });
      await expect(open({ url: server.url })).rejects.toThrow(
        `localhost:${server.port}: its certificate is vouched for by nobody who is trusted here. Set tls.ca`,
      );
      await expect(open({ url: server.url.replace('https', 'http') })).resolves.toBeDefined();
    });
  });
});
