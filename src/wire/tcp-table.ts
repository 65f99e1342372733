/** States by the number in the table (Linux, include/net/tcp_states.h). */
export const TCP_STATES = [
  ...['established', 'syn_sent', 'syn_recv', 'fin_wait1', 'fin_wait2', 'time_wait'],
  ...['close', 'close_wait', 'last_ack', 'listen', 'closing'],
] as const;

/** Hexadecimal digits of an address. */
const DIGITS = { ipv4: 8, ipv6: 32 } as const;
const NEWLINE = 10;
const BLANK = 32;

/**
 * Counts the lines of /proc/net/tcp or /proc/net/tcp6 by state (Linux, net/ipv4/tcp_ipv4.c): a line
 * of titles, then `SLOT: ADDRESS:PORT ADDRESS:PORT STATE …` in hexadecimal, per socket.
 *
 * @param counts one number per state in {@link TCP_STATES}, to which the lines are added.
 * @returns the number of the first line that is malformed, cut short or not there at all, if there is one.
 */
export function countTcpStates(
  text: string,
  family: keyof typeof DIGITS,
  counts: number[],
): number | undefined {
  // Behind the slot's colon: a blank, and twice an address, a colon, four digits and a blank.
  const offset = 2 + 2 * (DIGITS[family] + 6);
  // The titles are there with no socket at all.
  if (!text.startsWith('  sl ')) return 1;
  let start = endOf(text, 0);
  for (let line = 2; start < text.length; line += 1) {
    const at = text.indexOf(':', start) + offset;
    const end = endOf(text, start);
    const state = hexadecimal(text.charCodeAt(at + 1)) - 1;
    const whole = at < end && text.charCodeAt(end - 1) === NEWLINE;
    const framed = text.charCodeAt(at - 1) === BLANK && text.charCodeAt(at + 2) === BLANK;
    const before = counts[state];
    if (!whole || !framed || text[at] !== '0' || before === undefined) return line;
    counts[state] = before + 1;
    start = end;
  }
  return undefined;
}

/** The place behind the newline. */
function endOf(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline + 1;
}

const hexadecimal = (code: number): number => (code >= 65 ? code - 55 : code - 48);
