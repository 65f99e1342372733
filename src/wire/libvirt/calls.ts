/**
 * What the procedures take and give that the agent calls; all of them only read.
 *
 * Whatever is decoded throws a SyntaxError where it is not as documented, and allocates nothing that a length
 * from outside has made up.
 *
 * @see https://gitlab.com/libvirt/libvirt/-/blob/master/src/remote/remote_protocol.x
 */
import { XdrReader, XdrWriter } from '../xdr.ts';

/** Procedures by libvirt's names for them. */
export const PROCEDURES = {
  CONNECT_OPEN: 1,
  CONNECT_CLOSE: 2,
  NODE_GET_INFO: 6,
  DOMAIN_GET_XML_DESC: 14,
  AUTH_LIST: 66,
  AUTH_POLKIT: 70,
  CONNECT_LIST_ALL_DOMAINS: 273,
  CONNECT_GET_ALL_DOMAIN_STATS: 344,
} as const;

export type Procedure = keyof typeof PROCEDURES;

/** Which way of saying who we are a daemon accepts; of others, the number. */
export const AUTH = { none: 0, sasl: 1, polkit: 2 } as const;

/** Which domains are meant, where several are; no bit is all of them. */
export const DOMAINS = { active: 1, inactive: 2 } as const;

/** A guest as libvirt names it. */
export interface Domain {
  readonly name: string;
  /** In five groups of hexadecimal digits. */
  readonly uuid: string;
  /** A number for as long as it runs; -1 while it does not. */
  readonly id: number;
}

/** What libvirt says went wrong. */
export interface RemoteError {
  /** A number of `virErrorNumber`. */
  readonly code: number;
  /** A number of `virErrorDomain`: which part of libvirt says it. */
  readonly domain: number;
  readonly message: string;
}

/** The machine that the guests run on. */
export interface Node {
  /** Bytes. */
  readonly memory: number;
  /** Logical CPUs that are online. */
  readonly cpus: number;
}

const TEXT = 2 ** 22;
const MOST_DOMAINS = 16_384;
/** Bytes of the shortest domain: an empty name, a UUID and an id. */
const SHORTEST_DOMAIN = 4 + 16 + 4;
const UUID = 16;
const MODEL = 32;
const READ_ONLY = 1;

/** Opens a driver of the daemon, to read only. */
export const encodeOpen = (uri: string): Buffer =>
  new XdrWriter().uint(1).string(uri).uint(READ_ONLY).finish();

export const decodeAuthList = (payload: Uint8Array): readonly number[] => {
  const reader = new XdrReader(payload);
  return Array.from({ length: reader.count(20, 4) }, () => reader.int());
};

export function decodeError(payload: Uint8Array): RemoteError {
  const reader = new XdrReader(payload);
  const code = reader.int();
  const domain = reader.int();
  return { code, domain, message: reader.bool() ? reader.string(TEXT) : '' };
}

/** @see `struct remote_node_get_info_ret` */
export function decodeNode(payload: Uint8Array): Node {
  const reader = new XdrReader(payload);
  // The model: in XDR each letter is a word.
  reader.fixed(MODEL * 4);
  return { memory: reader.uhyperNumber() * 1024, cpus: reader.int() };
}

export function writeDomain(writer: XdrWriter, { name, uuid, id }: Domain): XdrWriter {
  return writer
    .string(name)
    .fixed(Buffer.from(uuid.replaceAll('-', ''), 'hex'))
    .int(id);
}

export function readDomain(reader: XdrReader): Domain {
  const name = reader.string(TEXT);
  const hex = reader.fixed(UUID).toString('hex');
  const parts = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  // In one piece: V8 keeps what was put together from parts in parts, which take ten times as much.
  const uuid = Buffer.from(parts, 'latin1').toString('latin1');
  return { name, uuid, id: reader.int() };
}

/** How many domains follow. */
export const readDomains = (reader: XdrReader): number =>
  reader.count(MOST_DOMAINS, SHORTEST_DOMAIN);

/** Asks which domains there are. */
export const encodeList = (domains: number): Buffer =>
  new XdrWriter().int(1).uint(domains).finish();

export const decodeList = (payload: Uint8Array): readonly Domain[] => {
  const reader = new XdrReader(payload);
  return Array.from({ length: readDomains(reader) }, () => readDomain(reader));
};

/** Asks for a domain's XML as it runs, without its secrets. */
export const encodeXml = (domain: Domain): Buffer =>
  writeDomain(new XdrWriter(), domain).uint(0).finish();

export const decodeXml = (payload: Uint8Array): string => new XdrReader(payload).string(TEXT);
