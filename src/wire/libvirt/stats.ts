/**
 * CONNECT_GET_ALL_DOMAIN_STATS: everything of all guests in one reply, as `virsh domstats --raw` prints it.
 *
 * Each guest is a list of named values, some fifty of them, so a thousand guests are 1.7 MB. But from one tick
 * to the next hardly anything changes but the numbers. So a reply is first taken for the one before with
 * other numbers: they are picked out, and what is left is compared as a whole. Only where that is not the
 * same the reply is read from its beginning to its end.
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

/** A reply that was read, without its numbers: what the next one is compared with. */
interface Skeleton {
  readonly domains: readonly DomainStats[];
  /** The reply, with 0 in place of numbers. */
  readonly bytes: Buffer;
  /** Which words of the reply are numbers, how each is sent, and where it goes in `numbers`. */
  readonly places: Uint32Array;
  readonly kinds: Uint8Array;
  readonly slots: Uint32Array;
  /** The numbers of all guests, one after the other. */
  readonly numbers: Float64Array;
  /** The words of each of `places`, as they were sent. */
  readonly sent: Uint32Array;
}

/** Reads the replies to one question, and remembers the latest. */
export class StatsReader {
  #first = beginning();
  #steps = 0;
  #skeleton: Skeleton | undefined;

  /** Whether it still needs what it was last given to read. */
  keeps(payload: Buffer): boolean {
    return this.#skeleton?.bytes === payload;
  }

  /**
   * @param payload is taken over: nobody else may use it any more.
   * @throws a SyntaxError if the reply is not as documented.
   */
  read(payload: Buffer): readonly DomainStats[] {
    const known = this.#skeleton;
    if (known !== undefined && payload.length === known.bytes.length) {
      const words = wordsOf(payload);
      pickOut(known, words);
      if (payload.equals(known.bytes)) return known.domains;
      putBack(known, words);
      if (LITTLE_ENDIAN) payload.swap32();
    }
    this.#skeleton = undefined;
    return this.#readWhole(payload);
  }

  #readWhole(payload: Buffer): readonly DomainStats[] {
    if (this.#steps > MOST_STEPS) {
      this.#first = beginning();
      this.#steps = 0;
    }
    const reader = new XdrReader(payload);
    const guests: (Domain & { shape: Shape; begin: number; texts: Map<number, string> })[] = [];
    const values: number[] = [];
    const places: number[] = [];
    const kinds: number[] = [];
    const slots: number[] = [];
    for (let left = readDomains(reader); left > 0; left -= 1) {
      const domain = readDomain(reader);
      const texts = new Map<number, string>();
      const begin = values.length;
      let step = this.#first;
      for (let more = reader.count(MOST_VALUES, SHORTEST_VALUE); more > 0; more -= 1) {
        const { likely } = step;
        step =
          likely !== undefined && reader.match(likely.bytes) ? likely : this.#next(step, reader);
        const kind = KINDS.get(step.type);
        if (kind !== undefined) {
          places.push((payload.length - reader.left) / 4);
          kinds.push(kind);
          slots.push(values.length);
        }
        const value = readValue(reader, step.type);
        if (typeof value === 'string') texts.set(values.length - begin, value);
        values.push(typeof value === 'string' ? Number.NaN : value);
      }
      guests.push({ ...domain, shape: step, begin, texts });
    }
    const numbers = Float64Array.from(values);
    const domains = guests.map(({ begin, name, uuid, id, shape, texts }, i) => {
      const its = numbers.subarray(begin, guests[i + 1]?.begin ?? values.length);
      return { name, uuid, id, shape, numbers: its, texts };
    });
    // What is no whole number of words was not written by libvirt, and is read anew each time.
    if (payload.length % 4 === 0 && payload.byteOffset % 4 === 0) {
      this.#skeleton = {
        ...{ domains, numbers, bytes: payload },
        ...{ places: Uint32Array.from(places), kinds: Uint8Array.from(kinds) },
        ...{ slots: Uint32Array.from(slots), sent: new Uint32Array(2 * places.length) },
      };
      pickOut(this.#skeleton, wordsOf(payload));
    }
    return domains;
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

/** The words of a payload as numbers: its bytes are in the processor's own order afterwards. */
function wordsOf(payload: Buffer): Uint32Array {
  if (LITTLE_ENDIAN) payload.swap32();
  return new Uint32Array(payload.buffer, payload.byteOffset, payload.length / 4);
}

/**
 * Takes the numbers out of a reply, and leaves 0 in their place. This runs for every value of every guest,
 * in code that V8 does not optimize for long: hence one loop without a call.
 */
function pickOut({ places, kinds, slots, numbers, sent }: Skeleton, words: Uint32Array): void {
  const { length } = places;
  for (let i = 0; i < length; i += 1) {
    const place = places[i] as number;
    const kind = kinds[i];
    const high = words[place] as number;
    words[place] = 0;
    sent[2 * i] = high;
    if (kind === WIDE) {
      const low = words[place + 1] as number;
      words[place + 1] = 0;
      sent[2 * i + 1] = low;
      numbers[slots[i] as number] = high === 0 ? low : (high | 0) * 2 ** 32 + low;
    } else numbers[slots[i] as number] = kind === SIGNED ? high | 0 : high;
  }
}

/** Undoes what {@link pickOut} did to the reply. */
function putBack({ places, kinds, sent }: Skeleton, words: Uint32Array): void {
  for (const [i, place] of places.entries()) {
    words[place] = sent[2 * i] as number;
    if (kinds[i] === WIDE) words[place + 1] = sent[2 * i + 1] as number;
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
