import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  append,
  at,
  harm,
  meanwhile,
  migrate,
  partial,
  reopen,
  rotate,
  type Step,
  scheme,
  size,
  step,
  wait,
} from './steps.ts';
import { World } from './world.ts';

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
  (world: World, output) => world.run(undefined, output),
);
const crash = step('crash', at, (world: World, n) => world.run({ at: n, what: 'dies' }));
const during = fc.tuple(at, meanwhile).map(([n, meanwhile]) => {
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
const cut = step(
  'cut',
  fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 6 }), size),
  async (world: World, [lines, more, bytes]) => {
    // What has also moved since it was read last is another file.
    await world.run();
    world.cut(lines, more, bytes);
    await world.run();
  },
);
const life = fc.array(fc.oneof(...writes), { minLength: 5, maxLength: 30 });
const hardLife = fc.array(
  fc.oneof(
    ...writes,
    { arbitrary: harm, weight: 1 },
    { arbitrary: cut, weight: 1 },
    { arbitrary: migrate, weight: 1 },
  ),
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
