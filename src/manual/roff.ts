/** Text as man(7) has it: its own signs escaped, and options with minus signs that can be copied. */
export const text = (words: string): string =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...')
    .replace(/^[.']/gm, '\\&$&');

export const bold = (words: string): string => `\\fB${text(words)}\\fR`;
export const italic = (words: string): string => `\\fI${text(words)}\\fR`;

/** A list without spaces: it may go on in the next line behind each comma. */
export const breakable = (written: string): string => written.replace(/[,|]/g, '$&\\:');

/** An argument of a macro. */
const quoted = (words: string): string => `"${words.replaceAll('"', '\\(dq')}"`;

/** Help in Markdown's way: `code` in bold. */
export const prose = (words: string): string =>
  words
    .split('`')
    .map((part, i) => (i % 2 === 0 ? text(part) : bold(part)))
    .join('')
    .replace(/^[.']/gm, '\\&$&');

export const section = (title: string, ...lines: readonly string[]): string =>
  [`.SH ${quoted(text(title.toUpperCase()))}`, ...lines].join('\n');

export const subsection = (title: string, ...lines: readonly string[]): string =>
  [`.SS ${quoted(text(title))}`, ...lines].join('\n');

/** A term, and below it what it means. */
export const entry = (term: string, ...lines: readonly string[]): string =>
  ['.TP', term, ...lines].join('\n');

/** Lines as they stand. */
export const example = (lines: readonly string[]): string =>
  ['.PP', '.nf', '.RS', ...lines.map(text), '.RE', '.fi'].join('\n');

/** A whole page. */
export const page = (
  title: { readonly name: string; readonly section: number; readonly about: string },
  { version, date }: { readonly version: string; readonly date: string },
  sections: readonly string[],
): string =>
  `.\\" Generated from what the program declares. Do not edit.\n.TH ${[
    text(title.name.toUpperCase()),
    String(title.section),
    date,
    text(`cullinan ${version}`),
    title.about,
  ]
    .map(quoted)
    .join(' ')}\n.ad l\n.nh\n${sections.join('\n')}\n`;
