/** Builds Markdown whose tables line up, so that they read as well in a terminal. */

/** Text in a table's cell: a bar would end it. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');

/** Text that is no Markdown, such as a summary or a help. */
export const prose = (text: string): string => text.replace(/[<*]/g, '\\$&');

/** Names, values and types as they are written. */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

/** A table; cells are Markdown. Empty where there are no rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}

/** Blocks with an empty line between them; empty ones are left out. */
export const blocks = (...parts: readonly string[]): string =>
  `${parts
    .filter((part) => part !== '')
    .map((part) => part.trimEnd())
    .join('\n\n')}\n`;

const BEGIN = /<!-- generated: ([\w./-]+) -->\n/g;
const END = '<!-- /generated -->';

/**
 * Fills the sections of a text that are marked `<!-- generated: name -->` … `<!-- /generated -->`.
 *
 * @throws Error where a section has no end, or a name that is not in `sections`.
 */
export function fill(text: string, sections: Readonly<Record<string, string>>): string {
  let filled = '';
  let at = 0;
  for (const match of text.matchAll(BEGIN)) {
    const [mark, name = ''] = match;
    const section = sections[name];
    if (section === undefined) {
      throw new Error(
        `nothing is generated under the name "${name}"; there are ${Object.keys(sections).join(', ')}`,
      );
    }
    const end = text.indexOf(END, match.index);
    if (end < 0) throw new Error(`the generated section "${name}" has no ${END}`);
    filled += `${text.slice(at, match.index)}${mark}${section}`;
    at = end;
  }
  return filled + text.slice(at);
}
