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

/** What is the same in what is said of many guests: all of it but numbers and texts. */
interface Form {
  /** In words of the processor's, with 0 in place of numbers and texts. */
  readonly bytes: Buffer;
  /** For each number: which word it is, how it is sent, and its place among the guest's values. */
  readonly fields: Uint32Array;
  /** For each text: which word it begins with, and how many it has. */
  readonly spans: Uint32Array;
}

/** What was said of a guest. */
interface Known {
  readonly stats: DomainStats;
  readonly form: Form;
  /** The words of its texts, one after the other: its name, its UUID and its number first. */
  readonly own: Uint32Array;
}

/** Bytes of a reply that are looked at together, where a guest has fewer. */
const WINDOW = 65_536;
/** Forms among which one is looked for: guests have few. */
const MOST_FORMS = 64;

/** Reads the replies to one question, and remembers the latest. */
export class StatsReader {
  #first = beginning();
  #steps = 0;
  #known: readonly Known[] = [];
  #stats: readonly DomainStats[] = [];
  #forms: Form[] = [];
  readonly #window = new Window();

  /** @throws a SyntaxError if the reply is not as documented. */
  read(payload: Buffer): readonly DomainStats[] {
    const before = this.#known;
    const window = this.#window;
    window.open(payload);
    const now: Known[] = [];
    let places: ReadonlyMap<string, number> | undefined;
    let at = 4;
    let next = 0;
    for (let left = readDomains(new XdrReader(payload)); left > 0; left -= 1) {
      let known = before[next];
      if (known !== undefined && window.shows(known, at)) next += 1;
      else {
        // Another guest than the last time, or the same with other values.
        places ??= new Map(before.map(({ stats }, place) => [stats.uuid, place]));
        const place = places.get(readDomain(new XdrReader(payload.subarray(at))).uuid);
        known = place === undefined || place === next ? undefined : before[place];
        if (known === undefined || !window.shows(known, at)) {
          known = this.#readGuest(payload.subarray(at));
        }
        if (place !== undefined) next = place + 1;
      }
      now.push(known);
      at += known.form.bytes.length;
    }
    window.close();
    if (places !== undefined || now.length !== before.length) {
      this.#known = now;
      this.#stats = now.map(({ stats }) => stats);
      this.#forms = [...new Set(now.map(({ form }) => form))];
    }
    return this.#stats;
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
    const place = (): number => (bytes.length - reader.left) >> 2;
    // All of the domain but how long its name is.
    const spans = [1, place() - 1];
    let step = this.#first;
    for (let more = reader.count(MOST_VALUES, SHORTEST_VALUE); more > 0; more -= 1) {
      const { likely } = step;
      step = likely !== undefined && reader.match(likely.bytes) ? likely : this.#next(step, reader);
      const kind = KINDS.get(step.type);
      const begin = place();
      if (kind !== undefined) fields.push(begin, kind, values.length);
      const value = readValue(reader, step.type);
      if (typeof value === 'string') {
        texts.set(values.length, value);
        spans.push(begin + 1, place() - begin - 1);
      }
      values.push(typeof value === 'string' ? Number.NaN : value);
    }
    const numbers = Float64Array.from(values);
    // A copy: who is here for weeks must not keep the reply of a thousand others.
    const words = new Uint32Array(place());
    const skeleton = Buffer.from(words.buffer);
    bytes.copy(skeleton);
    if (LITTLE_ENDIAN) skeleton.swap32();
    const found = {
      bytes: skeleton,
      fields: Uint32Array.from(fields),
      spans: Uint32Array.from(spans),
    };
    pickOut(found.fields, words, 0, numbers);
    const own = cutOut(found.spans, words);
    return {
      stats: { ...domain, shape: step, numbers, texts },
      form: this.#formOf(found),
      own,
    };
  }

  #formOf(found: Form): Form {
    const known = this.#forms.slice(-MOST_FORMS).find(({ bytes }) => bytes.equals(found.bytes));
    if (known === undefined) this.#forms.push(found);
    return known ?? found;
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

const NOTHING = Buffer.alloc(0);

/** A part of a reply, in words of the processor's: numbers and texts are taken out of it. */
class Window {
  #words = new Uint32Array();
  #bytes: Buffer = NOTHING;
  #payload: Buffer = NOTHING;
  /** Bytes of the reply that are looked at: what is behind its last whole word was not written by libvirt. */
  #length = 0;
  /** Which of them are in the window. */
  #from = 0;
  #to = 0;

  open(payload: Buffer): void {
    this.#payload = payload;
    this.#length = payload.length & ~3;
    this.#to = 0;
  }

  /** Lets go of the reply. */
  close(): void {
    this.open(NOTHING);
    if (this.#bytes.length > WINDOW) this.#resize(WINDOW);
  }

  /**
   * Whether the same is said of a guest as before, but for the numbers: they are those of the reply then, and
   * nonsense if not.
   *
   * @param at where the guest begins, in bytes.
   */
  shows({ stats, form, own }: Known, at: number): boolean {
    const { bytes, fields, spans } = form;
    const end = at + bytes.length;
    if (end > this.#length) return false;
    if (this.#to < end || this.#from > at) this.#move(at, bytes.length);
    const begin = at - this.#from;
    pickOut(fields, this.#words, begin >> 2, stats.numbers);
    if (
      isCutOut(spans, this.#words, begin >> 2, own) &&
      this.#bytes.compare(bytes, 0, bytes.length, begin, begin + bytes.length) === 0
    ) {
      return true;
    }
    // It has to be looked at once more, and some of it is gone.
    this.#to = 0;
    return false;
  }

  #move(at: number, atLeast: number): void {
    if (this.#bytes.length < atLeast) this.#resize(Math.max(WINDOW, atLeast));
    this.#from = at;
    this.#to = Math.min(this.#length, at + this.#bytes.length);
    this.#payload.copy(this.#bytes, 0, at, this.#to);
    if (LITTLE_ENDIAN) this.#bytes.swap32();
  }

  #resize(size: number): void {
    this.#words = new Uint32Array(size >> 2);
    this.#bytes = Buffer.from(this.#words.buffer);
  }
}

/** Takes texts out of what is said of a guest, and leaves 0 in their place. */
function cutOut(spans: Uint32Array, words: Uint32Array): Uint32Array {
  const cut: number[] = [];
  for (let i = 0; i < spans.length; i += 2) {
    const begin = spans[i] as number;
    const end = begin + (spans[i + 1] as number);
    for (let place = begin; place < end; place += 1) cut.push(words[place] as number);
    words.fill(0, begin, end);
  }
  return Uint32Array.from(cut);
}

/** The same where the texts are known; whether it is these. */
function isCutOut(spans: Uint32Array, words: Uint32Array, at: number, own: Uint32Array): boolean {
  let known = 0;
  for (let i = 0; i < spans.length; i += 2) {
    const begin = at + (spans[i] as number);
    const end = begin + (spans[i + 1] as number);
    for (let place = begin; place < end; place += 1) {
      if (words[place] !== own[known]) return false;
      words[place] = 0;
      known += 1;
    }
  }
  return true;
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
