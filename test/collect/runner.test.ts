import { describe, expect, test } from 'vitest';
import type { Collection } from '../../src/collect/index.ts';
import { liveHost } from '../../src/host/index.ts';
import {
  AccessDenied,
  bytes,
  type CollectContext,
  type Collected,
  type Collector,
  count,
  counter,
  defineCollector,
  delta,
  gauge,
  NoData,
  type Observation,
  ParseError,
  z,
} from '../../src/plugin/index.ts';
import { runnerFor, spelled } from '../support/runner.ts';

const labels = ['device'] as const;
const metrics = {
  io: counter('test.io', { unit: 'bytes', labels, help: 'Bytes moved.' }),
  level: gauge('test.level', { unit: 'count', help: 'A level.' }),
  lines: delta('test.lines', { unit: 'count', help: 'Lines since the tick before.' }),
};
const host = liveHost({});
const never = gauge('test.undeclared', { unit: 'count', help: 'Declared by nobody.' });

/** A collector that does what the test says, one script per collection, the last one for ever. */
function scripted(...scripts: ((context: CollectContext) => Collected)[]): Collector {
  let run = 0;
  return defineCollector({
    name: 'scripted',
    summary: 'Does what the test says.',
    source: 'the test',
    options: z.strictObject({}),
    metrics,
    collect: (context) => {
      const script = scripts[Math.min(run, scripts.length - 1)];
      run += 1;
      if (script === undefined) throw new Error('no script');
      return script(context);
    },
  });
}

const io = (device: string, n: number): Observation => metrics.io.observe(bytes(n), { device });
const atOnce = (collected: Collection | Promise<Collection>): Collection => {
  if (collected instanceof Promise) throw new Error('a synchronous collector answers at once');
  return collected;
};

describe('a collection', () => {
  test('stamps every sample with the host and the tick', () => {
    const { runner } = runnerFor(
      scripted(() => [io('sda', 5), metrics.level.observe(count(1))]),
      host,
    );
    const { outcome, samples } = atOnce(runner.run(1_767_225_600));
    expect(outcome).toBe('ok');
    expect(samples.map(({ time, series }) => [time, series.host])).toEqual([
      [1_767_225_600, 'web01'],
      [1_767_225_600, 'web01'],
    ]);
  });

  test('keeps the host and the time that a collector speaks for', () => {
    const elsewhere = { host: 'guest7', time: 1000 };
    const { runner } = runnerFor(
      scripted(() => [metrics.io.observe(bytes(1), { device: 'vda' }, elsewhere)]),
      host,
    );
    const [sample] = atOnce(runner.run(2000)).samples;
    expect([sample?.series.host, sample?.time]).toEqual(['guest7', 1000]);
  });

  test('measures growth on the monotonic clock, not by the stamps', () => {
    const { runner, clock } = runnerFor(
      scripted(
        () => [io('sda', 100)],
        () => [io('sda', 400)],
      ),
      host,
    );
    atOnce(runner.run(0));
    clock.advance(12_000);
    expect(spelled(atOnce(runner.run(10)))).toEqual(['test.io{sda} 400 +300/12s']);
  });

  test('gives no growth at a reset, counts it, and goes on from there', () => {
    const { runner, clock } = runnerFor(
      scripted(
        () => [io('eth0', 900)],
        () => [io('eth0', 5)],
        () => [io('eth0', 8)],
      ),
      host,
    );
    const lines = [0, 10, 20].flatMap((time) => {
      const collection = atOnce(runner.run(time));
      clock.advance(10_000);
      return spelled(collection);
    });
    expect(lines).toEqual(['test.io{eth0} 900', 'test.io{eth0} 5', 'test.io{eth0} 8 +3/10s']);
    expect(runner.counterResets).toBe(1);
  });

  test('hands a delta on as the growth it is', () => {
    const { runner, clock } = runnerFor(
      scripted(() => [metrics.lines.observe(count(30))]),
      host,
    );
    atOnce(runner.run(0));
    clock.advance(10_000);
    expect(spelled(atOnce(runner.run(10)))).toEqual(['test.lines{} 30 +30/10s']);
  });
});

describe('series', () => {
  test('are the same objects from tick to tick, whatever order devices come in', () => {
    const orders = [
      ['a', 'b', 'c', 'd'],
      ['a', 'c', 'd'],
      ['d', 'b', 'a', 'x', 'c'],
      ['a', 'b', 'c', 'd'],
    ];
    const { runner } = runnerFor(
      scripted(...orders.map((devices) => () => devices.map((device) => io(device, 1)))),
      host,
    );
    const known = new Map<string, unknown>();
    for (const [time] of orders.entries()) {
      for (const { series } of atOnce(runner.run(time)).samples) {
        const device = series.labels['device'] as string;
        expect(known.get(device) ?? series).toBe(series);
        known.set(device, series);
      }
    }
    expect(new Set([...known.values()].map((series) => (series as { id: number }).id)).size).toBe(
      5,
    );
    expect(runner.status.series).toBe(5);
  });

  test('end when their device has been gone for long, and their ids are used again', () => {
    let device = 'veth0';
    const { runner } = runnerFor(
      scripted(() => [io('eth0', 1), io(device, 1)]),
      host,
    );
    const ids = new Set<number>();
    for (let tick = 0; tick < 2000; tick += 1) {
      device = `veth${Math.floor(tick / 5)}`;
      for (const { series } of atOnce(runner.run(tick)).samples) ids.add(series.id);
    }
    expect(runner.status.series).toBeLessThan(20);
    expect(ids.size).toBeLessThan(30);
  });

  test('beyond the cap on new ones are left out, counted and said; old ones live on', () => {
    let devices = 3;
    const { runner, clock, report } = runnerFor(
      scripted(() => Array.from({ length: devices }, (_, i) => io(`d${i}`, 1))),
      host,
      { newSeriesPerHour: 5 },
    );
    atOnce(runner.run(0));
    devices = 10;
    expect(atOnce(runner.run(10)).samples).toHaveLength(5);
    expect(runner.status.refused).toBe(5);
    expect(report.said).toHaveLength(1);
    expect(report.said[0]?.trouble.remedy).toContain('newSeriesPerHour');
    devices = 5;
    atOnce(runner.run(20));
    expect(report.said).toHaveLength(1);
    expect(report.recoveries).toEqual(['collector scripted series']);
    devices = 10;
    clock.advance(3_600_000);
    expect(atOnce(runner.run(3620)).samples).toHaveLength(10);
  });

  test('observed twice in one collection, or undeclared, are a bug that is said', () => {
    const twice = runnerFor(
      scripted(() => [io('sda', 1), io('sda', 2)]),
      host,
    );
    expect(atOnce(twice.runner.run(0)).outcome).toBe('partial');
    expect(String(twice.report.said[0]?.trouble.error)).toContain(
      'observed test.io{device="sda"} twice',
    );
    const undeclared = runnerFor(
      scripted(() => [never.observe(count(1))]),
      host,
    );
    expect(atOnce(undeclared.runner.run(0)).outcome).toBe('failed');
  });

  test('never carry a value that is no number', () => {
    const { runner } = runnerFor(
      scripted(() => [io('sda', Number.NaN), io('sdb', Number.POSITIVE_INFINITY), io('sdc', 1)]),
      host,
    );
    expect(spelled(atOnce(runner.run(0)))).toEqual(['test.io{sdc} 1']);
  });

  test('never carry a host that is no name, or a time that is none, whatever a plugin without types yields', () => {
    const given = [
      { host: 5 },
      { host: null },
      { host: '' },
      { time: 'now' },
      { time: Number.NaN },
      { time: -1 },
      { time: 1_795_000_000_000 },
    ];
    const { runner, report } = runnerFor(
      scripted(() => [
        ...given.map((more, i) => ({ ...io(`d${i}`, 1), ...more }) as Observation),
        { ...io('fine', 1), host: 'db01', time: 1_795_000_000 },
      ]),
      host,
    );
    const collection = atOnce(runner.run(0));
    expect(spelled(collection)).toEqual(['test.io{fine} 1']);
    expect(collection.outcome).toBe('partial');
    const said = report.said.map(({ trouble }) => String(trouble.error));
    expect(said).toContainEqual(expect.stringContaining('of a host that is no name'));
    expect(said).not.toContainEqual(expect.stringContaining('TypeError'));
    expect(said).toContainEqual(
      expect.stringContaining(
        'test.io{device="d6"} at 1795000000000, which is no time in seconds since 1970',
      ),
    );
  });
});

describe('outcomes', () => {
  const thrown = (error: Error) => () => {
    throw error;
  };
  test.each([
    ['ok', () => [io('sda', 1)]],
    ['ok', () => []],
    ['partial', () => [io('sda', 1), new ParseError('line 2')]],
    ['no-data', thrown(new NoData('no such file'))],
    ['failed', thrown(new ParseError('line 1'))],
    ['failed', thrown(new AccessDenied('/proc/x'))],
    ['failed', thrown(new TypeError('a bug'))],
    ['failed', () => [new ParseError('line 1')]],
  ] as const)('%s', (outcome, script) => {
    const { runner } = runnerFor(scripted(script), host);
    expect(atOnce(runner.run(0)).outcome).toBe(outcome);
    expect(runner.status.outcomes[outcome]).toBe(1);
  });

  test('what was observed before a failure is kept', () => {
    const { runner } = runnerFor(
      scripted(function* () {
        yield io('sda', 1);
        throw new ParseError('line 2');
      }),
      host,
    );
    const collection = atOnce(runner.run(0));
    expect([collection.outcome, collection.samples.length]).toEqual(['partial', 1]);
  });

  test('absence is said as information, a problem as a problem; the end of either is said', () => {
    const { runner, report } = runnerFor(
      scripted(thrown(new NoData('absent')), thrown(new ParseError('line 1')), () => [
        io('sda', 1),
      ]),
      host,
    );
    atOnce(runner.run(0));
    expect(report.said.map(({ trouble }) => trouble.absent)).toEqual([true]);
    atOnce(runner.run(10));
    expect(report.said.map(({ trouble }) => trouble.absent)).toEqual([true, false]);
    atOnce(runner.run(20));
    expect(report.recoveries).toEqual(['collector scripted line 1']);
    expect(report.standing).toBeUndefined();
  });

  test('one of several that is absent is not said; that all are is, as information', () => {
    const gone = (server: string) => new NoData(`${server}: nobody listens`);
    const { runner, report } = runnerFor(
      scripted(
        () => [io('sda', 1), gone('a')],
        () => [gone('a'), gone('b')],
      ),
      host,
    );
    expect(atOnce(runner.run(0)).outcome).toBe('partial');
    expect(report.said).toEqual([]);
    expect(atOnce(runner.run(10)).outcome).toBe('no-data');
    expect(report.said.map(({ trouble }) => trouble.absent)).toContain(true);
    expect(report.said.map(({ trouble }) => trouble.absent)).not.toContain(false);
  });

  test('problems of different kinds are told apart, those of one kind are not', () => {
    const bad = (device: string) => new ParseError(`line 4: "${device}" is 17 columns short`);
    const { runner, report } = runnerFor(
      scripted(
        () => [io('sda', 1), bad('sdb'), bad('sdc'), new Error('another')],
        () => [io('sda', 1), bad('sdd')],
        () => [io('sda', 1)],
      ),
      host,
    );
    atOnce(runner.run(0));
    expect(report.said.map(({ trouble }) => trouble.effect)).toEqual([
      'This tick has only a part of the scripted samples. 1 more like it.',
      'This tick has only a part of the scripted samples.',
    ]);
    atOnce(runner.run(10));
    expect(report.recoveries).toEqual(['collector scripted another']);
    atOnce(runner.run(20));
    expect(report.recoveries).toHaveLength(2);
  });

  test('what broke in ever new ways is bounded in what it says', () => {
    const { runner, report } = runnerFor(
      scripted(() =>
        Array.from(
          { length: 1000 },
          (_, i) => new Error(`broken ${String.fromCharCode(97 + (i % 26))}${'x'.repeat(i % 40)}`),
        ),
      ),
      host,
    );
    atOnce(runner.run(0));
    expect(report.said.length).toBeLessThanOrEqual(9);
  });

  test('a device that had gone for a collection has no growth when it is back', () => {
    const { runner, clock } = runnerFor(
      scripted(
        () => [io('eth0', 1), io('eth1', 1_000_000)],
        () => [io('eth0', 2)],
        () => [io('eth0', 3), io('eth1', 601_000_000)],
        () => [io('eth0', 4), io('eth1', 601_000_005)],
      ),
      host,
    );
    const lines = [0, 1, 2, 3].map((time) => {
      const collection = spelled(atOnce(runner.run(time)));
      clock.advance(1000);
      return collection;
    });
    expect(lines[2]).toEqual(['test.io{eth0} 3 +1/1s', 'test.io{eth1} 601000000']);
    expect(lines[3]).toEqual(['test.io{eth0} 4 +1/1s', 'test.io{eth1} 601000005 +5/1s']);
  });

  test('a collection that failed does not make everything new', () => {
    const { runner, clock } = runnerFor(
      scripted(
        () => [io('eth0', 10)],
        thrown(new ParseError('line 1')),
        () => [io('eth0', 30)],
      ),
      host,
    );
    const lines = [0, 1, 2].map((time) => {
      const collection = spelled(atOnce(runner.run(time)));
      clock.advance(1000);
      return collection;
    });
    expect(lines[2]).toEqual(['test.io{eth0} 30 +20/2s']);
  });

  test('a refused file says what to do', () => {
    const { runner, report } = runnerFor(scripted(thrown(new AccessDenied('/proc/x'))), host);
    atOnce(runner.run(0));
    expect(report.said[0]?.trouble.remedy).toContain('collectors.scripted.enabled to false');
  });

  test('what was wrong with a collector stands no longer than it lives', async () => {
    const { runner, report } = runnerFor(scripted(thrown(new AccessDenied('/proc/x'))), host);
    atOnce(runner.run(0));
    expect(report.standing).toContain('collector scripted');
    await runner.close();
    expect(report.standing).toBeUndefined();
  });
});

describe('a deadline', () => {
  test('aborts the signal; what was there by then is kept, and the rest says what hung', async () => {
    const { runner, clock } = runnerFor(
      scripted(async function* ({ signal }) {
        yield io('sda', 1);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        yield new ParseError('sdb hung');
      }),
      host,
    );
    const collection = runner.run(0);
    await clock.run(6000);
    expect(await collection).toMatchObject({ outcome: 'partial', samples: [{ value: 1 }] });
  });

  test('a collection that ignores it is left behind, and the next are skipped until it ends', async () => {
    let release = (): void => {};
    const { runner, clock, report } = runnerFor(
      scripted(
        async function* () {
          yield io('sda', 1);
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          yield io('sdb', 1);
        },
        () => [io('sda', 2)],
      ),
      host,
    );
    const collection = runner.run(0);
    await clock.run(6000);
    expect(await collection).toMatchObject({ outcome: 'timed-out', samples: [{ value: 1 }] });
    expect(report.said).toHaveLength(1);
    expect(atOnce(runner.run(10)).outcome).toBe('skipped');
    release();
    await clock.run(0);
    expect(atOnce(runner.run(20)).outcome).toBe('ok');
    expect(report.recoveries).toHaveLength(1);
  });
});

describe('a session', () => {
  test('is opened once and closed once', async () => {
    const calls: string[] = [];
    const collector = defineCollector({
      name: 'session',
      summary: 'Keeps something.',
      source: 'the test',
      options: z.strictObject({}),
      metrics,
      open: () => {
        calls.push('open');
        let n = 0;
        return {
          collect: () => {
            n += 1;
            return [metrics.level.observe(count(n))];
          },
          close: () => void calls.push('close'),
        };
      },
    });
    const { runner } = runnerFor(collector, host);
    expect(spelled(atOnce(runner.run(0)))).toEqual(['test.level{} 1']);
    expect(spelled(atOnce(runner.run(10)))).toEqual(['test.level{} 2']);
    await runner.close();
    expect(calls).toEqual(['open', 'close']);
  });

  test('that cannot be opened fails that tick and is tried again', async () => {
    let attempts = 0;
    const collector = defineCollector({
      name: 'session',
      summary: 'Opens at the second attempt.',
      source: 'the test',
      options: z.strictObject({}),
      metrics,
      open: async () => {
        attempts += 1;
        if (attempts === 1) throw new Error('not yet');
        return { collect: () => [metrics.level.observe(count(1))], close: () => {} };
      },
    });
    const { runner } = runnerFor(collector, host);
    expect((await runner.run(0)).outcome).toBe('failed');
    expect((await runner.run(10)).outcome).toBe('ok');
  });
});
