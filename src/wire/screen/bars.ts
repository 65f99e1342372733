/** Bars: a part of a whole, drawn in half cells where the terminal can. */
import { type Abilities, type Line, type Span, type Style, span } from './text.ts';

/** A part of a bar, as a ratio of the whole. */
export interface Part {
  readonly ratio: number;
  readonly style: Style;
}

/** Without colour the parts of a bar are told apart by shape, in this order. */
const SHAPES = { unicode: [...'█▓▒░'], ascii: [...'#=~!'] };

/**
 * Parts beside each other, exactly `cells` wide. Ends are rounded where the parts add up, so that a
 * full bar is full however many parts it has.
 */
export function bar(parts: readonly Part[], cells: number, { colour, unicode }: Abilities): Line {
  const steps = colour && unicode ? 2 : 1;
  const line: Span[] = [];
  let drawn = 0;
  let sum = 0;
  for (const [i, { ratio, style }] of parts.entries()) {
    sum = Math.min(1, sum + Math.max(0, ratio));
    const end = Math.round(sum * cells * steps);
    const whole = Math.ceil(end / steps) - Math.ceil(drawn / steps);
    if (whole <= 0) continue;
    if (steps === 2) line.push(span('━'.repeat(whole), style));
    else {
      const shapes = unicode ? SHAPES.unicode : SHAPES.ascii;
      line.push(span((shapes[i] ?? '#').repeat(whole), style));
    }
    drawn = end;
  }
  const last = line.at(-1);
  if (steps === 2 && drawn % 2 === 1 && last !== undefined) {
    line[line.length - 1] = span(`${last.text.slice(0, -1)}╸`, last.style);
  }
  const rest = cells - Math.ceil(drawn / steps);
  if (rest > 0) line.push(span((steps === 2 ? '─' : unicode ? '·' : '.').repeat(rest), 'dim'));
  return line;
}

const LEVELS = '▁▂▃▄▅▆▇█';

/** One cell for one ratio: an eighth block, or its first digit where blocks cannot be shown. */
export function level(ratio: number | undefined, { unicode }: Abilities): Span {
  if (ratio === undefined) return span(unicode ? '·' : '-', 'dim');
  const clipped = Math.max(0, Math.min(1, ratio));
  const shape = unicode
    ? (LEVELS[Math.min(7, Math.floor(clipped * 8))] ?? '')
    : String(Math.min(9, Math.floor(clipped * 10)));
  return span(shape, clipped < 0.05 ? 'dim' : busyStyle(clipped));
}

/** Calm while there is room, yellow when it gets tight, red when it is. */
export function busyStyle(ratio: number, tight = 0.7, full = 0.9): Style {
  if (ratio >= full) return 'red';
  return ratio >= tight ? 'yellow' : 'green';
}
