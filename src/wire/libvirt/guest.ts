/** What a reply says of one guest, read from its beginning to its end. For libvirt/stats.ts. */
import { XdrReader } from '../xdr.ts';
import { type Domain, readDomain } from './calls.ts';
import {
  cutOut,
  type Form,
  LITTLE_ENDIAN,
  NO_VALUE,
  pickOut,
  SIGNED,
  textsIn,
  UNSIGNED,
  WIDE,
} from './window.ts';

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

/** How numbers of a type are sent. */
const KINDS: ReadonlyMap<number, number> = new Map([
  [LLONG, WIDE],
  [ULLONG, WIDE],
  [INT, SIGNED],
  [BOOLEAN, SIGNED],
  [UINT, UNSIGNED],
]);

/** What was said of a guest. */
export class Told implements DomainStats {
  readonly name: string;
  readonly uuid: string;
  readonly id: number;
  readonly shape: Shape;
  readonly form: Form;
  numbers: Float64Array;
  /** The words of its texts, one after the other, from `ownAt` on: its name, its UUID and its number first. */
  own: Uint32Array;
  ownAt = 0;

  constructor(
    { name, uuid, id }: Domain,
    said: Pick<Told, 'shape' | 'form' | 'numbers'>,
    own: Uint32Array,
  ) {
    this.name = name;
    this.uuid = uuid;
    this.id = id;
    this.shape = said.shape;
    this.form = said.form;
    this.numbers = said.numbers;
    this.own = own;
  }

  get texts(): ReadonlyMap<number, string> {
    return textsIn(this.form, this.own, this.ownAt);
  }
}

/** Forms among which one is looked for: guests have few. */
const MOST_FORMS = 64;

/** Reads guests one by one. What they have in common is kept once. */
export class GuestReader {
  #first = beginning();
  #steps = 0;
  #forms: Form[] = [];

  /** Forgets what these have not. */
  keep(guests: readonly Told[]): void {
    this.#forms = [...new Set(guests.map(({ form }) => form))].slice(-MOST_FORMS);
  }

  /**
   * Reads the guest that these bytes begin with.
   *
   * @throws a SyntaxError if it is not as documented, or not whole.
   */
  read(bytes: Buffer): Told {
    if (this.#steps > MOST_STEPS) {
      this.#first = beginning();
      this.#steps = 0;
    }
    const reader = new XdrReader(bytes);
    const domain = readDomain(reader);
    const values: number[] = [];
    const fields: number[] = [];
    const place = (): number => (bytes.length - reader.left) >> 2;
    // All of the domain but how long its name is.
    const spans = [1, place() - 1, NO_VALUE];
    let step = this.#first;
    for (let more = reader.count(MOST_VALUES, SHORTEST_VALUE); more > 0; more -= 1) {
      const { likely } = step;
      step = likely !== undefined && reader.match(likely.bytes) ? likely : this.#next(step, reader);
      const kind = KINDS.get(step.type);
      const begin = place();
      if (kind !== undefined) fields.push(begin, kind, values.length);
      const value = readValue(reader, step.type);
      if (typeof value === 'string') {
        spans.push(begin + 1, place() - begin - 1, values.length);
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
    return new Told(domain, { shape: step, form: this.#formOf(found), numbers }, own);
  }

  #formOf(found: Form): Form {
    const forms = this.#forms;
    const known = forms.find(({ bytes }) => bytes.equals(found.bytes));
    if (known !== undefined) return known;
    if (forms.push(found) > MOST_FORMS) forms.shift();
    return found;
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
