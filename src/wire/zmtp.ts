/**
 * ZMTP 3.1, ZeroMQ's protocol over TCP, for sockets that only send: PUB and PUSH, without security
 * (NULL) or with a name and a password (PLAIN). Pure: bytes in, bytes out, no socket and no time.
 *
 * Our own, and not the package that binds libzmq: that is native code, which one bundle for every
 * machine cannot hold.
 *
 * @see https://rfc.zeromq.org/spec/37/ (ZMTP 3.1)
 * @see https://rfc.zeromq.org/spec/24/ (PLAIN)
 */

const GREETING = 64;
const SIGNATURE = 10;
const MECHANISM = { from: 12, to: 32 } as const;
const AS_SERVER = 32;
const MORE = 1;
const LONG = 2;
const COMMAND = 4;
/** A body of up to so many bytes has its length in one byte. */
const SHORTEST = 255;

/** What a peer of ours sends is a command or a subscription: longer is none. */
const LONGEST = 65_536;
const MOST_SUBSCRIPTIONS = 10_000;
/** Bytes in all subscriptions of one peer. */
const MOST_SUBSCRIBED = 1_048_576;

/** Who may talk to whom. */
const PEERS = {
  PUB: ['SUB', 'XSUB'],
  PUSH: ['PULL'],
} as const;

export interface ZmtpOptions {
  readonly type: keyof typeof PEERS;
  /** With PLAIN: the name and password that we log in with, or as a server want of the peer. */
  readonly login?: { readonly username: string; readonly password: string } | undefined;
  /** Whether the peer logs in with us; only with a login. */
  readonly server?: boolean;
}

/** One frame: a part of a message, or a command. */
export function zmtpFrame(
  body: Buffer,
  { more = false, command = false }: { readonly more?: boolean; readonly command?: boolean } = {},
): Buffer {
  const long = body.length > SHORTEST;
  const frame = Buffer.allocUnsafe((long ? 9 : 2) + body.length);
  frame[0] = (more ? MORE : 0) | (long ? LONG : 0) | (command ? COMMAND : 0);
  if (long) frame.writeBigUInt64BE(BigInt(body.length), 1);
  else frame[1] = body.length;
  body.copy(frame, frame.length - body.length);
  return frame;
}

/** A message of several parts. */
export const zmtpMessage = (...parts: readonly Buffer[]): Buffer =>
  parts.length === 1
    ? zmtpFrame(parts[0] as Buffer)
    : Buffer.concat(parts.map((part, i) => zmtpFrame(part, { more: i < parts.length - 1 })));

/** Text behind its length in one byte. */
function short(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > SHORTEST) throw new RangeError(`${bytes.length} bytes are too many here`);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

const command = (name: string, ...data: readonly Buffer[]): Buffer =>
  zmtpFrame(Buffer.concat([short(name), ...data]), { command: true });

function property(name: string, value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(value));
  return Buffer.concat([short(name), length, Buffer.from(value)]);
}

function greeting(mechanism: string, server: boolean): Buffer {
  const bytes = Buffer.alloc(GREETING);
  bytes[0] = 0xff;
  bytes[SIGNATURE - 1] = 0x7f;
  bytes[SIGNATURE] = 3;
  bytes[SIGNATURE + 1] = 1;
  bytes.write(mechanism, MECHANISM.from, 'latin1');
  bytes[AS_SERVER] = server ? 1 : 0;
  return bytes;
}

/** The text behind its length at the start of some bytes, and what follows it. */
function shortOf(bytes: Buffer): readonly [text: string, rest: Buffer] {
  const end = 1 + (bytes[0] ?? 0);
  if (bytes.length < end) throw new SyntaxError('one of its commands is cut short');
  return [bytes.toString('utf8', 1, end), bytes.subarray(end)];
}

/** How libzmq refuses a login: its source has the length of "ERROR" and its E in one escape, "\x5E". */
const SLIP = Buffer.from('^RROR');

const commandOf = (body: Buffer): readonly [name: string, data: Buffer] =>
  body.subarray(0, SLIP.length).equals(SLIP)
    ? ['ERROR', body.subarray(SLIP.length)]
    : shortOf(body);

/** The type of a socket, in the properties that a peer says of itself. */
function typeOf(properties: Buffer): string {
  for (let rest = properties; rest.length > 0; ) {
    const [name, value] = shortOf(rest);
    const end = value.length < 4 ? Number.POSITIVE_INFINITY : 4 + value.readUInt32BE();
    if (value.length < end) throw new SyntaxError('one of its properties is cut short');
    if (name.toLowerCase() === 'socket-type') return value.toString('latin1', 4, end);
    rest = value.subarray(end);
  }
  return 'of no type';
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 80));

/**
 * One connection to one peer, from our first byte on: it shakes hands, answers pings and keeps what
 * the peer subscribes to. After that messages can be sent.
 */
export class ZmtpSession {
  readonly #options: ZmtpOptions;
  readonly #send: (bytes: Buffer) => void;
  readonly #mechanism: 'NULL' | 'PLAIN';
  #unread: Buffer = Buffer.alloc(0);
  #greeted = false;
  #admitted = false;
  #ready = false;
  /** By prefix: how often it was subscribed to. */
  readonly #subscriptions = new Map<string, number>();
  #subscribed = 0;

  /** @param send takes what has to be sent to the peer, in order. */
  constructor(options: ZmtpOptions, send: (bytes: Buffer) => void) {
    this.#options = options;
    this.#send = send;
    this.#mechanism = options.login === undefined ? 'NULL' : 'PLAIN';
    send(greeting(this.#mechanism, options.server ?? false));
  }

  /** Whether hands are shaken: before that nothing else may be sent. */
  get ready(): boolean {
    return this.#ready;
  }

  /** How many prefixes the peer is subscribed to. */
  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** Whether a message that begins so is for this peer: with PUSH, each. */
  wants(topic: string): boolean {
    if (this.#options.type === 'PUSH' || this.#subscriptions.has('')) return true;
    for (const prefix of this.#subscriptions.keys()) if (topic.startsWith(prefix)) return true;
    return false;
  }

  /**
   * Takes what the peer sends, as it comes.
   *
   * @throws SyntaxError that says what is wrong, and with what; then the connection is of no use.
   */
  receive(bytes: Buffer): void {
    let rest = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    if (!this.#greeted) {
      if (!this.#greet(rest)) {
        this.#unread = rest;
        return;
      }
      rest = rest.subarray(GREETING);
    }
    while (rest.length >= 2) {
      const flags = rest[0] as number;
      const long = (flags & LONG) !== 0;
      if (long && rest.length < 9) break;
      const length = long ? Number(rest.readBigUInt64BE(1)) : (rest[1] as number);
      if (length > LONGEST) throw new SyntaxError(`it announces ${length} bytes`);
      const from = long ? 9 : 2;
      if (rest.length < from + length) break;
      this.#take(flags, rest.subarray(from, from + length));
      rest = rest.subarray(from + length);
    }
    // A copy: else a few bytes would hold on to all that came with them.
    this.#unread = Buffer.from(rest);
  }

  /** Reads the greeting as far as it is there; tells whether that is all of it. */
  #greet(bytes: Buffer): boolean {
    const signed = bytes[0] === 0xff && (bytes.length < SIGNATURE || (bytes[9] as number) & 1);
    if (bytes.length > 0 && !signed) {
      throw new SyntaxError('it does not speak ZeroMQ. Check the port.');
    }
    const version = bytes[SIGNATURE];
    if (version !== undefined && version < 3) {
      throw new SyntaxError('it speaks a ZeroMQ from before 4.0. Use a newer one there.');
    }
    if (bytes.length < GREETING) return false;
    const mechanism = bytes.toString('latin1', MECHANISM.from, MECHANISM.to).replace(/\0.*$/s, '');
    if (mechanism !== this.#mechanism) {
      throw new SyntaxError(
        `its security is ${quoted(mechanism)}, and ours is "${this.#mechanism}". ` +
          'With PLAIN "username" and "password" must be set, with NULL neither may be.',
      );
    }
    this.#greeted = true;
    const { login, server } = this.#options;
    if (login === undefined) this.#send(command('READY', this.#properties()));
    else if (!server) this.#send(command('HELLO', short(login.username), short(login.password)));
    return true;
  }

  #take(flags: number, body: Buffer): void {
    if ((flags & COMMAND) !== 0) {
      const [name, data] = commandOf(body);
      if (this.#ready) this.#traffic(name, data);
      else this.#handshake(name, data);
      return;
    }
    if (!this.#ready) throw new SyntaxError('it sends a message before it has said who it is');
    // Before ZMTP 3.1 a subscription was a message that begins with 1, its end one with 0.
    if (this.#options.type === 'PUB') {
      const topic = body.subarray(1);
      if (body[0] === 1) this.#subscribe(topic);
      else if (body[0] === 0) this.#cancel(topic);
    }
  }

  #handshake(name: string, data: Buffer): void {
    const { login, server = false } = this.#options;
    if (name === 'ERROR') {
      const [reason] = shortOf(data);
      throw new SyntaxError(
        `it refuses us with ${quoted(reason)}. Check ${login === undefined ? 'what it wants' : '"username" and "password"'}; its log may know more.`,
      );
    }
    if (login !== undefined && server && name === 'HELLO') this.#admit(data, login);
    else if (login !== undefined && !server && name === 'WELCOME') {
      this.#send(command('INITIATE', this.#properties()));
    } else if (login !== undefined && server && name === 'INITIATE' && this.#admitted) {
      this.#meet(data);
      this.#send(command('READY', this.#properties()));
    } else if (name === 'READY' && !(login !== undefined && server)) this.#meet(data);
    else throw new SyntaxError(`it says ${quoted(name)} while it should introduce itself`);
  }

  /** The peer logs in. */
  #admit(data: Buffer, { username, password }: NonNullable<ZmtpOptions['login']>): void {
    const [name, rest] = shortOf(data);
    const [word] = shortOf(rest);
    if (name !== username || word !== password) {
      this.#send(command('ERROR', short('Invalid username or password')));
      throw new SyntaxError('it logs in with another name or password');
    }
    this.#admitted = true;
    this.#send(command('WELCOME'));
  }

  /** The peer says what it is. */
  #meet(properties: Buffer): void {
    const { type } = this.#options;
    const peer = typeOf(properties);
    const allowed: readonly string[] = PEERS[type];
    if (!allowed.includes(peer)) {
      throw new SyntaxError(
        `its socket is ${quoted(peer)}, and a ${type} sends to ${allowed.join(' and ')} only. Change "socket" here or the socket there.`,
      );
    }
    this.#ready = true;
  }

  #traffic(name: string, data: Buffer): void {
    // A time to live, which is the peer's own business, and up to 16 bytes to give back.
    if (name === 'PING') this.#send(command('PONG', data.subarray(2, 18)));
    else if (name === 'SUBSCRIBE') this.#subscribe(data);
    else if (name === 'CANCEL') this.#cancel(data);
    else if (name === 'ERROR') throw new SyntaxError(`it says ${quoted(shortOf(data)[0])}`);
  }

  #subscribe(topic: Buffer): void {
    const prefix = topic.toString('utf8');
    const times = this.#subscriptions.get(prefix) ?? 0;
    if (times === 0) this.#subscribed += prefix.length;
    if (this.#subscriptions.size >= MOST_SUBSCRIPTIONS || this.#subscribed > MOST_SUBSCRIBED) {
      throw new SyntaxError(`it subscribes to more than ${MOST_SUBSCRIPTIONS} prefixes, or 1 MiB`);
    }
    this.#subscriptions.set(prefix, times + 1);
  }

  #cancel(topic: Buffer): void {
    const prefix = topic.toString('utf8');
    const times = this.#subscriptions.get(prefix) ?? 0;
    if (times > 1) this.#subscriptions.set(prefix, times - 1);
    else if (this.#subscriptions.delete(prefix)) this.#subscribed -= prefix.length;
  }

  #properties(): Buffer {
    return Buffer.concat([property('Socket-Type', this.#options.type), property('Identity', '')]);
  }
}
