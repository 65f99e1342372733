import { Decimals } from './distribution.ts';
import { Decimal, indexIn, Word } from './fours.ts';
import { SyslogLine } from './syslog-line.ts';

const SLASH = 47;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const SPACE = 32;
const COMMA = 44;
const LESS = 60;
const MORE = 62;
const A = 65;
const Z = 90;
const OPEN = 91;
const CLOSE = 93;
/** Bytes of a queue's name for a message, with its colon; the longest has 22 letters. */
const SHORTEST_ID = 7;
const LONGEST_ID = 23;

const TO = new Word('to=<');
const FROM = new Word('from=<');
const RELAY = new Word(', relay=');
const DELAY = new Word(', delay=');
const DELAYS = new Word(', delays=');
const DSN = new Word(', dsn=');
const STATUS = new Word(', status=');
const SIZE = new Word(', size=');
const RECIPIENTS = new Word(', nrcpt=');

/**
 * What became of one recipient, as delivery agents say it, and the queue manager of those that it does not even
 * hand to one: places in the line, and seconds. What later versions say between these fields is passed over.
 */
export class PostfixDelivery {
  /** The name of the host, or `local`, `none`. */
  relay = 0;
  relayEnd = 0;
  /** From its arrival on. */
  readonly delay = new Decimals();
  /** Before the queue manager, in its queue, until connected, until delivered; they add up to the delay. */
  readonly stages = [new Decimals(), new Decimals(), new Decimals(), new Decimals()] as const;
  /** The status of RFC 3463, such as `5.1.1`. */
  dsn = 0;
  dsnEnd = 0;
  /** `sent`, `deferred`, `bounced`, … */
  status = 0;
  statusEnd = 0;

  /** @returns whether the message between two places is one. */
  read(view: DataView, from: number, to: number): boolean {
    if (!TO.standsAt(view, from, to)) return false;
    let at = RELAY.behind(view, indexIn(view, MORE, from + TO.length, to) + 1, to);
    if (at < 0) return false;
    this.relay = at;
    const relayEnd = indexIn(view, COMMA, at, to);
    this.relayEnd = indexIn(view, OPEN, at, relayEnd);
    at = DELAY.behind(view, relayEnd, to);
    if (at >= 0) at = this.delay.read(view, at, to);
    if (at >= 0) at = DELAYS.behind(view, at, to);
    for (let stage = 0; stage < 4; stage += 1) {
      if (at >= 0) at = (this.stages[stage] as Decimals).read(view, at, to);
      if (at < 0) return false;
      if (stage === 3) break;
      if (at >= to || view.getUint8(at) !== SLASH) return false;
      at += 1;
    }
    this.dsn = DSN.behind(view, at, to);
    if (this.dsn < 0) return false;
    this.dsnEnd = indexIn(view, COMMA, this.dsn, to);
    this.status = STATUS.behind(view, this.dsnEnd, to);
    if (this.status < 0) return false;
    this.statusEnd = indexIn(view, SPACE, this.status, to);
    return this.statusEnd > this.status;
  }
}

/** What the queue manager says of a message that it takes up: `from=<…>, size=318, nrcpt=1 (queue active)`. */
export class PostfixQueued {
  /** Bytes. */
  readonly size = new Decimal();
  readonly recipients = new Decimal();

  /** The same as of a {@link PostfixDelivery}. */
  read(view: DataView, from: number, to: number): boolean {
    if (!FROM.standsAt(view, from, to)) return false;
    const { size, recipients } = this;
    let at = SIZE.behind(view, indexIn(view, MORE, from + FROM.length, to) + 1, to);
    if (at >= 0) at = size.read(view, at, to);
    if (at < 0 || !RECIPIENTS.standsAt(view, at, to)) return false;
    at = recipients.read(view, at + RECIPIENTS.length, to);
    return at >= 0 && size.places === 0 && recipients.places === 0;
  }
}

/**
 * The head of Postfix's lines: who says it, and where what is said begins.
 *
 * @see https://www.postfix.org/postconf.5.html#delay_logging_resolution_limit
 */
export class PostfixLine {
  /** Of the latest line that {@link PostfixLine.readHead} was given. */
  readonly head = new SyslogLine();
  /** Which of Postfix's programs: `smtpd` of `postfix/submission/smtpd`. */
  agent = 0;
  agentEnd = 0;
  /** Behind the message's name in the queue, where there is one. */
  message = 0;
  /** Where, and how long, `mx1 postfix/` stands in a line before. */
  #view: DataView | undefined;
  #host = 0;
  #length = 0;

  /** @returns whether it is a line of Postfix, whatever `syslog_name` calls it. */
  read(bytes: Uint8Array, view: DataView, from: number, to: number): boolean {
    if (!this.#isAsBefore(view, from, to) && !this.#readAnew(bytes, view, from, to)) return false;
    const most = Math.min(this.message + LONGEST_ID + 1, to);
    const space = indexIn(view, SPACE, this.message, most);
    if (space < most && isId(view, this.message, space)) this.message = space + 1;
    return true;
  }

  /** The same of the head alone, of which then the time is known, too. */
  readHead(bytes: Uint8Array, from = 0, to = bytes.length): boolean {
    const { head } = this;
    if (!head.read(bytes, from, to)) return false;
    let slash = head.programEnd - 1;
    while (slash > head.program && bytes[slash] !== SLASH) slash -= 1;
    if (slash <= head.program) return false;
    this.agent = slash + 1;
    this.agentEnd = head.programEnd;
    this.message = head.message;
    return true;
  }

  #readAnew(bytes: Uint8Array, view: DataView, from: number, to: number): boolean {
    this.#view = undefined;
    if (!this.readHead(bytes, from, to)) return false;
    this.#host = this.head.host;
    this.#length = this.agent - this.#host;
    if (this.#length >= 4) this.#view = view;
    return true;
  }

  /** Most lines have the host and the instance of the line before: then only the rest is read. */
  #isAsBefore(view: DataView, from: number, to: number): boolean {
    if (view !== this.#view) return false;
    const host = timeEnd(view, from, to) + 1;
    const agent = host + this.#length;
    if (host === 0 || agent >= to || !isSame(view, this.#host, host, this.#length)) return false;
    this.agent = agent;
    let at = agent;
    for (; at < to; at += 1) {
      const byte = view.getUint8(at);
      if (byte === OPEN || byte === COLON || byte === SPACE) break;
      if (byte === SLASH) this.agent = at + 1;
    }
    this.agentEnd = at;
    if (at < to && view.getUint8(at) === OPEN) at = indexIn(view, CLOSE, at, to) + 1;
    if (at >= to || view.getUint8(at) !== COLON) return false;
    this.message = at + 1 < to && view.getUint8(at + 1) === SPACE ? at + 2 : at + 1;
    return true;
  }
}

/** Where a time ends that a line begins with, of either form that files have; -1 where it begins otherwise. */
function timeEnd(view: DataView, from: number, to: number): number {
  if (to - from < 16) return -1;
  const first = view.getUint8(from);
  if (first >= ZERO && first <= NINE) return indexIn(view, SPACE, from, to);
  if (first === LESS || view.getUint8(from + 3) !== SPACE) return -1;
  if (view.getUint8(from + 9) !== COLON || view.getUint8(from + 12) !== COLON) return -1;
  return view.getUint8(from + 15) === SPACE ? from + 15 : -1;
}

/** Whether the same bytes, four at least, stand at two places. */
function isSame(view: DataView, one: number, other: number, length: number): boolean {
  const last = length - 4;
  for (let i = 0; i < last; i += 4) {
    if (view.getInt32(one + i, true) !== view.getInt32(other + i, true)) return false;
  }
  return view.getInt32(one + last, true) === view.getInt32(other + last, true);
}

/** `NOQUEUE:`, or the name of a file in the queue, which has a capital letter or a digit first. */
function isId(view: DataView, from: number, to: number): boolean {
  if (to - from < SHORTEST_ID || view.getUint8(to - 1) !== COLON) return false;
  const first = view.getUint8(from);
  return first <= Z && (first >= A || (first >= ZERO && first <= NINE));
}
