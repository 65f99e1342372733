/**
 * CONNECT_GET_ALL_DOMAIN_STATS: everything of all guests in one reply, as `virsh domstats --raw` prints it.
 *
 * Each guest is a list of named values, some sixty of them, and most guests of a host have the same names in
 * the same order. The names make two thirds of the reply, so they are not read again and again but
 * recognized: each is compared with the one that followed its predecessor before.
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

/** A guest's values in the order of the names that its shape has. */
export interface DomainStats extends Domain {
  readonly shape: Shape;
  readonly values: readonly Value[];
}

/** Integers of 64 bits are the nearest number: exact up to 2^53. */
export type Value = number | string;

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

/** Reads replies, and remembers the shapes of guests from one to the next. */
export class StatsReader {
  #first = beginning();
  #steps = 0;

  /** @throws a SyntaxError if the reply is not as documented. */
  read(payload: Uint8Array): readonly DomainStats[] {
    if (this.#steps > MOST_STEPS) {
      this.#first = beginning();
      this.#steps = 0;
    }
    const reader = new XdrReader(payload);
    const all: DomainStats[] = [];
    for (let left = readDomains(reader); left > 0; left -= 1) {
      const { name, uuid, id } = readDomain(reader);
      const values: Value[] = [];
      let step = this.#first;
      for (let more = reader.count(MOST_VALUES, SHORTEST_VALUE); more > 0; more -= 1) {
        const { likely } = step;
        step =
          likely !== undefined && reader.match(likely.bytes) ? likely : this.#next(step, reader);
        values.push(readValue(reader, step.type));
      }
      all.push({ name, uuid, id, shape: step, values });
    }
    return all;
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

function readValue(reader: XdrReader, type: number): Value {
  switch (type) {
    case ULLONG:
      return reader.uhyperNumber();
    case INT:
    case BOOLEAN:
      return reader.int();
    case UINT:
      return reader.uint();
    case LLONG:
      return reader.hyperNumber();
    case DOUBLE:
      return reader.double();
    default:
      return reader.string(LONGEST_TEXT);
  }
}
