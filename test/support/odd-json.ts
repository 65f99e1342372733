import fc from 'fast-check';

/** What JSON may have where a number is expected: one, one beyond measure, or something else. */
const odd: fc.Arbitrary<string> = fc.oneof(
  fc.integer().map(String),
  fc.constantFrom('1e999', '-1e999', '-1.5', '"7"', '"name"', 'null', 'true', '[]', '{}'),
  fc.json(),
);

/** JSON of an object that has some of these members. */
export const oddObject = (
  members: Readonly<Record<string, fc.Arbitrary<string>>>,
): fc.Arbitrary<string> =>
  fc
    .record(members, { requiredKeys: [] })
    .map((all) => `{${Object.entries(all).map(([name, text]) => `"${name}":${text}`)}}`);

/** JSON of an object that has some of these names, each with whatever it may have. */
export const oddNumbers = (...names: readonly string[]): fc.Arbitrary<string> =>
  oddObject(oddMembers(...names));

export const oddMembers = (...names: readonly string[]): Record<string, fc.Arbitrary<string>> =>
  Object.fromEntries(names.map((name) => [name, odd]));
