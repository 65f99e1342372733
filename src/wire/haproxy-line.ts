import { decimalAt, indexOfByte, wholeAt } from './bytes.ts';
import { SyslogLine } from './syslog-line.ts';

const SPACE = 32;
const SLASH = 47;
const OPEN = 91;
const PLUS = 43;
const TILDE = 126;

/** Where the columns of interest stand that HTTP and TCP lines have in common. */
const FRONTEND = 2;
const SERVER = 3;
const TIMERS = 4;

/** What HAProxy's timers measure: of HTTP five, of TCP the second, third and last. */
export const HAPROXY_STAGES = ['request', 'queue', 'connect', 'response', 'total'] as const;

/**
 * A line of HAProxy's HTTP or TCP log: `client [time] frontend backend/server timers status bytes - - state
 * …`, behind syslog's head or without one. One object reads line after line.
 *
 * @see https://docs.haproxy.org/2.6/configuration.html#8.2
 */
export class HaproxyLine {
  readonly head = new SyslogLine();
  readonly #from = new Int32Array(11);
  readonly #to = new Int32Array(11);
  /** Where the time begins. */
  time = 0;
  frontend = 0;
  frontendEnd = 0;
  backend = 0;
  backendEnd = 0;
  /** Where `backend/server` ends, which begins with the backend. */
  serverEnd = 0;
  /** Milliseconds by {@link HAPROXY_STAGES}; negative where a stage was never reached. */
  readonly timers = new Float64Array(HAPROXY_STAGES.length);
  /** NaN of TCP, and where nothing was answered. */
  status = Number.NaN;
  size = Number.NaN;
  /** How the session ended: `--`, `SC--`. */
  state = 0;
  stateEnd = 0;

  /** @returns whether it is such a line. */
  read(bytes: Uint8Array): boolean {
    const end = bytes.length;
    let at = this.head.read(bytes) ? this.head.message : 0;
    let columns = 0;
    for (; columns < 11 && at < end; columns += 1) {
      this.#from[columns] = at;
      while (at < end && bytes[at] !== SPACE) at += 1;
      this.#to[columns] = at;
      at += 1;
    }
    const from = (i: number) => this.#from[i] ?? 0;
    const to = (i: number) => this.#to[i] ?? 0;
    if (columns < 8 || bytes[from(1)] !== OPEN) return false;
    const timers = this.#readTimers(bytes, from(TIMERS), to(TIMERS));
    if (timers !== 5 && timers !== 3) return false;
    this.time = from(1) + 1;
    this.frontend = from(FRONTEND);
    // Behind a frontend that was reached over TLS.
    this.frontendEnd = bytes[to(FRONTEND) - 1] === TILDE ? to(FRONTEND) - 1 : to(FRONTEND);
    this.backend = from(SERVER);
    this.backendEnd = indexOfByte(bytes, SLASH, from(SERVER), to(SERVER));
    this.serverEnd = to(SERVER);
    const isHttp = timers === 5;
    this.status = isHttp ? wholeAt(bytes, from(5), to(5)) : Number.NaN;
    const size = isHttp ? 6 : 5;
    // A plus before it says that the session was logged before its end.
    this.size = wholeAt(bytes, from(size) + (bytes[from(size)] === PLUS ? 1 : 0), to(size));
    const state = isHttp ? 9 : 6;
    this.state = from(state);
    this.stateEnd = to(state);
    return columns > state && this.size >= 0;
  }

  /** @returns how many there are. */
  #readTimers(bytes: Uint8Array, from: number, to: number): number {
    let n = 0;
    for (let at = from; at < to && n < 6; n += 1) {
      const value = decimalAt(bytes, bytes[at] === PLUS ? at + 1 : at, to);
      if (Number.isNaN(value)) return -1;
      this.timers[n] = value;
      at = indexOfByte(bytes, SLASH, at, to) + 1;
    }
    if (n === 3) {
      const [queue = -1, connect = -1, total = -1] = this.timers;
      this.timers.set([-1, queue, connect, -1, total]);
    }
    return n;
  }
}
