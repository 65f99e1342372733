import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Draft, type Readings, samplesOf } from '../../src/columns/index.ts';
import type { Growth, Point, Sample, Series } from '../../src/metric/index.ts';
import { createNamer, type Dialect, dialects, type Spelling } from '../../src/naming/index.ts';
import { rarely } from '../support/rarely.ts';
import { NAMING, series } from './support.ts';

const sample = (of: Series, value: number, growth?: Growth): Sample => ({
  series: of,
  value,
  time: 1_700_000_000,
  growth,
});

function points(dialect: Dialect, of: Sample): Point[] {
  const into: Point[] = [];
  expect(createNamer(dialect, NAMING).points(of, into)).toBe(into.length);
  return into;
}

/** A dialect that spells one name and counts how often it is asked. */
function counting(spelling: Partial<Spelling> = {}) {
  const asked: Series[] = [];
  const dialect: Dialect = {
    name: 'counting',
    summary: '',
    spell(of) {
      asked.push(of);
      const plain = { path: 'x', reading: 'value', precision: undefined, scale: 1, offset: 0 };
      return [{ ...plain, series: of, ...spelling } as Spelling];
    },
  };
  return { dialect, asked };
}

describe('a namer', () => {
  it('renders the names of a series once', () => {
    const { dialect, asked } = counting();
    const namer = createNamer(dialect, NAMING);
    const cpu = series('system.cpu.time');
    expect(namer.names(cpu)[0]).toBe(namer.names(cpu)[0]);
    namer.points(sample(cpu, 1), []);
    expect(asked).toEqual([cpu]);
  });

  it('does not mistake a series for an ended one that had its id', () => {
    const namer = createNamer(dialects.otel, NAMING);
    expect(namer.names(series('first', {}, 'gauge', 7))[0]?.path).toBe('web01.first');
    expect(namer.names(series('second', {}, 'gauge', 7))[0]?.path).toBe('web01.second');
  });

  it('sends growth where deltas are wanted and the dialect has a rate', () => {
    const { dialect } = counting({ reading: 'rate', scale: 100 });
    const namer = createNamer(dialect, { ...NAMING, counters: 'deltas' });
    const into: Point[] = [];
    namer.points(sample(series('a'), 50, { amount: 20, seconds: 10 }), into);
    expect(into).toMatchObject([{ name: { reading: 'growth' }, value: 2000 }]);
  });

  it('sends a share of a whole as it is, where deltas are wanted too', () => {
    const namer = createNamer(dialects.ganglia, { ...NAMING, counters: 'deltas' });
    const into: Point[] = [];
    for (const [id, [state, amount]] of [['user', 3] as const, ['idle', 9] as const].entries()) {
      const time = series('system.cpu.total.time', { state }, 'counter', id);
      namer.points(sample(time, 50, { amount, seconds: 12 }), into);
    }
    namer.finish(into);
    const user = into.find(({ name }) => name.path.endsWith('cpu_user'));
    expect(user).toMatchObject({ name: { reading: 'rate' }, value: 25 });
  });

  it('appends to what is there and says how many', () => {
    const namer = createNamer(dialects.diamond, NAMING);
    const io = series('system.network.io', { device: 'eth0', direction: 'receive' }, 'counter');
    const into: Point[] = [];
    namer.points(sample(series('x', {}, 'gauge', 1), 1), into);
    expect(namer.points(sample(io, 5000, { amount: 1000, seconds: 10 }), into)).toBe(2);
    expect(into.map(({ name, value, time }) => [name.path, value, time])).toEqual([
      ['servers.web01.x', 1, 1_700_000_000],
      ['servers.web01.network.eth0.rx_bit', 800, 1_700_000_000],
      ['servers.web01.network.eth0.rx_byte', 100, 1_700_000_000],
    ]);
  });
});

describe('a whole collection', () => {
  const cpu = (state: string, id: number) =>
    series('system.cpu.total.time', { state }, 'counter', id);
  const all = [
    series('system.load', {}, 'gauge', 0),
    series('system.network.io', { device: 'eth0', direction: 'receive' }, 'counter', 1),
    cpu('user', 2),
    cpu('idle', 3),
    series('system.disk.requests', { device: 'sda' }, 'delta', 4),
    series('system.threads.running', {}, 'gauge', 5),
  ];
  const number = fc.oneof(fc.nat(9), fc.double(), fc.constant(Number.NaN));
  const growth = fc.record({ amount: number, seconds: fc.nat(3) });
  const readings = fc.array(
    fc.record({ of: fc.nat(all.length - 1), value: number, growth: fc.option(growth) }),
  );

  it('gives the points of its samples, one by one, and then the shares', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(dialects)), readings, (dialect, rows) => {
        const samples = rows.flatMap(({ of, value, growth }) => {
          const named = all[of];
          return named === undefined ? [] : [sample(named, value, growth ?? undefined)];
        });
        const [together, single] = [createNamer(dialect, NAMING), createNamer(dialect, NAMING)];
        for (const _ of [1, 2]) {
          const [into, expected]: Point[][] = [[], []];
          together.collection(samples, into ?? []);
          for (const one of samples) single.points(one, expected ?? []);
          single.finish(expected ?? []);
          expect(into).toEqual(expected);
        }
      }),
    );
  });

  it('gives the same points of samples in columns', () => {
    const time = rarely(fc.nat(3), 10);
    const counters = fc.constantFrom('raw' as const, 'rates' as const, 'deltas' as const);
    const rows = fc.uniqueArray(
      fc.record({ of: fc.nat(all.length - 1), value: number, amount: number, time }),
      { selector: ({ of }) => of },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(dialects)),
        counters,
        fc.array(rows, { maxLength: 4 }),
        fc.constantFrom(0, 10),
        (dialect, counters, collections, seconds) => {
          const naming = { ...NAMING, counters };
          const [packed, single] = [createNamer(dialect, naming), createNamer(dialect, naming)];
          const draft = new Draft();
          const expected: Point[] = [];
          for (const rows of collections) {
            const readings = readingsOf(rows, seconds);
            packed.readings(readings, draft);
            const points: Point[] = [];
            single.collection(samplesOf(readings), points);
            expected.push(...points);
          }
          const columns = draft.take();
          expect(columns.slice(0, columns.length)).toEqual(expected);
        },
      ),
    );
  });

  it('gives the same points of series that come in the same order tick for tick', () => {
    const place = fc.nat(all.length - 1);
    const tick = fc.record({
      values: fc.array(fc.nat(99), { minLength: all.length, maxLength: all.length }),
      // Which collection is not there, which is late, and which series has not grown.
      ...{ without: rarely(fc.nat(2), 4), late: rarely(fc.nat(2), 8), amiss: rarely(place, 4) },
      ...{ swapped: rarely(fc.constant(true), 4), times: fc.integer({ min: 1, max: 3 }) },
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(dialects)),
        fc.array(fc.uniqueArray(place, { minLength: 1 }), { minLength: 1, maxLength: 3 }),
        fc.array(tick, { minLength: 2, maxLength: 8 }),
        (dialect, collections, ticks) => {
          const [packed, single] = [createNamer(dialect, NAMING), createNamer(dialect, NAMING)];
          const draft = new Draft();
          const all = collections.map((ids) => ({ ids, order: {} }));
          const every = ticks.flatMap((tick) => Array.from({ length: tick.times }, () => tick));
          for (const { values, without, late, amiss, swapped } of every) {
            const expected: Point[] = [];
            const [first, second, ...others] = all;
            const now = swapped && second !== undefined ? [second, first, ...others] : all;
            for (const [i, one] of now.entries()) {
              if (i === without || one === undefined) continue;
              const { ids, order } = one;
              const rows = ids.map((of) => {
                const value = values[of] ?? 0;
                return {
                  of,
                  value,
                  amount: of === amiss ? Number.NaN : 3 * value,
                  time: undefined,
                };
              });
              const readings = { ...readingsOf(rows, 10), order };
              if (i === late) readings.time += 7;
              packed.readings(readings, draft);
              const points: Point[] = [];
              single.collection(samplesOf(readings), points);
              expected.push(...points);
            }
            const columns = draft.take();
            expect(columns.slice(0, columns.length)).toEqual(expected);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  function readingsOf(
    rows: readonly { of: number; value: number; amount: number; time: number | undefined }[],
    seconds: number,
  ): Readings {
    const column = () => new Float64Array(all.length);
    const odd = rows.some(({ time }) => time !== undefined);
    const made = {
      ...{ length: rows.length, ids: Int32Array.from(rows, ({ of }) => of), series: all },
      ...{ values: column(), amounts: column(), time: 1_700_000_000, seconds },
      times: odd ? column() : undefined,
      spans: odd ? column().fill(seconds) : undefined,
    };
    for (const { of, value, amount, time } of rows) {
      made.values[of] = value;
      made.amounts[of] = all[of]?.metric.kind === 'gauge' ? Number.NaN : amount;
      if (made.times !== undefined) made.times[of] = made.time + (time ?? 0);
    }
    return made;
  }

  it('sums nothing up with what another collection left in the same place', () => {
    const { dialect } = counting({ path: 'bytes_in', summed: true });
    const namer = createNamer(dialect, NAMING);
    const into: Point[] = [];
    for (const value of [3, 4]) namer.collection([sample(series('io'), value)], into);
    expect(into.map(({ value }) => value)).toEqual([3, 4]);
  });
});

describe('a name that several series share', () => {
  const { dialect } = counting({ path: 'bytes_in', reading: 'rate', summed: true });
  const eth = [series('io', { device: 'eth0' }, 'counter', 0), series('io', {}, 'counter', 1)];
  const grew = (amount: number): Growth => ({ amount, seconds: 10 });

  it('has the sum of one collection', () => {
    const namer = createNamer(dialect, NAMING);
    const into: Point[] = [];
    const appended = eth.map((of, i) => namer.points(sample(of, 0, grew(100 * (i + 1))), into));
    expect(into.map(({ value }) => value)).toEqual([30]);
    expect(appended).toEqual([1, 0]);
  });

  it('begins anew with each collection, and with each time in one', () => {
    const namer = createNamer(dialect, NAMING);
    const values = [1, 2].map(() => {
      const into: Point[] = [];
      for (const of of eth) namer.points(sample(of, 0, grew(100)), into);
      for (const of of eth) namer.points({ ...sample(of, 0, grew(70)), time: 7 }, into);
      return into.map(({ value }) => value);
    });
    expect(values).toEqual([
      [20, 14],
      [20, 14],
    ]);
  });

  it('leaves out a series that has no number, such as an interface that has just appeared', () => {
    const namer = createNamer(dialect, NAMING);
    const into: Point[] = [];
    for (const [i, of] of eth.entries())
      namer.points(sample(of, 0, i === 1 ? grew(50) : undefined), into);
    expect(into.map(({ value }) => value)).toEqual([5]);
  });
});

describe('the number of a point', () => {
  const cpu = series('system.cpu.total.time', { state: 'idle' }, 'counter');
  const disk = series('system.disk.operations', { device: 'sda', direction: 'read' }, 'counter');

  it('is the growth over the seconds that really passed, for a rate', () => {
    const [point] = points(dialects.diamond, sample(cpu, 1234, { amount: 8, seconds: 10.5 }));
    expect(point?.value).toBeCloseTo(76.1905, 4);
  });

  it('is the growth itself where Diamond does not divide', () => {
    const values = points(dialects.diamond, sample(disk, 9, { amount: 30, seconds: 10 }));
    expect(values.map(({ name, value }) => [name.path, value])).toEqual([
      ['servers.web01.iostat.sda.reads', 30],
      ['servers.web01.iostat.sda.reads_per_second', 3],
    ]);
  });

  it('does not exist at the first reading of a counter, nor after a reset: never a false zero', () => {
    expect(points(dialects.diamond, sample(cpu, 1234))).toEqual([]);
    expect(points(dialects.diamond, sample(disk, 1234))).toEqual([]);
  });

  it('is the total as it stands where counters are sent raw', () => {
    expect(points(dialects.otel, sample(cpu, 1234)).map(({ value }) => value)).toEqual([1234]);
  });

  it('is scaled, then offset', () => {
    const used = series('system.filesystem.utilization', {
      device: '/dev/sda1',
      mountpoint: '/',
      type: 'ext4',
      volume: '',
    });
    expect(points(dialects.diamond, sample(used, 0.25)).map(({ value }) => value)).toEqual([75]);
  });

  it('is finite, whatever the reading', () => {
    fc.assert(
      fc.property(
        fc.double(),
        fc.option(fc.record({ amount: fc.double(), seconds: fc.double() }), { nil: undefined }),
        fc.constantFrom<Spelling['reading'][]>('value', 'rate', 'growth'),
        (value, growth, reading) => {
          const { dialect } = counting({ reading, scale: 1000, offset: 1 });
          for (const point of points(dialect, sample(series('x'), value, growth))) {
            expect(point.value).toSatisfy(Number.isFinite);
          }
        },
      ),
    );
  });
});
