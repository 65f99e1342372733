/**
 * /proc/net/snmp and /proc/net/netstat: per protocol a line of names and a line of numbers, both
 * behind the protocol and a colon (Linux, net/ipv4/proc.c).
 *
 *     Udp: InDatagrams NoPorts InErrors
 *     Udp: 30 0 0
 */

/** One protocol. */
export interface Block<F> {
  readonly protocol: string;
  /** What stands for each name. */
  readonly fields: readonly F[];
  /** One for each field; `undefined` where the two lines do not belong together. */
  readonly numbers: readonly number[] | undefined;
  /** The number of the line of names in the file, from 1. */
  readonly line: number;
}

interface Layout<F> extends Pick<Block<F>, 'protocol' | 'fields'> {
  /** The whole line, newline included. */
  readonly header: string;
}

/**
 * Makes a reader of one file. It works out the names once, and again only where they differ from
 * those of the reading before: the kernel prints the same ones until it is restarted.
 *
 * @param field what is to stand for a name.
 */
export function snmpReader<F>(
  field: (protocol: string, name: string) => F,
): (text: string) => readonly Block<F>[] {
  const layouts: Layout<F>[] = [];
  return (text) => {
    const blocks: Block<F>[] = [];
    for (let at = 0; at < text.length; ) {
      const second = lineAfter(text, at);
      let layout = layouts[blocks.length];
      if (layout === undefined || !text.startsWith(layout.header, at)) {
        layout = layOut(text.slice(at, second), field);
        layouts[blocks.length] = layout;
      }
      const { protocol, fields } = layout;
      const numbers = numbersAfter(`${protocol}:`, text, second);
      const fit = numbers?.length === fields.length && protocol !== '';
      const line = 2 * blocks.length + 1;
      blocks.push({ protocol, fields, numbers: fit ? numbers : undefined, line });
      at = lineAfter(text, second);
    }
    return blocks;
  };
}

function lineAfter(text: string, at: number): number {
  const newline = text.indexOf('\n', at);
  return newline < 0 ? text.length : newline + 1;
}

function layOut<F>(header: string, field: (protocol: string, name: string) => F): Layout<F> {
  const [first = '', ...names] = header.trimEnd().split(' ');
  const protocol = first.slice(0, -1);
  return { header, protocol, fields: names.map((name) => field(protocol, name)) };
}

const MINUS = 45;
const ZERO = 48;
const NINE = 57;
/** The kernel's widest number, of 64 bits, has twenty digits. */
const WIDEST = 20;
/** So many digits stay below 2^53. */
const EXACT = 15;

/** Whole numbers, each behind one blank; `undefined` if the line holds anything else. */
function numbersAfter(start: string, text: string, from: number): number[] | undefined {
  if (!text.startsWith(start, from)) return undefined;
  const numbers: number[] = [];
  let at = from + start.length;
  while (text.charCodeAt(at) === 32) {
    at += 1;
    // Tcp's MaxConn is -1 where there is no limit.
    const negative = text.charCodeAt(at) === MINUS;
    if (negative) at += 1;
    const first = at;
    let value = 0;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code < ZERO || code > NINE) break;
      value = value * 10 + (code - ZERO);
    }
    // From 2^53 on the sum above would gather errors.
    if (at - first > EXACT) value = Number(text.slice(first, at));
    if (at === first || at - first > WIDEST) return undefined;
    numbers.push(negative ? -value : value);
  }
  // The kernel ends every line: one that does not end here was cut off somewhere.
  return text.charCodeAt(at) === 10 ? numbers : undefined;
}
