import { decoded, encoded, indexOfByte } from '../wire/bytes.ts';
import { isoTime, known } from '../wire/timestamps.ts';
import { lineOf } from './line.ts';
import type { Line, Parser, Parsing } from './parser.ts';
import type * as z from './zod.ts';

/** What a container's runtime writes around each line: Docker's `json-file`, or Kubernetes' CRI. */
export type Wrapper = 'docker' | 'cri';

/** A line that a program wrote, or a part of one that the runtime found too long. */
interface Inner {
  readonly bytes: Uint8Array;
  readonly whole: boolean;
  readonly time: number | undefined;
}

/** Bytes that parts of a line are put together to, at most: what is longer is parsed as it is then. */
const LONGEST = 1024 * 1024;
const SPACE = 32;
const F = 70;
const P = 80;
const CARRIAGE_RETURN = 13;

/** `2026-11-21T08:38:12.123456789Z stdout F a line`. */
function cri(bytes: Uint8Array): Inner | undefined {
  const stream = indexOfByte(bytes, SPACE) + 1;
  const tag = indexOfByte(bytes, SPACE, stream) + 1;
  const flag = bytes[tag];
  const time = known(isoTime(bytes));
  if (time === undefined || tag >= bytes.length || (flag !== F && flag !== P)) return undefined;
  const from = indexOfByte(bytes, SPACE, tag) + 1;
  return { bytes: bytes.subarray(Math.min(from, bytes.length)), whole: flag === F, time };
}

/** `{"log":"a line\n","stream":"stdout","time":"2026-11-21T08:38:12.123456789Z"}`. */
function docker({ text }: Line): Inner | undefined {
  if (text[0] !== '{') return undefined;
  try {
    const { log, time } = JSON.parse(text) as { log?: unknown; time?: unknown };
    if (typeof log !== 'string') return undefined;
    const whole = log.endsWith('\n');
    const at = typeof time === 'string' ? known(isoTime(encoded(time))) : undefined;
    return { bytes: encoded(whole ? log.slice(0, -1) : log), whole, time: at };
  } catch {
    return undefined;
  }
}

/**
 * A parser for what containers write: each line is taken out of its wrapping, put together if the
 * runtime has cut it, and handed on. When it was written is what the runtime says.
 *
 * It has no needles, because what a line is wrapped in may spell them differently. A line whose first
 * part is in one report and whose last is in another counts as two.
 *
 * @see https://docs.docker.com/engine/logging/drivers/json-file/
 * @see https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 */
export function unwrapped<O extends z.ZodType>(parser: Parser<O>, wrapper: Wrapper): Parser<O> {
  const { needles: _, ...same } = parser;
  return { ...same, open: (options) => unwrap(parser.open(options), wrapper) };
}

function unwrap(parsing: Parsing, wrapper: Wrapper): Parsing {
  const read = wrapper === 'cri' ? ({ bytes }: Line) => cri(bytes) : docker;
  let parts: Uint8Array[] = [];
  let length = 0;

  function together(): boolean {
    const [first] = parts;
    const all = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
    parts = [];
    length = 0;
    const returned = all[all.length - 1] === CARRIAGE_RETURN;
    return parsing.parse(lineOf(returned ? all.subarray(0, -1) : all));
  }

  return {
    parse(line) {
      const inner = read(line);
      if (inner === undefined) return false;
      // A part is kept until the next line comes, when the bytes of this one hold no more.
      parts.push(inner.whole ? inner.bytes : inner.bytes.slice());
      length += inner.bytes.length;
      return inner.whole || length > LONGEST ? together() : true;
    },
    timeOf: (line) => read(line)?.time,
    *report(seconds) {
      if (parts.length > 0) together();
      yield* parsing.report(seconds);
    },
  };
}

/** Whether a line looks wrapped, and in what; `undefined` if it does not. */
export function wrapperOf(line: Line): Wrapper | undefined {
  if (cri(line.bytes) !== undefined) return 'cri';
  return decoded(line.bytes, 0, 8).startsWith('{"log":') && docker(line) ? 'docker' : undefined;
}
