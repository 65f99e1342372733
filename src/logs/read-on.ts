import type { Clock } from '../clock/index.ts';
import type { Reading } from './files.ts';
import { type Position, PRINT_BYTES, printOf, type Recognised, stretch } from './identity.ts';
import { type LineFinder, LONGEST_LINE } from './lines.ts';
import { lastOf, type Source } from './packed.ts';

/** The memory that files are read into. It grows to the longest line there was. */
export interface Scratch {
  buffer: Buffer;
}

const CHUNK = 1024 * 1024;
/** Memory to read into, which several logs may share one after the other. */
export const scratch = (): Scratch => ({ buffer: Buffer.allocUnsafeSlow(CHUNK) });

/** A file that was written just now may be written again at what counts as the same time. */
const RACY = 100;

interface ReadNeeds {
  readonly clock: Clock;
  readonly finder: LineFinder;
  readonly scratch: Scratch;
  readonly paused?: (() => boolean) | undefined;
  readonly progress?: ((bytes: number) => void) | undefined;
}

/** What is read, from where on. */
export interface Stretch {
  readonly at: Position;
  readonly source: Source;
  readonly known: Recognised;
  /**
   * Where it can change while it is read: nothing that was read counts before the start of the file was
   * seen, after it, to be the same.
   */
  readonly file: Reading | undefined;
  /** Where it may end before the end, which a busy writer never lets come. */
  readonly until?: number;
}

/**
 * Reads a file to its end, and offers its lines.
 *
 * @param leave is told how far it was read, whatever ends it, and whether that is a pause.
 */
export async function readOn(
  needs: ReadNeeds,
  { at, source, known, file, until = Number.POSITIVE_INFINITY }: Stretch,
  leave: (left: Position, paused: boolean) => void,
): Promise<'end' | 'changed' | 'paused'> {
  const { finder, scratch, progress, clock } = needs;
  let { head, tail } = known;
  let { offset, modified, racy } = at;
  let held = 0;
  let paused = false;
  finder.skipping = at.skipping;
  try {
    for (;;) {
      if (held === scratch.buffer.length) {
        if (held < LONGEST_LINE) {
          scratch.buffer = Buffer.concat([scratch.buffer], Math.min(held * 2, LONGEST_LINE));
        } else {
          finder.skip();
          tail = lastOf(tail, scratch.buffer);
          offset += held;
          held = 0;
        }
      }
      const { buffer } = scratch;
      const bytes = await source.read(buffer, held, buffer.length - held);
      if (file !== undefined && !(await starts(file, head))) return 'changed';
      if (bytes === 0 && file === undefined) return 'end';
      if (file !== undefined && (bytes === 0 || offset + held >= until)) {
        const stat = await file.stat();
        if (stat.bytes < offset + held) return 'changed';
        const more = stat.bytes > offset + held;
        if (more && offset + held < until) continue;
        modified = stat.modified;
        racy = more || clock.now() - modified < RACY;
        if (head.length < PRINT_BYTES && head.length > 0) {
          const longer = await stretch(file, 0, PRINT_BYTES);
          if (!longer.subarray(0, head.length).equals(head)) return 'changed';
          head = longer;
        }
        return 'end';
      }
      if (offset === 0 && head.length === 0) {
        head = Buffer.from(buffer.subarray(0, Math.min(bytes, PRINT_BYTES)));
      }
      const end = held + bytes;
      const rest = finder.scan(buffer, end);
      if (rest > 0) {
        tail = lastOf(tail, buffer.subarray(0, rest));
        offset += rest;
        buffer.copyWithin(0, rest, end);
      }
      held = end - rest;
      paused = needs.paused?.() ?? false;
      // What is held is read once more.
      progress?.(paused ? bytes - held : bytes);
      if (!paused) continue;
      // Packed or not, it was not read to its end.
      racy = true;
      return 'paused';
    }
  } finally {
    const { skipping } = finder;
    finder.skipping = false;
    const now = { ...at, modified, racy, head: printOf(head), tail: printOf(tail) };
    leave({ ...now, offset, unfinished: held, skipping }, paused);
  }
}

/** Whether a file begins as it did. */
export const starts = async (file: Reading, head: Buffer): Promise<boolean> =>
  head.length === 0 || (await stretch(file, 0, head.length)).equals(head);
