/**
 * Styled text measured in terminal cells, and its way onto a line: nothing that is not one of ours
 * reaches the terminal as more than a character that is printed.
 */
import { printable } from '../printable.ts';

/** The sixteen colours that every theme defines, so that light and dark terminals both stay legible. */
export type Style =
  | 'plain'
  | 'bold'
  | 'dim'
  | 'red'
  | 'green'
  | 'yellow'
  | 'magenta'
  | 'cyan'
  | 'alarm'
  | 'heading';

const SGR: Readonly<Record<Style, string>> = {
  plain: '',
  bold: '1',
  // "Bright black": SGR 2 is ignored by some terminals and unreadable on others.
  dim: '90',
  red: '31',
  green: '32',
  yellow: '33',
  magenta: '35',
  cyan: '36',
  alarm: '1;31',
  heading: '1;36',
};

/** A piece of text in one style. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** What one line shows. */
export type Line = readonly Span[];

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });

/** A terminal's abilities. */
export interface Abilities {
  readonly colour: boolean;
  readonly unicode: boolean;
}

/**
 * A line as it is written, never wider than `columns`, without padding behind the last visible
 * character. Without `unicode` every character beyond ASCII becomes `?`, cell for cell.
 */
export function paint(line: Line, columns: number, { colour, unicode }: Abilities): string {
  let painted = '';
  let style: Style = 'plain';
  let blanks = '';
  let left = columns;
  for (const piece of line) {
    if (left <= 0) break;
    const whole = clip(piece.text, left);
    left -= widthOf(whole);
    const text = whole.trimEnd();
    if (text === '') {
      blanks += whole;
      continue;
    }
    painted += blanks;
    blanks = whole.slice(text.length);
    if (colour && piece.style !== style) {
      if (style !== 'plain') painted += '\x1b[0m';
      if (piece.style !== 'plain') painted += `\x1b[${SGR[piece.style]}m`;
      style = piece.style;
    }
    painted += unicode ? text : text.replace(EACH_BEYOND_ASCII, asciiOf);
  }
  return style === 'plain' ? painted : `${painted}\x1b[0m`;
}

const asciiOf = (char: string): string => OURS[char] ?? '?'.repeat(cellsOf(char));

/** The characters that screens themselves draw besides bars. */
const OURS: Readonly<Record<string, string>> = { '–': '-', '·': '|' };

/** Cells a text takes; 2 for East Asian wide characters and emoji, 0 for marks on another character. */
export function widthOf(text: string): number {
  if (!BEYOND_ASCII.test(text)) return text.length;
  let cells = 0;
  for (const char of text) cells += cellsOf(char);
  return cells;
}

export const lineWidth = (line: Line): number =>
  line.reduce((cells, { text }) => cells + widthOf(text), 0);

/** The longest beginning that fits. */
function clip(text: string, cells: number): string {
  if (!BEYOND_ASCII.test(text)) return text.slice(0, cells);
  let clipped = '';
  let left = cells;
  for (const char of text) {
    left -= cellsOf(char);
    if (left < 0) break;
    clipped += char;
  }
  return clipped;
}

/** A name from outside, safe to print: composed, its controls escaped, emoji shown in their own width. */
export const safeName = (name: string): string =>
  BEYOND_ASCII.test(name)
    ? printable(name.normalize('NFC').replace(VARIATION, ''))
    : printable(name);

/** Exactly `cells` wide; what does not fit loses its middle, where names differ least. */
export function pad(text: string, cells: number, align: 'left' | 'right' = 'left'): string {
  const width = widthOf(text);
  if (width <= cells) {
    const blanks = ' '.repeat(cells - width);
    return align === 'left' ? text + blanks : blanks + text;
  }
  if (cells < 3) return pad(clip(text, cells), cells, align);
  const tail = clipStart(text, Math.floor((cells - 1) / 2));
  const head = clip(text, cells - 1 - widthOf(tail));
  return pad(`${head}~${tail}`, cells, align);
}

function clipStart(text: string, cells: number): string {
  const chars = [...text];
  let left = cells;
  let from = chars.length;
  while (from > 0 && left - cellsOf(chars[from - 1] ?? '') >= 0) {
    from -= 1;
    left -= cellsOf(chars[from] ?? '');
  }
  return chars.slice(from).join('');
}

/** A line brought to exactly `cells`, so that another can stand beside it. */
export function fill(line: Line, cells: number): Line {
  const missing = cells - lineWidth(line);
  if (missing === 0) return line;
  if (missing > 0) return [...line, span(' '.repeat(missing))];
  const cut: Span[] = [];
  let left = cells;
  for (const { text, style } of line) {
    const kept = clip(text, left);
    left -= widthOf(kept);
    cut.push({ text: kept, style });
    if (kept.length < text.length) break;
  }
  return left > 0 ? [...cut, span(' '.repeat(left))] : cut;
}

function cellsOf(char: string): number {
  if (char < '\x7f') return 1;
  if (MARK.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}

const BEYOND_ASCII = /[^\x20-\x7e]/;
const EACH_BEYOND_ASCII = /[^\x20-\x7e]/gu;
const VARIATION = /[\ufe00-\ufe0f]/g;
const MARK = /^[\p{Mn}\p{Me}\u1160-\u11ff]/u;
/** East_Asian_Width W and F (Unicode UAX 11), in whole blocks. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
