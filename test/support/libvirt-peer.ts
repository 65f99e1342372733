import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ERROR, type Frame, FrameReader, KEEPALIVE, OK, PONG, REPLY } from 'cullinan/wire/libvirt';
import { type Domain, PROCEDURES, type Procedure, writeDomain } from 'cullinan/wire/libvirt/calls';
import { XdrReader, XdrWriter } from 'cullinan/wire/xdr';
import { recorded } from './libvirt-session.ts';

/** A value as libvirt sends it: its name, and what it is. */
export type Parameter = readonly [name: string, value: number | string];

export interface PeerGuest extends Domain {
  readonly values: readonly Parameter[];
  readonly xml?: string;
  /** Asking for it fails, and with it every call that asks for others, too. */
  readonly broken?: boolean;
}

/** An answer that is an error: code, domain, message. */
export interface Refusal {
  readonly code: number;
  readonly domain?: number;
  readonly message: string;
}

/** Does something else with a call than answering it; `true` if it did. */
export type Interception = (call: Frame, socket: Socket, peer: LibvirtPeer) => boolean;

const { CONNECT_OPEN, CONNECT_GET_ALL_DOMAIN_STATS, DOMAIN_GET_XML_DESC } = PROCEDURES;
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(PROCEDURES).map(([name, number]) => [number, name] as const),
);
/** Which guests are meant, in the flags of a call. */
const ACTIVE = 1;
const INACTIVE = 2;
const INT = new Set(['state.state', 'state.reason', 'vcpu.0.state', 'vcpu.1.state']);

/** A frame that answers a call. */
function reply({ procedure, serial }: Frame, payload: Buffer, status = OK): Buffer {
  const header = new XdrWriter()
    .uint(28 + payload.length)
    .uint(0x2000_8086)
    .uint(1);
  return Buffer.concat([
    header.int(procedure).uint(REPLY).uint(serial).uint(status).finish(),
    payload,
  ]);
}

/** libvirt's error, with all that comes behind the message. */
export const refuse = (call: Frame, { code, domain = 20, message }: Refusal): Buffer => {
  const error = new XdrWriter().int(code).int(domain).uint(1).string(message).int(2);
  for (let absent = 0; absent < 4; absent += 1) error.uint(0);
  return reply(call, error.int(-1).int(-1).uint(0).finish(), ERROR);
};

/** The record of a guest in a reply, with libvirt's types. */
function record({ values, ...domain }: PeerGuest): Buffer {
  const writer = writeDomain(new XdrWriter(), domain).uint(values.length);
  for (const [name, value] of values) {
    writer.string(name);
    if (typeof value === 'string') writer.int(7).string(value);
    else if (INT.has(name)) writer.int(1).int(value);
    else if (/count$|current$|vcpu\.maximum$|backingIndex$/.test(name) && !name.includes('balloon'))
      writer.int(2).uint(value);
    else if (value < 0) writer.int(3).hyper(BigInt(value));
    else writer.int(4).uhyper(BigInt(value));
  }
  return writer.finish();
}

/** What `virsh domstats --raw` prints, as values. */
export const parameters = (printed: Readonly<Record<string, string>>): Parameter[] =>
  Object.entries(printed).map(([name, text]) => [name, /^-?\d+$/.test(text) ? Number(text) : text]);

/** A guest that libvirt 9.0.0 told of in the recorded session. */
export function recordedGuest(): PeerGuest {
  const [{ params }] = recorded('reply', CONNECT_GET_ALL_DOMAIN_STATS).decoded as [
    { params: Record<string, number | string> },
  ];
  const values = parameters(
    Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)])),
  );
  return { name: 'tiny', uuid: '11111111-2222-3333-4444-555555555555', id: 5, values };
}

/** Something that speaks as libvirt does, about guests that a test makes up. */
export class LibvirtPeer implements AsyncDisposable {
  readonly path: string;
  guests: readonly PeerGuest[] = [];
  /** How one may say who one is: 0 needs no words, 1 is SASL, 2 polkit. */
  auth: readonly number[] = [0];
  intercept: Interception | undefined;
  /** The procedures that were called, by name. */
  readonly calls: string[] = [];
  /** What was asked for in the calls for statistics: groups, and flags. */
  readonly asked: { readonly stats: number; readonly flags: number }[] = [];
  /** Which URIs were opened, and with which flags. */
  readonly opened: string[] = [];
  connections = 0;
  readonly #folder: string;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  /** Records are made once for each guest: a thousand of them take longer to write than to read. */
  readonly #records = new WeakMap<PeerGuest, Buffer>();

  private constructor(name: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'libvirt-'));
    this.path = join(this.#folder, name);
    mkdirSync(dirname(this.path), { recursive: true });
  }

  /** @param name of the socket, in a folder of its own. */
  static async listen(
    guests: readonly PeerGuest[] = [],
    name = 'libvirt-sock-ro',
  ): Promise<LibvirtPeer> {
    const peer = new LibvirtPeer(name);
    peer.guests = guests;
    await peer.listen();
    return peer;
  }

  /** Begins to listen, again after {@link kill}. */
  async listen(): Promise<void> {
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  /** Dies: all connections end, and nobody listens. */
  async kill(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    const reader = new FrameReader();
    socket.on('data', (bytes) => {
      for (const call of reader.push(bytes)) {
        if (call.program === KEEPALIVE) {
          this.calls.push(call.procedure === PONG ? 'PONG' : 'PING');
          continue;
        }
        this.calls.push(NAMES.get(call.procedure) ?? String(call.procedure));
        if (this.intercept?.(call, socket, this) !== true) socket.write(this.answer(call));
      }
    });
  }

  /** What libvirt would say. */
  answer(call: Frame): Buffer {
    const { procedure, payload } = call;
    const name = NAMES.get(procedure) as Procedure | undefined;
    const reader = new XdrReader(payload);
    switch (name) {
      case 'AUTH_LIST': {
        const ways = new XdrWriter().uint(this.auth.length);
        for (const way of this.auth) ways.int(way);
        return reply(call, ways.finish());
      }
      case 'AUTH_POLKIT':
        return reply(call, new XdrWriter().int(1).finish());
      case 'CONNECT_OPEN':
        reader.uint();
        this.opened.push(`${reader.string()} ${reader.uint()}`);
        return reply(call, Buffer.alloc(0));
      case 'NODE_GET_INFO': {
        const node = new XdrWriter().fixed(Buffer.alloc(128)).uhyper(16_777_216n).int(8);
        for (const number of [2600, 1, 1, 8, 1]) node.int(number);
        return reply(call, node.finish());
      }
      case 'CONNECT_LIST_ALL_DOMAINS': {
        reader.int();
        const found = this.#meant(reader.uint());
        const domains = new XdrWriter().uint(found.length);
        for (const domain of found) writeDomain(domains, domain);
        return reply(call, domains.uint(found.length).finish());
      }
      case 'CONNECT_GET_ALL_DOMAIN_STATS':
        return this.#stats(call, reader);
      case 'DOMAIN_GET_XML_DESC': {
        const wanted = reader.string();
        const guest = this.guests.find(({ name }) => name === wanted);
        if (guest === undefined) return refuse(call, { code: 42, message: 'Domain not found' });
        return reply(call, new XdrWriter().string(guest.xml ?? '<domain/>').finish());
      }
      case 'CONNECT_CLOSE':
        return reply(call, Buffer.alloc(0));
      default:
        return refuse(call, { code: 39, message: `unknown procedure: ${procedure}` });
    }
  }

  #meant(flags: number): readonly PeerGuest[] {
    return this.guests.filter(
      ({ id }) => (flags & 3) === 0 || (flags & (id < 0 ? INACTIVE : ACTIVE)) !== 0,
    );
  }

  #stats(call: Frame, reader: XdrReader): Buffer {
    const wanted = new Set<string>();
    for (let left = reader.count(10_000, 24); left > 0; left -= 1) {
      wanted.add(reader.string());
      reader.fixed(20);
    }
    const stats = reader.uint();
    const flags = reader.uint();
    this.asked.push({ stats, flags });
    const found =
      wanted.size > 0 ? this.guests.filter(({ name }) => wanted.has(name)) : this.#meant(flags);
    if (found.length < wanted.size) return refuse(call, { code: 42, message: 'Domain not found' });
    if (found.some(({ broken }) => broken)) {
      return refuse(call, { code: 1, message: 'internal error: cannot read it' });
    }
    const records = found.map((guest) => {
      const known = this.#records.get(guest) ?? record(guest);
      this.#records.set(guest, known);
      return known;
    });
    return reply(call, Buffer.concat([new XdrWriter().uint(found.length).finish(), ...records]));
  }
}

/** Whether a call asks for everything of guests, or for one's XML, or to be let in. */
export const isFor = {
  stats: ({ procedure }: Frame) => procedure === CONNECT_GET_ALL_DOMAIN_STATS,
  xml: ({ procedure }: Frame) => procedure === DOMAIN_GET_XML_DESC,
  open: ({ procedure }: Frame) => procedure === CONNECT_OPEN,
} as const;
