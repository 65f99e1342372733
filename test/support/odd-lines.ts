import fc from 'fast-check';
import { rarely } from './rarely.ts';

const odd = fc.oneof(
  fc.nat().map(String),
  fc.string({ maxLength: 6 }),
  fc.constantFrom('', ' ', ':', '-', '-1', '1e999', '18446744073709551616', '9'.repeat(400)),
);

/** A text of these lines in any order, some with another word than they had, some cut short. */
export const oddLines = (...lines: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(
      fc.record({
        line: fc.constantFrom(...lines),
        at: fc.nat(),
        word: rarely(odd, 3),
        cut: rarely(fc.nat(100), 4),
      }),
    )
    .map((all) =>
      all
        .map(({ line, at, word, cut }) => {
          const words = line.split(' ');
          if (word !== undefined) words[at % words.length] = word;
          return `${words.join(' ').slice(0, cut)}\n`;
        })
        .join(''),
    );
