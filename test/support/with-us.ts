import { existsSync } from 'node:fs';

const SETPRIV = '/usr/bin/setpriv';

/**
 * Words before a command that have the kernel kill it when whoever starts it ends, however that ends:
 * tests that are killed leave nothing behind. None where there is no setpriv (util-linux).
 */
const WITH_US: readonly string[] = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL'] : [];

/** A program and its words behind {@link WITH_US}. */
export function withUs(
  program: string,
  words: readonly string[],
): readonly [program: string, words: readonly string[]] {
  const [first = program, ...rest] = [...WITH_US, program, ...words];
  return [first, rest];
}
