import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FollowedWorld, type Incident, READERS } from './followed-world.ts';
import {
  append,
  at,
  harm,
  meanwhile,
  migrate,
  nothing,
  partial,
  reopen,
  rotate,
  type Step,
  scheme,
  step,
  wait,
} from './steps.ts';
import { LOG } from './world.ts';

const incident: fc.Arbitrary<Incident | undefined> = fc.oneof(
  { arbitrary: nothing, weight: 4 },
  { arbitrary: fc.constant({ what: 'abandoned' } as const), weight: 1 },
  { arbitrary: fc.record({ at, what: fc.constantFrom('dies', 'disk full') }), weight: 3 },
);
const tick = step('tick', incident, (world: FollowedWorld, it) => world.tick(it));
const during: fc.Arbitrary<Step<FollowedWorld>> = fc.tuple(at, meanwhile).map(([n, meanwhile]) => {
  const it = async (world: FollowedWorld) => {
    await world.tick({ at: n, what: () => void meanwhile(world) });
  };
  return Object.assign(it, {
    [fc.toStringMethod]: () => `tick, and at ${n} ${fc.stringify(meanwhile)}`,
  });
});
const deliver = step('deliver', nothing, (world: FollowedWorld) => world.deliver());
const settle = step('settle', fc.boolean(), (world: FollowedWorld, dies) => world.settle(dies));
const crash = step('crash', nothing, (world: FollowedWorld) => world.crash());
const stop = step('stop', nothing, (world: FollowedWorld) => world.stop());
const reload = step('reload', nothing, (world: FollowedWorld) => world.reload());

const steps: { arbitrary: fc.Arbitrary<Step<FollowedWorld>>; weight: number }[] = [
  { arbitrary: append, weight: 6 },
  { arbitrary: partial, weight: 2 },
  { arbitrary: rotate, weight: 4 },
  { arbitrary: reopen, weight: 1 },
  { arbitrary: wait, weight: 2 },
  { arbitrary: tick, weight: 7 },
  { arbitrary: during, weight: 2 },
  { arbitrary: deliver, weight: 3 },
  { arbitrary: settle, weight: 3 },
  { arbitrary: crash, weight: 2 },
  { arbitrary: stop, weight: 1 },
  { arbitrary: reload, weight: 1 },
];
const life = fc.array(fc.oneof(...steps), { minLength: 5, maxLength: 40 });
const hardLife = fc.array(
  fc.oneof(...steps, { arbitrary: harm, weight: 1 }, { arbitrary: migrate, weight: 1 }),
  { minLength: 5, maxLength: 40 },
);
/** By its name, or by what its rotated files are called, too. */
const path = fc.constantFrom(LOG, '/var/log/*.log', '/var/log/it*');

async function live(world: FollowedWorld, steps: readonly Step<FollowedWorld>[]): Promise<void> {
  await world.tick();
  for (const it of steps) await it(world);
  world.reopen();
  world.append(1, 20);
  // What is left over of lives before is handed out in every second tick.
  for (let ticks = 0; ticks < 2 || world.owes; ticks += 1) {
    await world.tick();
    world.deliver();
    await world.settle();
  }
  expect(world.errors).toEqual([]);
}

/** More of them: RUNS=100000. */
const RUNS = Number(process.env['RUNS'] ?? 2000);

test('each line reaches the peer once, whatever happens', { timeout: 1_200_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(scheme, path, life, async (scheme, path, steps) => {
      const world = new FollowedWorld(scheme, path);
      await live(world, steps);
      for (const reader of READERS) {
        const counted = world.countedBy(reader);
        const wrong = [...world.lines].filter((line) => counted.get(line) !== 1);
        expect(wrong.map((line) => `${reader} ${line} ${counted.get(line) ?? 0}`)).toEqual([]);
        expect(counted.size).toBe(world.lines.size);
      }
      expect(world.losses.filter(({ why }) => why !== 'unfinished')).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

test('what is destroyed is lost, and nothing reaches the peer twice', {
  timeout: 1_200_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scheme, path, hardLife, async (scheme, path, steps) => {
      const world = new FollowedWorld(scheme, path);
      await live(world, steps);
      for (const reader of READERS) {
        const counted = world.countedBy(reader);
        expect([...counted].filter(([, times]) => times > 1)).toEqual([]);
        const missing = [...world.lines].filter(
          (line) => !world.perhaps.has(line) && counted.get(line) !== 1,
        );
        expect(missing).toEqual([]);
      }
    }),
    { numRuns: RUNS },
  );
});
