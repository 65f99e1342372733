/**
 * The XML that gmond serves on TCP 8649: a whole cluster as one of its nodes knows it, byte for byte as gmond
 * 3.7 writes it. gmetad and the Ganglia web read it, and nodes that know each other by a list of peers.
 *
 * gmond escapes little, and one odd packet so breaks the page for all hosts. gmetad reads entities and writes
 * bare characters, so what is escaped for it breaks the page that it serves itself. Both are left without a
 * choice: characters with a meaning in XML are replaced by harmless ones, and nothing beyond ASCII is written
 * but as a number.
 *
 * @see https://github.com/ganglia/monitor-core/blob/master/gmond/gmond.c
 */
import type { GangliaMetadata } from '../ganglia.ts';

/** What is known of one metric of a host. */
export interface KnownMetric
  extends Pick<GangliaMetadata, 'type' | 'units' | 'tmax' | 'dmax' | 'extra'> {
  readonly name: string;
  /** As its sender would print it. */
  readonly value: string;
  /** A slope, by whatever name a peer gave it. */
  readonly slope: string;
  /** When the value was heard, in milliseconds on a clock of the caller's. */
  readonly heard: number;
}

/** What is known of one host. */
export interface KnownHost {
  readonly name: string;
  /** Its IP address, or what a spoofed packet said instead. */
  readonly address: string;
  readonly tags: string;
  readonly location: string;
  /** When its agent started, in seconds since the Unix epoch; 0 where it did not say. */
  readonly started: number;
  /** Seconds between two words of it at most. */
  readonly tmax: number;
  /** Seconds of silence after which it is forgotten; 0 is never. */
  readonly dmax: number;
  /** When anything was heard of it, in milliseconds on a clock of the caller's. */
  readonly heard: number;
  readonly metrics: Iterable<KnownMetric>;
}

/** What gmond says of the cluster as a whole. */
export interface ClusterFacts {
  readonly name: string;
  readonly owner: string;
  readonly latlong: string;
  readonly url: string;
}

/** Now, on the two clocks that a page speaks of. */
export interface Moment {
  /** Milliseconds since the Unix epoch. */
  readonly wall: number;
  /** Milliseconds on the clock of `heard`. */
  readonly steady: number;
}

/** Characters in a piece of a page, about. */
const PIECE = 16_384;

/** gmond's document type, which says what a page may hold. */
const TYPES =
  'string | int8 | uint8 | int16 | uint16 | int32 | uint32 | float | double | timestamp';
const SLOPES = 'zero | positive | negative | both | unspecified';
const HEAD = `<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>
<!DOCTYPE GANGLIA_XML [
   <!ELEMENT GANGLIA_XML (GRID|CLUSTER|HOST)*>
      <!ATTLIST GANGLIA_XML VERSION CDATA #REQUIRED>
      <!ATTLIST GANGLIA_XML SOURCE CDATA #REQUIRED>
   <!ELEMENT GRID (CLUSTER | GRID | HOSTS | METRICS)*>
      <!ATTLIST GRID NAME CDATA #REQUIRED>
      <!ATTLIST GRID AUTHORITY CDATA #REQUIRED>
      <!ATTLIST GRID LOCALTIME CDATA #IMPLIED>
   <!ELEMENT CLUSTER (HOST | HOSTS | METRICS)*>
      <!ATTLIST CLUSTER NAME CDATA #REQUIRED>
      <!ATTLIST CLUSTER OWNER CDATA #IMPLIED>
      <!ATTLIST CLUSTER LATLONG CDATA #IMPLIED>
      <!ATTLIST CLUSTER URL CDATA #IMPLIED>
      <!ATTLIST CLUSTER LOCALTIME CDATA #REQUIRED>
   <!ELEMENT HOST (METRIC)*>
      <!ATTLIST HOST NAME CDATA #REQUIRED>
      <!ATTLIST HOST IP CDATA #REQUIRED>
      <!ATTLIST HOST LOCATION CDATA #IMPLIED>
      <!ATTLIST HOST TAGS CDATA #IMPLIED>
      <!ATTLIST HOST REPORTED CDATA #REQUIRED>
      <!ATTLIST HOST TN CDATA #IMPLIED>
      <!ATTLIST HOST TMAX CDATA #IMPLIED>
      <!ATTLIST HOST DMAX CDATA #IMPLIED>
      <!ATTLIST HOST GMOND_STARTED CDATA #IMPLIED>
   <!ELEMENT METRIC (EXTRA_DATA*)>
      <!ATTLIST METRIC NAME CDATA #REQUIRED>
      <!ATTLIST METRIC VAL CDATA #REQUIRED>
      <!ATTLIST METRIC TYPE (${TYPES}) #REQUIRED>
      <!ATTLIST METRIC UNITS CDATA #IMPLIED>
      <!ATTLIST METRIC TN CDATA #IMPLIED>
      <!ATTLIST METRIC TMAX CDATA #IMPLIED>
      <!ATTLIST METRIC DMAX CDATA #IMPLIED>
      <!ATTLIST METRIC SLOPE (${SLOPES}) #IMPLIED>
      <!ATTLIST METRIC SOURCE (gmond) 'gmond'>
   <!ELEMENT EXTRA_DATA (EXTRA_ELEMENT*)>
   <!ELEMENT EXTRA_ELEMENT EMPTY>
      <!ATTLIST EXTRA_ELEMENT NAME CDATA #REQUIRED>
      <!ATTLIST EXTRA_ELEMENT VAL CDATA #REQUIRED>
   <!ELEMENT HOSTS EMPTY>
      <!ATTLIST HOSTS UP CDATA #REQUIRED>
      <!ATTLIST HOSTS DOWN CDATA #REQUIRED>
      <!ATTLIST HOSTS SOURCE (gmond | gmetad) #REQUIRED>
   <!ELEMENT METRICS (EXTRA_DATA*)>
      <!ATTLIST METRICS NAME CDATA #REQUIRED>
      <!ATTLIST METRICS SUM CDATA #REQUIRED>
      <!ATTLIST METRICS NUM CDATA #REQUIRED>
      <!ATTLIST METRICS TYPE (${TYPES}) #REQUIRED>
      <!ATTLIST METRICS UNITS CDATA #IMPLIED>
      <!ATTLIST METRICS SLOPE (${SLOPES}) #IMPLIED>
      <!ATTLIST METRICS SOURCE (gmond) 'gmond'>
]>
<GANGLIA_XML VERSION="3.7.2" SOURCE="gmond">
`;

/** Writes a page, piece by piece and all in ASCII, so that it need not be in memory whole. */
export function* renderCluster(
  { name, owner, latlong, url }: ClusterFacts,
  hosts: Iterable<KnownHost>,
  { wall, steady }: Moment,
): Generator<string, void> {
  const local = Math.floor(wall / 1000);
  let text = `${HEAD}<CLUSTER NAME="${safe(name)}" LOCALTIME="${local}" OWNER="${safe(owner)}" LATLONG="${safe(latlong)}" URL="${safe(url)}">\n`;
  for (const host of hosts) {
    const tn = secondsSince(host.heard, steady);
    text += `<HOST NAME="${safe(host.name)}" IP="${safe(host.address)}" TAGS="${safe(host.tags)}" REPORTED="${local - tn}" TN="${tn}" TMAX="${host.tmax}" DMAX="${host.dmax}" LOCATION="${safe(host.location)}" GMOND_STARTED="${host.started}">\n`;
    for (const metric of host.metrics) {
      text += renderMetric(metric, steady);
      if (text.length < PIECE) continue;
      yield text;
      text = '';
    }
    text += '</HOST>\n';
  }
  yield `${text}</CLUSTER>\n</GANGLIA_XML>\n`;
}

function renderMetric(metric: KnownMetric, steady: number): string {
  const { name, value, type, units, tmax, dmax, slope, heard, extra } = metric;
  let text = `<METRIC NAME="${safe(name)}" VAL="${safe(value)}" TYPE="${safe(type)}" UNITS="${safe(units)}" TN="${secondsSince(heard, steady)}" TMAX="${tmax}" DMAX="${dmax}" SLOPE="${safe(slope)}">\n<EXTRA_DATA>\n`;
  for (const [key, said] of extra) {
    text += `<EXTRA_ELEMENT NAME="${safe(key)}" VAL="${safe(said)}"/>\n`;
  }
  return `${text}</EXTRA_DATA>\n</METRIC>\n`;
}

const secondsSince = (heard: number, now: number): number =>
  Math.max(0, Math.floor((now - heard) / 1000));

const PLAIN = /^[ !#-%'-;=?-~]*$/;
const SPECIAL = /[^ !#-%'-;=?-~]/gu;
const INSTEAD: Readonly<Record<string, string>> = { '<': '(', '>': ')', '&': '+', '"': "'" };
/** What XML allows, of what is beyond ASCII. */
const ALLOWED = /[\u0080-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

const safe = (text: string): string => (PLAIN.test(text) ? text : text.replace(SPECIAL, harmless));

function harmless(char: string): string {
  if (ALLOWED.test(char)) return `&#${char.codePointAt(0)};`;
  return INSTEAD[char] ?? ' ';
}

/**
 * The elements that matter, each with attributes that are well formed. What gmond's poisoned pages have besides
 * is not seen, and costs the element it is in.
 */
const ELEMENT =
  /<(HOST|METRIC|EXTRA_ELEMENT|\/HOST|\/METRIC|\/GANGLIA_XML)((?: [A-Z_]+="[^"]*")*)\/?>/g;
const ATTRIBUTE = / ([A-Z_]+)="([^"]*)"/g;
const ENTITY = /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([\da-fA-F]{1,6}));/g;
const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

/** Characters in an element, at most: gmond's own are of a kilobyte or two. */
const LONGEST_ELEMENT = 16_384;

/** Reads a page of gmond's as it arrives, and hands on host by host. It holds one of them, and never throws. */
export class ClusterReader {
  readonly #now: number;
  readonly #limit: number;
  readonly #take: (host: KnownHost) => void;
  #rest = '';
  #host: (KnownHost & { readonly metrics: KnownMetric[] }) | undefined;
  #extra: (readonly [string, string])[] = [];
  #whole = false;

  /**
   * @param now milliseconds on the clock that `heard` is counted on.
   * @param limit metrics of a host, at most; the others are passed over.
   */
  constructor(now: number, limit: number, take: (host: KnownHost) => void) {
    this.#now = now;
    this.#limit = limit;
    this.#take = take;
  }

  /** Whether the page came to its end. */
  get whole(): boolean {
    return this.#whole;
  }

  push(text: string): void {
    const page = this.#rest + text;
    let done = 0;
    for (const match of page.matchAll(ELEMENT)) {
      this.#element(match[1] ?? '', match[2] ?? '');
      done = match.index + match[0].length;
    }
    const open = page.lastIndexOf('<');
    const begun = open < done ? page.length : open;
    this.#rest = copy(page.slice(Math.max(begun, page.length - LONGEST_ELEMENT)));
  }

  #element(name: string, attributes: string): void {
    if (name === '/GANGLIA_XML') this.#whole = true;
    else if (name === 'HOST') {
      this.#host = hostOf(attributesOf(attributes), this.#now);
    } else if (name === '/HOST') {
      if (this.#host !== undefined) this.#take(this.#host);
      this.#host = undefined;
    } else if (name === 'METRIC') {
      this.#extra = [];
      if (this.#host === undefined || this.#host.metrics.length >= this.#limit) return;
      this.#host.metrics.push(metricOf(attributesOf(attributes), this.#now, this.#extra));
    } else if (name === 'EXTRA_ELEMENT' && this.#extra.length < MOST_EXTRA) {
      const { NAME = '', VAL = '' } = attributesOf(attributes);
      this.#extra.push([NAME, VAL]);
    }
  }
}

/** A packet of gmond's holds fewer. */
const MOST_EXTRA = 180;

type Attributes = Readonly<Record<string, string>>;

function attributesOf(text: string): Attributes {
  const attributes: Record<string, string> = {};
  for (const [, key = '', value = ''] of text.matchAll(ATTRIBUTE)) {
    attributes[key] = copy(value.includes('&') ? value.replace(ENTITY, meant) : value);
  }
  return attributes;
}

function meant(entity: string, name?: string, decimal?: string, hex?: string): string {
  if (name !== undefined) return ENTITIES[name] ?? entity;
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  return code <= 0x10ffff ? String.fromCodePoint(code) : entity;
}

/** A text of its own: V8 keeps the whole page in memory for a piece of it. */
const copy = (text: string): string => Buffer.from(text).toString();

const whole = (text = ''): number => (/^\d{1,10}$/.test(text) ? Number(text) : 0);

const hostOf = (said: Attributes, now: number) => ({
  name: said['NAME'] ?? '',
  address: said['IP'] ?? '',
  tags: said['TAGS'] ?? '',
  location: said['LOCATION'] ?? '',
  started: whole(said['GMOND_STARTED']),
  tmax: whole(said['TMAX']),
  dmax: whole(said['DMAX']),
  heard: now - whole(said['TN']) * 1000,
  metrics: [],
});

const metricOf = (said: Attributes, now: number, extra: KnownMetric['extra']): KnownMetric => ({
  name: said['NAME'] ?? '',
  value: said['VAL'] ?? '',
  type: said['TYPE'] ?? '',
  units: said['UNITS'] ?? '',
  slope: said['SLOPE'] ?? '',
  tmax: whole(said['TMAX']),
  dmax: whole(said['DMAX']),
  heard: now - whole(said['TN']) * 1000,
  extra,
});
