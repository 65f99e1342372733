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
  /** What stands for each name that is wanted. */
  readonly fields: readonly F[];
  /** One for each field; `undefined` where the two lines do not belong together. */
  readonly numbers: readonly number[] | undefined;
  /** The number of the line of names in the file, from 1. */
  readonly line: number;
}

interface Layout<F> extends Pick<Block<F>, 'protocol' | 'fields'> {
  /** The whole line, newline included. */
  readonly header: string;
  /** How many names there are. */
  readonly names: number;
  /** The place of each field among the names. */
  readonly places: readonly number[];
}

/**
 * Makes a reader of one file. It works out the names once, and again only where they differ from
 * those of the reading before: the kernel prints the same ones until it is restarted.
 *
 * @param field what is to stand for a name; `undefined` leaves it out.
 */
export function snmpReader<F>(
  field: (protocol: string, name: string) => F | undefined,
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
      const end = lineAfter(text, second);
      const numbers = numbersIn(text.slice(second, end), layout);
      blocks.push({ protocol, fields, numbers, line: 2 * blocks.length + 1 });
      at = end;
    }
    return blocks;
  };
}

function lineAfter(text: string, at: number): number {
  const newline = text.indexOf('\n', at);
  return newline < 0 ? text.length : newline + 1;
}

function layOut<F>(
  header: string,
  field: (protocol: string, name: string) => F | undefined,
): Layout<F> {
  const [first = '', ...names] = header.trimEnd().split(' ');
  const protocol = first.slice(0, -1);
  const fields: F[] = [];
  const places: number[] = [];
  for (const [i, name] of names.entries()) {
    const wanted = field(protocol, name);
    if (wanted === undefined) continue;
    fields.push(wanted);
    places.push(i);
  }
  return { header, protocol, names: names.length, fields, places };
}

/**
 * The protocol, and whole numbers behind one blank each. Tcp's MaxConn is -1 where there is no limit;
 * the kernel's widest number, of 64 bits, has twenty digits; and the kernel ends every line: one that
 * does not end here was cut off somewhere.
 */
const LINE = /^\w+:(?: -?\d{1,20})*\n$/;

/** The numbers that are wanted; `undefined` where the line is not one of numbers for these names. */
function numbersIn(line: string, { protocol, names, places }: Layout<unknown>) {
  if (!LINE.test(line)) return undefined;
  // Two calls into V8's own code are cheaper than one look at every digit.
  const words = line.split(' ');
  if (
    words.length - 1 !== names ||
    words[0] !== (names === 0 ? `${protocol}:\n` : `${protocol}:`)
  ) {
    return undefined;
  }
  const numbers: number[] = [];
  for (let i = 0; i < places.length; i += 1) numbers.push(Number(words[(places[i] as number) + 1]));
  return numbers;
}
