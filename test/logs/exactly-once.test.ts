import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Scheme, World } from './world.ts';

type Step = (world: World) => void | Promise<void>;

/** A step with its description, so that a counterexample can be read. */
const step = <T>(
  name: string,
  values: fc.Arbitrary<T>,
  does: (world: World, value: T) => unknown,
) =>
  values.map((value) => {
    const it: Step = async (world) => {
      await does(world, value);
    };
    return Object.assign(it, { [fc.toStringMethod]: () => `${name} ${JSON.stringify(value)}` });
  });

const scheme: fc.Arbitrary<Scheme> = fc.record({
  names: fc.constantFrom('numbers', 'dates'),
  compress: fc.constantFrom('never', 'at once', 'later'),
  how: fc.constantFrom('create', 'copytruncate'),
});

const size = fc.constantFrom(20, 20, 300, 1500);
const append = step('append', fc.tuple(fc.integer({ min: 1, max: 4 }), size), (world, [n, bytes]) =>
  world.append(n, bytes),
);
const partial = step('partial', fc.integer({ min: 0, max: 12 }), (world, n) => world.partial(n));
const rotate = step('rotate', fc.tuple(fc.boolean(), fc.boolean()), (world, [reopens, creates]) =>
  world.rotate(reopens, creates),
);
const nothing = fc.constant(undefined);
const reopen = step('reopen', nothing, (world) => world.reopen());
const wait = step('wait', fc.constantFrom(1, 7, 150, 5000), (world, ms) => {
  world.now += ms;
});
const migrate = step('migrate', nothing, (world) => world.migrate());
const harm = fc.oneof(
  step('truncate', nothing, (world) => world.truncate()),
  step('expire', fc.integer({ min: 0, max: 4 }), (world, most) => world.expire(most)),
);
const at = fc.integer({ min: 1, max: 60 });
const run = step(
  'run',
  fc.constantFrom(
    'well',
    'well',
    'fails',
    'fails after all',
    'dies',
    'dies after all',
  ) as fc.Arbitrary<'well' | 'fails' | 'fails after all' | 'dies' | 'dies after all'>,
  (world, output) => world.run(undefined, output),
);
const crash = step('crash', at, (world, n) => world.run({ at: n, what: 'dies' }));
const during = fc.tuple(at, fc.oneof(append, partial, rotate, rotate)).map(([n, meanwhile]) => {
  const it: Step = async (world) => {
    await world.run({ at: n, what: () => void meanwhile(world) });
  };
  return Object.assign(it, {
    [fc.toStringMethod]: () => `run, and at ${n} ${fc.stringify(meanwhile)}`,
  });
});

const writes = [
  { arbitrary: append, weight: 6 },
  { arbitrary: partial, weight: 2 },
  { arbitrary: rotate, weight: 5 },
  { arbitrary: reopen, weight: 1 },
  { arbitrary: wait, weight: 4 },
  { arbitrary: run, weight: 4 },
  { arbitrary: crash, weight: 3 },
  { arbitrary: during, weight: 3 },
];
const life = fc.array(fc.oneof(...writes), { minLength: 5, maxLength: 30 });
const hardLife = fc.array(
  fc.oneof(...writes, { arbitrary: harm, weight: 1 }, { arbitrary: migrate, weight: 1 }),
  { minLength: 5, maxLength: 30 },
);

async function live(world: World, steps: readonly Step[]): Promise<void> {
  // What was rotated away before the first run is not asked for.
  await world.run();
  for (const it of steps) await it(world);
  // Two runs that go well: what the first finds pending is not all that there is.
  world.reopen();
  world.append(1, 20);
  await world.run();
  await world.run();
}

/** More of them: RUNS=100000. */
const RUNS = Number(process.env['RUNS'] ?? 3000);

test('each line is counted once, whatever happens', { timeout: 1_200_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(scheme, life, async (scheme, steps) => {
      const world = new World(scheme);
      await live(world, steps);
      const counted = world.counted();
      const wrong = [...world.lines].filter((line) => counted.get(line) !== 1);
      expect(wrong.map((line) => `${line} ${counted.get(line) ?? 0}`)).toEqual([]);
      expect(counted.size).toBe(world.lines.size);
      expect(world.losses.filter(({ why }) => why !== 'unfinished')).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

test('what is destroyed is lost, and nothing is counted twice', {
  timeout: 1_200_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scheme, hardLife, async (scheme, steps) => {
      const world = new World(scheme);
      await live(world, steps);
      const counted = world.counted();
      const twice = [...counted].filter(([, times]) => times > 1);
      expect(twice).toEqual([]);
      const missing = [...world.lines].filter(
        (line) => !world.perhaps.has(line) && counted.get(line) !== 1,
      );
      expect(missing).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
