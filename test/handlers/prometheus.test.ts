import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import type { Connection, Point, z } from 'cullinan/plugin';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import prometheus, { Page } from '../../handlers/prometheus.ts';
import { freePort } from '../support/carbon.ts';
import { SimulatedClock } from '../support/clock.ts';
import { around, points } from '../support/delivery.ts';
import { describeWithPeer } from '../support/peers.ts';
import { Prometheus } from '../support/prometheus.ts';
import { RunningAgent } from '../support/running.ts';

const running: Connection[] = [];
afterEach(async () => {
  for (const it of running.splice(0)) await it.close();
});

async function page(given: z.input<typeof prometheus.options> = {}, clock = around.clock) {
  const port = await freePort();
  const options = prometheus.options.parse({ port, ...given });
  const signal = new AbortController().signal;
  const connection = await prometheus.open({ options, signal, ...around, clock });
  running.push(connection);
  const get = (path = '/metrics', init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, init);
  const show = (...batch: Point[]) => connection.write(batch, signal);
  return { port, get, show, connection };
}

const at = (path: string, value: number, time = Date.now() / 1000): Point => {
  const [point] = points(0, 1, path);
  if (point === undefined) throw new Error('no point');
  return { ...point, value, time };
};

describe('the page', () => {
  test('does not grow while nobody reads it, even if the clock is set back', () => {
    const page = new Page(prometheus.options.parse({}));
    let most = 0;
    for (const began of [1e9, 0]) {
      for (let tick = 0; tick < 500; tick += 1) {
        const now = began + 10 * tick;
        page.put([at(`short-lived${now}`, 1, now), at('steady', tick, now)], now);
        most = Math.max(most, page.size);
      }
    }
    expect(most).toBeLessThan(100);
    expect(page.render(5000, 'text')).toContain('steady 499');
  });

  test('has every series as it was last observed', async () => {
    const { get, show } = await page();
    await show(at('a', 1), at('b{c="d"}', 2));
    await show(at('a', 3));
    const response = await get();
    expect(response.headers.get('content-type')).toContain('version=0.0.4');
    expect(await response.text()).toMatch(
      /^# HELP a .*\n# TYPE a gauge\na 3\n# HELP b .*\n.*\nb\{c="d"\} 2\n$/,
    );
  });

  test('forgets a series that is not observed any more, at its own pace', async () => {
    const clock = new SimulatedClock();
    const { get, show } = await page({}, clock);
    const now = () => clock.now() / 1000;
    await show(at('quick', 1, now()), at('slow', 1, now()));
    clock.advance(60_000);
    await show(at('slow', 2, now()));
    clock.advance(100_000);
    expect(await (await get()).text()).not.toContain('quick');
    expect(await (await get()).text()).toContain('slow 2');
    clock.advance(100_000);
    expect(await (await get()).text()).not.toContain('slow');
  });

  test('is compressed, or OpenMetrics, for who asks for it', async () => {
    const { get, show } = await page();
    await show(...Array.from({ length: 100 }, (_, i) => at(`series_${i}`, i)));
    const accept = 'application/openmetrics-text; version=1.0.0,text/plain;q=0.5';
    const response = await get('/metrics', { headers: { accept } });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(response.headers.get('content-type')).toContain('application/openmetrics-text');
    expect((await response.text()).endsWith('# EOF\n')).toBe(true);
  });

  test.each([
    ['application/openmetrics-text;q=0', 'text/plain'],
    ['application/openmetrics-text;version=1.0.0;q=0.1, text/plain;q=0.9', 'text/plain'],
    ['text/plain;q=0.5, Application/OpenMetrics-Text;q=0.7', 'application/openmetrics-text'],
    ['*/*', 'text/plain'],
  ])('is what the reader likes best: %s', async (accept, type) => {
    const { get, show } = await page();
    await show(...Array.from({ length: 100 }, (_, i) => at(`series_${i}`, i)));
    const headers = { accept, 'accept-encoding': 'gzip;q=0' };
    const response = await get('/metrics', { headers });
    expect(response.headers.get('content-type')).toContain(type);
    expect(response.headers.get('content-encoding')).toBeNull();
  });

  test('is for those who log in, where that is wanted', async () => {
    const login = { username: 'reader', password: 'secret', token: 'abc' };
    const { get } = await page(login);
    const as = async (authorization: string) =>
      (await get('/metrics', { headers: { authorization } })).status;
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    expect((await get()).status).toBe(401);
    expect((await get('/-/healthy')).status).toBe(200);
    expect(await as(basic('reader:secret'))).toBe(200);
    expect(await as('Bearer abc')).toBe(200);
    expect(await as(basic('reader:wrong'))).toBe(401);
    expect(await as('Bearer abcd')).toBe(401);
  });

  test('answers nothing but GET and HEAD, and no other path', async () => {
    const { get } = await page();
    expect((await get('/')).status).toBe(404);
    expect((await get('/metrics', { method: 'POST', body: 'x' })).status).toBe(405);
    expect(await (await get('/metrics', { method: 'HEAD' })).text()).toBe('');
  });

  test('outlives whatever is said to it', async () => {
    const { port, get } = await page({ connections: 8 });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.end(bytes);
        socket.resume();
        await new Promise((resolve) => socket.once('close', resolve));
      }),
      { numRuns: 50 },
    );
    expect((await get()).status).toBe(200);
  });

  test('says who is in the way of its port', async () => {
    const { port } = await page();
    await expect(page({ port })).rejects.toThrow(
      `127.0.0.1:${port} cannot be listened on (EADDRINUSE). Another program listens there`,
    );
  });
});

describeWithPeer('prometheus', 'with a real Prometheus', () => {
  test('is scraped, every sample of it, and promtool can read it', async () => {
    const port = await freePort();
    await using agent = new RunningAgent({ subject: `{ type: prometheus, port: ${port} }` });
    await using server = await Prometheus.scraping(port);
    await agent.ticks(3);
    await expect.poll(() => server.query('up'), { timeout: 15_000 }).toEqual([1]);
    await expect
      .poll(async () => (await server.query('rate(node_cpu_seconds_total[10s])')).length, {
        timeout: 15_000,
      })
      .toBeGreaterThan(3);
    expect(await server.query('count(node_load1)')).toEqual([1]);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    // Its complaints about names are about node_exporter's; what it cannot parse is an error.
    const said = execFileSync('sh', ['-c', 'promtool check metrics 2>&1 || true'], {
      input: text,
      encoding: 'utf8',
    });
    expect(said).not.toMatch(/error while linting|parsing/);
    const [samples] = await server.query('scrape_samples_scraped');
    expect(samples).toBe(text.split('\n').filter((line) => /^[a-z]/.test(line)).length);
  });
});
