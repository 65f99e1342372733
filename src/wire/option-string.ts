/** An option of logster's parsers, by its two spellings: `-l` and `--log-levels`. */
export interface OptionSpelling {
  readonly short: string;
  readonly long: string;
}

/**
 * Reads what logster hands to a parser: options in one text, separated by single spaces, such as
 * `-l WARN,ERROR`, `-lWARN`, `--log-levels WARN` or `--log-levels=WARN`. The last of several holds.
 *
 * @returns the values by the options' long names, or what is wrong with the text.
 */
export function parseOptionString<K extends string>(
  text: string,
  spellings: Readonly<Record<K, OptionSpelling>>,
): { readonly values: Readonly<Partial<Record<K, string>>>; readonly problem?: string } {
  const values: Partial<Record<K, string>> = {};
  const words = text.split(' ').filter((word) => word !== '');
  const known = Object.entries<OptionSpelling>(spellings) as [K, OptionSpelling][];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] as string;
    const option = known.find(
      ([, { short, long }]) =>
        word === long || word.startsWith(`${long}=`) || word.startsWith(short),
    );
    if (option === undefined || (word.startsWith('--') && !word.startsWith(option[1].long))) {
      const all = known.map(([, { short, long }]) => `${short}, ${long}`).join(', ');
      return { values, problem: `"${word}" is no option of this parser; it has ${all || 'none'}` };
    }
    const [key, { short, long }] = option;
    let value: string | undefined;
    if (word.startsWith(`${long}=`)) value = word.slice(long.length + 1);
    else if (word === long || word === short) {
      i += 1;
      value = words[i];
    } else value = word.slice(short.length);
    if (value === undefined) return { values, problem: `${word} has no value behind it` };
    values[key] = value;
  }
  return { values };
}
