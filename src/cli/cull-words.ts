import type { Command } from 'commander';
import { listed, UsageError } from './io.ts';

/**
 * Spells out long flags that are abbreviated, as Python's optparse takes them and crontabs of logster have
 * them: `--metric-p` is `--metric-prefix`. What begins no flag is left as it is, to be refused.
 */
export function spelledOut(
  words: readonly string[],
  { options }: Pick<Command, 'options'>,
): readonly string[] {
  const flags = options.flatMap(({ long }) => long ?? []);
  const takesValue = new Set(
    options.flatMap(({ required, long, short }) => (required ? [long, short] : [])),
  );
  const end = words.indexOf('--');
  let isValue = false;
  return words.map((word, i) => {
    if (isValue || (end !== -1 && i >= end)) {
      isValue = false;
      return word;
    }
    const [name = '', ...value] = word.split('=');
    const flag = name.length > 2 && name.startsWith('--') ? whole(name, flags) : name;
    isValue = value.length === 0 && takesValue.has(flag);
    return [flag, ...value].join('=');
  });
}

function whole(name: string, flags: readonly string[]): string {
  if (flags.includes(name)) return name;
  const found = flags.filter((flag) => flag.startsWith(name));
  if (found.length > 1) throw new UsageError(`${name} may be ${listed(found)}: write more of it`);
  return found[0] ?? name;
}
