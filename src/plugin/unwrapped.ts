import { ContainerLine, type Wrapper } from '../wire/container-line.ts';
import { lineOf } from './line.ts';
import type { Parser, Parsing } from './parser.ts';
import type * as z from './zod.ts';

/** Bytes that the parts of a line are put together to, at most: what is beyond is left out. */
const LONGEST = 1024 * 1024;
/** How many these are at most. Runtimes cut lines into parts of 16 KiB. */
const MOST_PARTS = 1024;
const CARRIAGE_RETURN = 13;

/** The parts of a line that the runtime of a container has cut, until the last one comes. */
class Parts {
  #parts: Uint8Array[] = [];
  #length = 0;
  /** The line has been handed on without its end. */
  #over = false;

  /** @returns the line, once it is whole, or too long to wait for. */
  add(bytes: Uint8Array, whole: boolean): Uint8Array | undefined {
    if (this.#over) {
      this.#over = !whole;
      return undefined;
    }
    if (whole && this.#length === 0) return bytes;
    if (bytes.length === 0 && !whole) return undefined;
    // A part is kept until the next line comes, when the bytes of this one hold no more. A Buffer's
    // slice would be of the same bytes.
    this.#parts.push(whole ? bytes : new Uint8Array(bytes));
    this.#length += bytes.length;
    if (!whole && this.#length < LONGEST && this.#parts.length < MOST_PARTS) return undefined;
    const line = this.end();
    this.#over = !whole;
    return line;
  }

  /** What there is of a line. Its rest, if it comes, is left out, so that the line counts once. */
  end(): Uint8Array | undefined {
    if (this.#length === 0) return undefined;
    const line = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    this.#over = true;
    return line;
  }
}

/**
 * A parser for what containers write: each line is taken out of its wrapping, put together if the
 * runtime has cut it, and handed on. When it was written is what the runtime says.
 *
 * It has no needles, because what a line is wrapped in may spell them differently. A line of which a
 * report comes in the middle counts there, as far as it has come.
 *
 * @param wrapper `auto`: whatever each line is wrapped in; one that is not is handed on as it is.
 */
export function unwrapped<O extends z.ZodType>(
  parser: Parser<O>,
  wrapper: Wrapper | 'auto',
): Parser<O> {
  const { needles: _, ...same } = parser;
  return { ...same, open: (options) => unwrap(parser.open(options), wrapper) };
}

function unwrap(parsing: Parsing, wrapper: Wrapper | 'auto'): Parsing {
  const wanted = wrapper === 'auto' ? undefined : wrapper;
  const read = new ContainerLine();
  const streams = [new Parts(), new Parts()] as const;

  function parse(bytes: Uint8Array): boolean {
    const returned = bytes[bytes.length - 1] === CARRIAGE_RETURN;
    return parsing.parse(lineOf(returned ? bytes.subarray(0, -1) : bytes));
  }

  return {
    parse(line) {
      if (read.read(line.bytes, wanted) === undefined) {
        return wanted === undefined && parsing.parse(line);
      }
      const whole = streams[read.stream].add(read.inner, read.whole);
      // A part of a line is known for what it is.
      return whole === undefined || parse(whole);
    },
    timeOf(line, now) {
      if (read.read(line.bytes, wanted) !== undefined) return read.time;
      return wanted === undefined ? parsing.timeOf?.(line, now) : undefined;
    },
    *report(seconds) {
      for (const parts of streams) {
        const line = parts.end();
        if (line !== undefined) parse(line);
      }
      yield* parsing.report(seconds);
    },
  };
}
