/**
 * How chronyd is asked for its state: the protocol of chronyc, in version 6 (chronyd 2.0 and later).
 *
 * A request is a head of 20 bytes, what it is about, and zeros, so that no answer is longer than its
 * question. An answer is a head of 28 bytes and a structure, all in network order. Numbers with a point have
 * 32 bits: 7 of exponent and 25 of coefficient, each of which may be negative.
 */

const VERSION = 6;
const REQUEST = 1;
const REPLY = 2;
const REQUEST_HEAD = 20;
const REPLY_HEAD = 28;
/** Bytes of a request: as many as the longest answer to ours. */
const LENGTH = 104;

/** The commands that are asked here, and what answers each. */
const COMMANDS = {
  sources: { code: 14, reply: 2, length: 4 },
  source: { code: 15, reply: 3, length: 48 },
  tracking: { code: 33, reply: 5, length: 76 },
} as const;
export type ChronyCommand = keyof typeof COMMANDS;

/** What chronyd refuses. */
export class ChronyRefusal extends Error {
  override readonly name = 'ChronyRefusal';
  /** Whether it is that we may not ask. */
  readonly denied: boolean;

  constructor(status: number) {
    super(`it refuses with status ${status}`);
    this.denied = status === 2 || status === 10;
  }
}

/** @param sequence any 32 bits: the answer has them. @param index which source, from 0. */
export function encodeChrony(command: ChronyCommand, sequence: number, index = 0): Buffer {
  const bytes = Buffer.alloc(LENGTH);
  bytes[0] = VERSION;
  bytes[1] = REQUEST;
  bytes.writeUInt16BE(COMMANDS[command].code, 4);
  bytes.writeUInt32BE(sequence, 8);
  bytes.writeUInt32BE(index, REQUEST_HEAD);
  return bytes;
}

/**
 * What is behind the head of an answer.
 *
 * @returns nothing where it answers something else.
 * @throws SyntaxError if it is no answer of chronyd, {@link ChronyRefusal} if it refuses.
 */
function bodyOf(command: ChronyCommand, sequence: number, bytes: Buffer): Buffer | undefined {
  if (bytes.length < REPLY_HEAD || bytes[1] !== REPLY) {
    throw new SyntaxError(`an answer of ${bytes.length} bytes that is not chronyd's`);
  }
  if (bytes[0] !== VERSION) {
    throw new SyntaxError(`an answer in version ${bytes[0]} of the protocol, not ${VERSION}`);
  }
  if (bytes.readUInt32BE(16) !== sequence) return undefined;
  const status = bytes.readUInt16BE(8);
  if (status !== 0) throw new ChronyRefusal(status);
  const { reply, length } = COMMANDS[command];
  const kind = bytes.readUInt16BE(6);
  if (kind !== reply || bytes.length < REPLY_HEAD + length) {
    throw new SyntaxError(`an answer of kind ${kind} and ${bytes.length} bytes to "${command}"`);
  }
  return bytes.subarray(REPLY_HEAD);
}

/** How many sources there are. Throws like its siblings: see {@link decodeTracking}. */
export const decodeSources = (sequence: number, bytes: Buffer): number | undefined =>
  bodyOf('sources', sequence, bytes)?.readUInt32BE(0);

/** How the system's clock is kept. */
export interface Tracking {
  readonly stratum: number;
  /** 0: nothing is announced; 1 and 2: a second more, or less; 3: not synchronized. */
  readonly leap: number;
  /** When the clock was last updated, in seconds since the Unix epoch. */
  readonly updated: number;
  /** Seconds that the clock is behind the true time, as far as known. */
  readonly behind: number;
  /** Seconds that the clock was ahead at its last update, and the long-term average of that. */
  readonly lastOffset: number;
  readonly rmsOffset: number;
  /** By how much the clock would be too fast, of what it measures; what is left of that; its bound. */
  readonly frequency: number;
  readonly residual: number;
  readonly skew: number;
  /** Seconds to the reference clock and back, and how far off its time may be besides. */
  readonly rootDelay: number;
  readonly rootDispersion: number;
  /** Seconds between the last two updates. */
  readonly interval: number;
}

const PPM = 1e-6;

/**
 * @param sequence that of the question.
 * @returns nothing where another question is answered.
 * @throws SyntaxError if it is no answer of chronyd, {@link ChronyRefusal} if it refuses.
 */
export function decodeTracking(sequence: number, bytes: Buffer): Tracking | undefined {
  const body = bodyOf('tracking', sequence, bytes);
  if (body === undefined) return undefined;
  const float = (at: number) => floatAt(body, at);
  return {
    stratum: body.readUInt16BE(24),
    leap: body.readUInt16BE(26),
    updated: body.readUInt32BE(28) * 2 ** 32 + body.readUInt32BE(32) + body.readUInt32BE(36) / 1e9,
    behind: float(40),
    lastOffset: float(44),
    rmsOffset: float(48),
    frequency: float(52) * PPM,
    residual: float(56) * PPM,
    skew: float(60) * PPM,
    rootDelay: float(64),
    rootDispersion: float(68),
    interval: float(72),
  };
}

export interface ChronySource {
  /** An address; of a reference clock its name: `PPS0`. */
  readonly name: string;
  /** Whether it is a server, a peer or a reference clock. */
  readonly mode: 'server' | 'peer' | 'clock';
  readonly state: (typeof STATES)[number];
  readonly stratum: number;
  /** Seconds between two questions. */
  readonly poll: number;
  /** How many of the last eight questions were answered. */
  readonly reached: number;
  /** Seconds since the last measurement. */
  readonly since: number;
  /** Seconds that the clock is ahead of it by the last measurement, as it was then adjusted, and their bound. */
  readonly offset: number;
  readonly error: number;
}

/** Binary logarithm of the longest interval; chronyd takes from -7 to 24. */
const MOST_POLL = 32;
const MODES = ['server', 'peer', 'clock'] as const;
const STATES = [
  'selected',
  'unusable',
  'falseticker',
  'jittery',
  'unselected',
  'selectable',
] as const;

/** Throws like {@link decodeTracking}. */
export function decodeSource(sequence: number, bytes: Buffer): ChronySource | undefined {
  const body = bodyOf('source', sequence, bytes);
  if (body === undefined) return undefined;
  const mode = MODES[body.readUInt16BE(26)];
  const state = STATES[body.readUInt16BE(24)];
  const poll = body.readInt16BE(20);
  if (mode === undefined || state === undefined || Math.abs(poll) > MOST_POLL) {
    throw new SyntaxError('a source of chronyd in a state, mode or interval that is none');
  }
  let reached = 0;
  for (let bits = body.readUInt16BE(30) & 0xff; bits > 0; bits >>= 1) reached += bits & 1;
  return {
    ...{ name: mode === 'clock' ? clockName(body) : addressOf(body), mode, state, reached },
    stratum: body.readUInt16BE(22),
    poll: 2 ** poll,
    since: body.readUInt32BE(32),
    offset: floatAt(body, 40),
    error: floatAt(body, 44),
  };
}

function floatAt(bytes: Buffer, at: number): number {
  const bits = bytes.readInt32BE(at);
  // Shifting keeps the sign of both parts.
  return ((bits << 7) >> 7) * 2 ** ((bits >> 25) - 25);
}

const clockName = (body: Buffer): string =>
  body
    .toString('latin1', 0, 4)
    .replace(/\0+$/, '')
    .replace(/[^!-~]/g, '_');

function addressOf(body: Buffer): string {
  const family = body.readUInt16BE(16);
  if (family === 1) return body.subarray(0, 4).join('.');
  if (family !== 2) return `id-${body.readUInt32BE(0)}`;
  const groups = Array.from({ length: 8 }, (_, i) => body.readUInt16BE(2 * i).toString(16));
  // URLs have addresses in their shortest form (RFC 5952).
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
