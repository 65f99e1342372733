/** Shares the rows of a terminal among blocks, the important ones first. */
import type { Line } from './text.ts';

/** A part of the screen, from top to bottom in the order given. */
export interface Block {
  /** 1 is the last to be left out, and the first to grow. */
  readonly rank: number;
  /** Heights that are of use to it, ascending; it is left out below the first. */
  readonly heights: readonly number[];
  /** At most `height` lines. */
  lines(height: number): readonly Line[];
}

/** Rows with which every block is as high as it would like to be. */
export const wantedRows = (blocks: readonly Block[]): number =>
  blocks.reduce((sum, { heights }) => sum + (heights.at(-1) ?? 0), 0);

/**
 * Lines of the blocks one below the other, at most `rows`. Each block first gets the least it can
 * use, by rank, then each its next useful height in turn; what is left over becomes air between them.
 */
export function stack(blocks: readonly Block[], rows: number): readonly Line[] {
  const granted = share(blocks, rows);
  let air = rows - [...granted.values()].reduce((sum, height) => sum + height, 0);
  const lines: Line[] = [];
  for (const block of blocks) {
    const height = granted.get(block);
    if (height === undefined) continue;
    if (lines.length > 0 && air > 0) {
      lines.push([]);
      air -= 1;
    }
    lines.push(...block.lines(height).slice(0, height));
  }
  return lines;
}

function share(blocks: readonly Block[], rows: number): ReadonlyMap<Block, number> {
  const ranked = blocks.toSorted((a, b) => a.rank - b.rank);
  const granted = new Map<Block, number>();
  let left = rows;
  for (const block of ranked) {
    const least = block.heights[0];
    if (least === undefined || least > left) continue;
    granted.set(block, least);
    left -= least;
  }
  for (let grown = true; grown; ) {
    grown = false;
    for (const block of ranked) {
      const height = granted.get(block);
      if (height === undefined) continue;
      const next = block.heights.find((useful) => useful > height);
      if (next === undefined || next - height > left) continue;
      granted.set(block, next);
      left -= next - height;
      grown = true;
    }
  }
  return granted;
}
