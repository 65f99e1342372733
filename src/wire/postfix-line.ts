import {
  decimalAt,
  encoded,
  indexOfByte,
  indexOfWord,
  oneOf,
  Sought,
  standsAt,
  wholeAt,
} from './bytes.ts';
import { SyslogLine } from './syslog-line.ts';

const SLASH = 47;
const COLON = 58;
const SPACE = 32;
const COMMA = 44;
const OPEN = 91;
/** A queue's name for a message has 20 letters at most. */
const LONGEST_ID = 24;
const IS_OF_ID = oneOf('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');

const DELAY = encoded(', delay=');
const DELAYS = encoded('delays=');
const DSN = encoded('dsn=');
const STATUS = encoded('status=');
const RECIPIENTS = encoded(', nrcpt=');

/** What became of one recipient, as a delivery agent says it: places in the line, and seconds. */
export class PostfixDelivery {
  /** The name of the host, or `local`, `none`. */
  relay = 0;
  relayEnd = 0;
  /** From its arrival on. */
  delay = Number.NaN;
  /** Before the queue manager, in its queue, until connected, until delivered; they add up to the delay. */
  readonly stages = new Float64Array(4);
  /** The status of RFC 3463, such as `5.1.1`. */
  dsn = 0;
  dsnEnd = 0;
  /** `sent`, `deferred`, `bounced`, … */
  status = 0;
  statusEnd = 0;
  readonly #relay = new Sought('relay=');

  /**
   * @param characters the bytes, each as a character.
   * @returns whether the message between two places is one.
   */
  read(bytes: Uint8Array, characters: string, from: number, to: number): boolean {
    const relay = this.#relay.indexIn(characters, from, to);
    if (relay < 0) return false;
    this.relay = relay + this.#relay.length;
    const end = indexOfByte(bytes, COMMA, this.relay, to);
    this.relayEnd = indexOfByte(bytes, OPEN, this.relay, end);
    const delay = indexOfWord(bytes, DELAY, end, to);
    if (delay < 0) return false;
    this.delay = decimalAt(bytes, delay + DELAY.length, to);
    const delays = indexOfWord(bytes, DELAYS, delay + DELAY.length, to);
    if (delays < 0 || Number.isNaN(this.delay)) return false;
    let at = delays + DELAYS.length;
    for (let stage = 0; stage < 4; stage += 1) {
      const seconds = decimalAt(bytes, at, to);
      if (Number.isNaN(seconds)) return false;
      this.stages[stage] = seconds;
      at = indexOfByte(bytes, stage < 3 ? SLASH : COMMA, at, to) + 1;
    }
    const dsn = indexOfWord(bytes, DSN, at, to);
    if (dsn < 0) return false;
    this.dsn = dsn + DSN.length;
    this.dsnEnd = indexOfByte(bytes, COMMA, this.dsn, to);
    const status = indexOfWord(bytes, STATUS, this.dsnEnd, to);
    if (status < 0) return false;
    this.status = status + STATUS.length;
    this.statusEnd = indexOfByte(bytes, SPACE, this.status, to);
    return this.statusEnd > this.status;
  }
}

/** What the queue manager says of a message that it takes up: `from=<…>, size=318, nrcpt=1 (queue active)`. */
export class PostfixQueued {
  size = Number.NaN;
  recipients = Number.NaN;
  readonly #size = new Sought(', size=');

  /** The same as of a {@link PostfixDelivery}. */
  read(bytes: Uint8Array, characters: string, from: number, to: number): boolean {
    const found = this.#size.indexIn(characters, from, to);
    if (found < 0) return false;
    const size = found + this.#size.length;
    const end = indexOfByte(bytes, COMMA, size, to);
    this.size = wholeAt(bytes, size, end);
    if (!standsAt(bytes, RECIPIENTS, end)) return false;
    this.recipients = decimalAt(bytes, end + RECIPIENTS.length, to);
    return this.size >= 0 && this.recipients >= 0;
  }
}

/**
 * The head of Postfix's lines: who says it, and where what is said begins.
 *
 * @see https://www.postfix.org/postconf.5.html#delay_logging_resolution_limit
 */
export class PostfixLine {
  readonly head = new SyslogLine();
  /** Which of Postfix's programs: `smtpd` of `postfix/submission/smtpd`. */
  agent = 0;
  agentEnd = 0;
  /** Behind the message's name in the queue, where there is one. */
  message = 0;

  /** @returns whether it is a line of Postfix, whatever `syslog_name` calls it. */
  read(bytes: Uint8Array, from = 0, to = bytes.length): boolean {
    const { head } = this;
    if (!head.read(bytes, from, to)) return false;
    let slash = head.programEnd - 1;
    while (slash > head.program && bytes[slash] !== SLASH) slash -= 1;
    if (slash <= head.program) return false;
    this.agent = slash + 1;
    this.agentEnd = head.programEnd;
    this.message = head.message;
    const most = Math.min(head.message + LONGEST_ID, bytes.length);
    let at = head.message;
    while (at < most && IS_OF_ID[bytes[at] as number] === 1) at += 1;
    if (at < most && bytes[at] === COLON && bytes[at + 1] === SPACE) {
      if (isId(bytes, head.message, at)) this.message = at + 2;
    }
    return true;
  }
}

/** `NOQUEUE`, or the name of a file in the queue, which has a capital letter or a digit first. */
const isId = (bytes: Uint8Array, from: number, to: number): boolean =>
  to - from >= 6 && (bytes[from] ?? 255) <= 90;
