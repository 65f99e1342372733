import { distance } from 'fastest-levenshtein';

/**
 * The candidate that `word` was probably meant to be: at most a third of its letters may differ,
 * rounded up, case aside. `undefined` where nothing is near enough to be worth a question.
 *
 * @example
 * suggest('intervall', ['interval', 'timeout']); // 'interval'
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  // Nobody mistypes a word of this length, and comparing is quadratic.
  if (word.length > 64) return undefined;
  const meant = word.toLowerCase();
  let nearest: string | undefined;
  let least = Math.ceil(word.length / 3) + 1;
  for (const candidate of candidates) {
    const far = distance(meant, candidate.toLowerCase());
    if (far < least) {
      least = far;
      nearest = candidate;
    }
  }
  return nearest;
}

/** The question that ends an error line, where there is something to ask. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const meant = suggest(word, candidates);
  return meant === undefined ? undefined : `did you mean "${meant}"?`;
}
