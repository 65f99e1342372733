/**
 * Carbon's pickle protocol: frames of a length (4 bytes, big-endian) and that many bytes of Python
 * pickle, a list of `(path, (time, value))`. Written in protocol 2 with nothing but lists, tuples,
 * text and numbers, which is all that Carbon's safe unpickler lets in.
 *
 * @see https://graphite.readthedocs.io/en/latest/feeding-carbon.html#the-pickle-protocol
 * @see https://docs.python.org/3/library/pickletools.html (the opcodes)
 */
import type { Batch, Point } from '../metric/index.ts';
import { formatValue } from './graphite.ts';

/** The longest pickle that Carbon accepts unless it is told otherwise (PICKLE_RECEIVER_MAX_LENGTH). */
export const LONGEST_PICKLE = 1_048_576;

const LENGTH = 4;
/** PROTO 2, EMPTY_LIST, MARK. */
const HEAD = Buffer.from([0x80, 0x02, 0x5d, 0x28]);
/** APPENDS, STOP. */
const TAIL = Buffer.from([0x65, 0x2e]);
const BINUNICODE = 0x58;
const BININT = 0x4a;
const BINFLOAT = 0x47;
const TUPLE2 = 0x86;

const isInt32 = (n: number): boolean => (n | 0) === n;

/** Bytes of one point: text with its length, time, value, two tuples. */
const sizeOf = ({ name, time }: Point): number =>
  5 + Buffer.byteLength(name.path) + (isInt32(Math.floor(time)) ? 5 : 9) + 9 + 2;

/** The number that the plaintext protocol would have sent, so that both store the same. */
function numberOf({ name: { precision, significant }, value }: Point): number {
  if (precision === undefined && significant === undefined) return value;
  return Number(formatValue(value, precision, significant));
}

function writePoint(frame: Buffer, from: number, point: Point): number {
  const { name } = point;
  const time = Math.floor(point.time);
  let at = frame.writeUInt8(BINUNICODE, from);
  const length = frame.write(name.path, at + 4);
  at = frame.writeUInt32LE(length, at) + length;
  // The integers of protocol 2 that are wider are of any width; Carbon makes a float of either.
  if (isInt32(time)) at = frame.writeInt32LE(time, frame.writeUInt8(BININT, at));
  else at = frame.writeDoubleBE(time, frame.writeUInt8(BINFLOAT, at));
  at = frame.writeDoubleBE(numberOf(point), frame.writeUInt8(BINFLOAT, at));
  return frame.writeUInt8(TUPLE2, frame.writeUInt8(TUPLE2, at));
}

function frameOf(points: Batch, size: number): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH + HEAD.length + size + TAIL.length);
  let at = frame.writeUInt32BE(frame.length - LENGTH, 0);
  at += HEAD.copy(frame, at);
  for (const point of points) at = writePoint(frame, at, point);
  TAIL.copy(frame, at);
  return frame;
}

/**
 * A batch as frames, each with as many points as fit; a fraction of a second is cut off.
 *
 * @param most bytes of pickle in one frame. A point that is longer by itself has a frame of its own.
 */
export function encodePickle(batch: Batch, most = LONGEST_PICKLE): readonly Buffer[] {
  const frames: Buffer[] = [];
  const room = most - HEAD.length - TAIL.length;
  let from = 0;
  let size = 0;
  for (const [i, point] of batch.entries()) {
    const more = sizeOf(point);
    if (size > 0 && size + more > room) {
      frames.push(frameOf(batch.slice(from, i), size));
      from = i;
      size = 0;
    }
    size += more;
  }
  if (size > 0) frames.push(frameOf(batch.slice(from), size));
  return frames;
}
