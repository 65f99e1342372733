import fc from 'fast-check';

/** Something in one of so many cases, else `undefined`: the `freq` of `fc.option` is how seldom there is nothing. */
export const rarely = <T>(something: fc.Arbitrary<T>, oneIn: number): fc.Arbitrary<T | undefined> =>
  fc.oneof(
    { weight: oneIn - 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: something },
  );
