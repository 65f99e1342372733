/**
 * CONNECT_GET_ALL_DOMAIN_STATS: everything of all guests in one reply, as `virsh domstats --raw` prints it.
 *
 * Each guest is a list of named values, some fifty of them, so a thousand guests are 1.7 MB. But from one tick
 * to the next hardly anything changes but the numbers. So what is said of a guest is first taken for what was
 * said before with other numbers: they are picked out, and what is left is compared as a whole. Only where
 * that is not the same it is read from its beginning to its end.
 */
import { XdrReader, XdrWriter } from '../xdr.ts';
import { type Domain, readDomain, readDomains, writeDomain } from './calls.ts';

/** Groups of values, by the bit that asks for each. One that a daemon does not know is left out. */
export const STATS = {
  state: 1,
  cpu: 2,
  balloon: 4,
  vcpu: 8,
  interface: 16,
  block: 32,
  perf: 64,
  dirtyrate: 512,
} as const;

/** Says of a guest that is busy with a job what is known without waiting for it. libvirt 4.5 and later. */
export const NOWAIT = 2 ** 29;

/** What is asked for. */
export interface StatsRequest {
  /** Of whom; of all that `flags` choose where there is none. */
  readonly domains?: readonly Domain[];
  /** Bits of {@link STATS}. */
  readonly stats: number;
  /** Bits: which domains, and {@link NOWAIT}. */
  readonly flags: number;
}

/**
 * A guest's values in the order of the names that its shape has. The object is the same from one reply to the
 * next where nothing but numbers has changed; then the numbers in it do.
 */
export interface DomainStats extends Domain {
  readonly shape: Shape;
  /** Integers of 64 bits are the nearest number, exact up to 2^53; a text is NaN. */
  readonly numbers: Float64Array;
  /** What is a text, by its place. */
  readonly texts: ReadonlyMap<number, string>;
}

/** The names and types of a guest's values, in their order. Guests that have the same have the same object. */
export interface Shape {
  readonly names: readonly string[];
}

export function encodeStatsRequest({ domains = [], stats, flags }: StatsRequest): Buffer {
  const writer = new XdrWriter().uint(domains.length);
  for (const domain of domains) writeDomain(writer, domain);
  return writer.uint(stats).uint(flags).finish();
}

/** Types of values, by libvirt's numbers. */
const INT = 1;
const UINT = 2;
const LLONG = 3;
const ULLONG = 4;
const DOUBLE = 5;
const BOOLEAN = 6;
const STRING = 7;

const LONGEST_NAME = 80;
const LONGEST_TEXT = 2 ** 22;
/** What libvirt has of one guest at most. */
const MOST_VALUES = 262_144;
/** Bytes of the shortest value: an empty name, a type and a word. */
const SHORTEST_VALUE = 12;
/** Names that are remembered at most, each where it stands. */
const MOST_STEPS = 50_000;

/** One name after certain others. */
class Step implements Shape {
  readonly #before: Step | undefined;
  readonly #name: string;
  readonly type: number;
  /** Name and type as they are sent. */
  readonly bytes: Uint8Array;
  /** The one that followed last. */
  likely: Step | undefined;
  readonly others = new Map<string, Step>();

  constructor(before: Step | undefined, name: string, type: number, bytes: Uint8Array) {
    this.#before = before;
    this.#name = name;
    this.type = type;
    this.bytes = bytes;
  }

  get names(): readonly string[] {
    const names: string[] = [];
    for (let step: Step = this; step.#before !== undefined; step = step.#before) {
      names.push(step.#name);
    }
    return names.reverse();
  }
}

const beginning = (): Step => new Step(undefined, '', 0, new Uint8Array());

/** The processor's own order of bytes. */
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** How a number is sent: in two words, or in one with a sign or without. */
const WIDE = 0;
const SIGNED = 1;
const UNSIGNED = 2;
const KINDS: ReadonlyMap<number, number> = new Map([
  [LLONG, WIDE],
  [ULLONG, WIDE],
  [INT, SIGNED],
  [BOOLEAN, SIGNED],
  [UINT, UNSIGNED],
]);

/** What was said of a guest. */
interface Known {
  readonly stats: DomainStats;
  /** All of it, in words of the processor's, with 0 in place of numbers. */
  readonly bytes: Buffer;
  /** For each number: which word it is, how it is sent, and its place among the guest's values. */
  readonly fields: Uint32Array;
}

/** Reads the replies to one question, and remembers the latest. */
export class StatsReader {
  #first = beginning();
  #steps = 0;
  #known: readonly Known[] = [];
  #stats: readonly DomainStats[] = [];
  /** A copy of the reply, in words of the processor's: numbers are taken out of it. */
  #words = new Uint32Array();

  /** @throws a SyntaxError if the reply is not as documented. */
  read(payload: Buffer): readonly DomainStats[] {
    const before = this.#known;
    const reply = this.#take(payload);
    const now: Known[] = [];
    let places: ReadonlyMap<string, number> | undefined;
    let at = 4;
    let next = 0;
    for (let left = readDomains(new XdrReader(payload)); left > 0; left -= 1) {
      let known = before[next];
      if (known !== undefined && isAsKnown(known, reply, at)) next += 1;
      else {
        // Another guest than the last time, or the same with other values.
        places ??= new Map(before.map(({ stats }, place) => [stats.uuid, place]));
        const place = places.get(readDomain(new XdrReader(payload.subarray(at))).uuid);
        known = place === undefined || place === next ? undefined : before[place];
        if (known === undefined || !isAsKnown(known, reply, at)) {
          known = this.#readGuest(payload.subarray(at));
        }
        if (place !== undefined) next = place + 1;
      }
      now.push(known);
      at += known.bytes.length;
    }
    if (places !== undefined || now.length !== before.length) {
      this.#known = now;
      this.#stats = now.map(({ stats }) => stats);
    }
    return this.#stats;
  }

  /** What is behind the last whole word was not written by libvirt, and is not looked at. */
  #take(payload: Buffer): Reply {
    const length = payload.length >> 2;
    if (this.#words.length !== length) this.#words = new Uint32Array(length);
    const copy = Buffer.from(this.#words.buffer);
    payload.copy(copy, 0, 0, 4 * length);
    if (LITTLE_ENDIAN) copy.swap32();
    return { payload, words: this.#words, copy };
  }

  #readGuest(bytes: Buffer): Known {
    if (this.#steps > MOST_STEPS) {
      this.#first = beginning();
      this.#steps = 0;
    }
    const reader = new XdrReader(bytes);
    const domain = readDomain(reader);
    const texts = new Map<number, string>();
    const values: number[] = [];
    const fields: number[] = [];
    let step = this.#first;
    for (let more = reader.count(MOST_VALUES, SHORTEST_VALUE); more > 0; more -= 1) {
      const { likely } = step;
      step = likely !== undefined && reader.match(likely.bytes) ? likely : this.#next(step, reader);
      const kind = KINDS.get(step.type);
      if (kind !== undefined) fields.push((bytes.length - reader.left) >> 2, kind, values.length);
      const value = readValue(reader, step.type);
      if (typeof value === 'string') texts.set(values.length, value);
      values.push(typeof value === 'string' ? Number.NaN : value);
    }
    const numbers = Float64Array.from(values);
    const own = Uint32Array.from(fields);
    // A copy: who is here for weeks must not keep the reply of a thousand others.
    const words = new Uint32Array((bytes.length - reader.left) >> 2);
    const skeleton = Buffer.from(words.buffer);
    bytes.copy(skeleton);
    if (LITTLE_ENDIAN) skeleton.swap32();
    pickOut(own, words, 0, numbers);
    return {
      stats: { ...domain, shape: step, numbers, texts },
      bytes: skeleton,
      fields: own,
    };
  }

  #next(step: Step, reader: XdrReader): Step {
    const length = reader.peek(4).readUInt32BE(0);
    if (length > LONGEST_NAME) {
      throw new SyntaxError(`a name of ${length} bytes, and ${LONGEST_NAME} are allowed`);
    }
    const bytes = reader.fixed(4 + length + (-length & 3) + 4);
    const key = bytes.toString('latin1');
    let next = step.others.get(key);
    if (next === undefined) {
      const type = bytes.readUInt32BE(bytes.length - 4);
      if (type < INT || type > STRING) throw new SyntaxError(`a value of the type ${type}`);
      next = new Step(step, bytes.toString('utf8', 4, 4 + length), type, Uint8Array.from(bytes));
      step.others.set(key, next);
      this.#steps += 1;
    }
    step.likely = next;
    return next;
  }
}

/** A reply, and the same in words of the processor's, which numbers are taken out of. */
interface Reply {
  readonly payload: Buffer;
  readonly words: Uint32Array;
  /** The bytes of `words`. */
  readonly copy: Buffer;
}

/**
 * Whether the same is said of a guest as before, but for the numbers: they are those of the reply then, and
 * nonsense if not.
 *
 * @param at where the guest begins, in bytes.
 */
function isAsKnown({ stats, bytes, fields }: Known, reply: Reply, at: number): boolean {
  const { payload, words, copy } = reply;
  const end = at + bytes.length;
  if (end > copy.length) return false;
  pickOut(fields, words, at >> 2, stats.numbers);
  if (copy.compare(bytes, 0, bytes.length, at, end) === 0) return true;
  payload.copy(copy, at, at, end);
  if (LITTLE_ENDIAN) copy.subarray(at, end).swap32();
  return false;
}

/**
 * Takes numbers out of a reply, and leaves 0 in their place. This runs for every value of every guest, in
 * code that V8 does not optimize for long: hence one loop without a call.
 */
function pickOut(
  fields: Uint32Array,
  words: Uint32Array,
  begin: number,
  numbers: Float64Array,
): void {
  const { length } = fields;
  for (let i = 0; i < length; i += 3) {
    const place = begin + (fields[i] as number);
    const kind = fields[i + 1];
    const high = words[place] as number;
    words[place] = 0;
    if (kind === WIDE) {
      const low = words[place + 1] as number;
      words[place + 1] = 0;
      numbers[fields[i + 2] as number] = high === 0 ? low : (high | 0) * 2 ** 32 + low;
    } else numbers[fields[i + 2] as number] = kind === SIGNED ? high | 0 : high;
  }
}

function readValue(reader: XdrReader, type: number): number | string {
  switch (type) {
    // Where it does not know, libvirt says -1, with a sign or without.
    case ULLONG:
    case LLONG:
      return reader.hyperNumber();
    case INT:
    case BOOLEAN:
      return reader.int();
    case UINT:
      return reader.uint();
    case DOUBLE:
      return reader.double();
    default:
      return reader.string(LONGEST_TEXT);
  }
}
