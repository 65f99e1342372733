/** What the program sends over OTLP, as protoc reads it. */
import { expect, test } from 'vitest';
import { HttpServer } from '../support/http.ts';
import { readOtlp } from '../support/otlp.ts';
import { describeWithPeer } from '../support/peers.ts';
import { RunningAgent } from '../support/running.ts';

/** The data points of one metric in a request, and when a sum of it began. */
function pointsOf(request: string, metric: string) {
  const text = request.split('    metrics {\n').find((each) => each.includes(`name: "${metric}"`));
  const numbers = (field: string) =>
    [...(text ?? '').matchAll(new RegExp(`${field}: (\\S+)`, 'g'))].map(([, found]) =>
      Number(found),
    );
  const times = numbers(' time_unix_nano').map((nanos) => nanos / 1e9);
  const starts = numbers('start_time_unix_nano').map((nanos) => nanos / 1e9);
  return { text, times, starts, values: numbers('as_double') };
}

describeWithPeer('protoc', 'a receiver of OTLP', () => {
  test('gets every tick of the program, with the starts of its sums', async () => {
    await using server = await HttpServer.listen();
    await using agent = new RunningAgent({
      subject: `{ type: otlp, url: "http://127.0.0.1:${server.port}/v1/metrics" }`,
    });
    await agent.ticks(3);
    const { observed, delivered } = (await agent.stop()).get('subject') ?? {};
    expect(delivered).toBe(observed);
    const requests = await Promise.all(server.asked.map(({ body }) => readOtlp(body)));
    expect(requests.length).toBeGreaterThanOrEqual(3);
    const points = requests.reduce((sum, text) => sum + text.split('as_double').length - 1, 0);
    expect(points).toBe(observed);

    const loads = new Map(
      requests.flatMap((text) => {
        const { times, values } = pointsOf(text, 'system.cpu.load_average.1m');
        return times.map((time, i) => [time, values[i]]);
      }),
    );
    const [archived] = [...agent.archived()].flatMap(([path, of]) =>
      path.endsWith('.loadavg.01') ? [of] : [],
    );
    expect(loads).toEqual(archived);

    const sums = requests.map((text) => pointsOf(text, 'system.cpu.total.time'));
    expect(sums[0]?.text).toMatch(/unit: "s".*CUMULATIVE.*is_monotonic: true/s);
    const [first] = sums[0]?.times ?? [];
    // A tick that a busy machine was late for may have come in two requests, one of them without the CPUs.
    const starts = new Set(sums.flatMap((each) => each.starts));
    expect(starts).toEqual(new Set([first]));
  });
});
