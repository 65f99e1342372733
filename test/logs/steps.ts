import fc from 'fast-check';
import type { Scheme, World } from './world.ts';

/** Something that happens to a log, its writer or its reader. */
export type Step<W extends World = World> = (world: W) => void | Promise<void>;

/** A step with its description, so that a counterexample can be read. */
export const step = <W extends World, T>(
  name: string,
  values: fc.Arbitrary<T>,
  does: (world: W, value: T) => unknown,
): fc.Arbitrary<Step<W>> =>
  values.map((value) => {
    const it: Step<W> = async (world) => {
      await does(world, value);
    };
    return Object.assign(it, { [fc.toStringMethod]: () => `${name} ${JSON.stringify(value)}` });
  });

export const scheme: fc.Arbitrary<Scheme> = fc.record({
  names: fc.constantFrom('numbers', 'dates'),
  compress: fc.constantFrom('never', 'at once', 'later'),
  how: fc.constantFrom('create', 'copytruncate'),
});

export const size = fc.constantFrom(20, 20, 300, 1500);
export const append = step(
  'append',
  fc.tuple(fc.integer({ min: 1, max: 4 }), size),
  (world: World, [n, bytes]) => world.append(n, bytes),
);
export const partial = step('partial', fc.integer({ min: 0, max: 12 }), (world: World, n) =>
  world.partial(n),
);
export const rotate = step(
  'rotate',
  fc.tuple(fc.boolean(), fc.boolean()),
  (world: World, [reopens, creates]) => world.rotate(reopens, creates),
);
export const nothing = fc.constant(undefined);
export const reopen = step('reopen', nothing, (world: World) => world.reopen());
export const wait = step('wait', fc.constantFrom(1, 7, 150, 5000), (world: World, ms) => {
  world.now += ms;
});
export const migrate = step('migrate', nothing, (world: World) => world.migrate());
/** What destroys lines. */
export const harm = fc.oneof(
  step('truncate', nothing, (world: World) => world.truncate()),
  step('expire', fc.integer({ min: 0, max: 4 }), (world: World, most) => world.expire(most)),
);
/** The number of an operation of the file system. */
export const at = fc.integer({ min: 1, max: 60 });
/** What happens within a run, before an operation. */
export const meanwhile = fc.oneof(append, partial, rotate, rotate);
