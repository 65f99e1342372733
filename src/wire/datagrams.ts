/** Text protocols over UDP: each datagram holds whole lines, because any of them may be lost. */

/**
 * Parts lines into datagrams.
 *
 * @param lines each with its ending (`\n` or `\r\n`).
 * @param most bytes in one datagram. A line that is longer by itself has a datagram of its own.
 */
export function packLines(lines: string, most: number): readonly Buffer[] {
  const bytes = Buffer.from(lines);
  const datagrams: Buffer[] = [];
  let from = 0;
  while (from < bytes.length) {
    let to = from + most;
    if (to >= bytes.length) to = bytes.length;
    else to = bytes.lastIndexOf(NEWLINE, to - 1) + 1;
    if (to <= from) to = bytes.indexOf(NEWLINE, from) + 1 || bytes.length;
    datagrams.push(bytes.subarray(from, to));
    from = to;
  }
  return datagrams;
}

const NEWLINE = 0x0a;
