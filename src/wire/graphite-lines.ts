/**
 * Carbon's plaintext for who sends some hundred points, mostly under the same names and many with the same
 * numbers: of each line what stands before the time is kept, and V8's own code puts them together. The same
 * bytes as those of `encodeLines` in graphite.ts.
 */
import type { Name, Packed } from '../metric/index.ts';
import { formatValue } from './graphite.ts';

/** More room than is needed, so that some digits more fit into it. */
const SPARE = 1.125;

/**
 * Makes an encoder for one connection. What it gives back holds until it is next called.
 *
 * @param end of every line.
 */
export function lineEncoder(end: '\n' | '\r\n'): (points: Packed, time: number) => Buffer {
  let names: readonly Name[] = [];
  /** Where the first of the names stands among these, and how many there are. */
  let from = 0;
  let count = 0;
  /** Of each its number as it was sent last, and the name and the number as text. Behind them stands ''. */
  let values = new Float64Array(0);
  let texts = [''];
  let bytes = Buffer.alloc(0);

  /** Keeps the texts of those names that begin and end both lists; those between them are made anew. */
  function align(points: Packed): void {
    const { names: now, from: start, length } = points;
    const most = Math.min(count, length);
    let head = 0;
    while (head < most && names[from + head] === now[start + head]) head += 1;
    let tail = 0;
    while (
      tail < most - head &&
      names[from + count - 1 - tail] === now[start + length - 1 - tail]
    ) {
      tail += 1;
    }
    const numbers = new Float64Array(length).fill(Number.NaN);
    numbers.set(values.subarray(0, head));
    numbers.set(values.subarray(count - tail), length - tail);
    const anew = new Array<string>(length - head - tail).fill('');
    texts = texts.slice(0, head).concat(anew, texts.slice(count - tail));
    values = numbers;
    names = now;
    from = start;
    count = length;
  }

  return (points, time) => {
    if (points.names !== names || points.from !== from || points.length !== count) align(points);
    const { values: now } = points;
    for (let i = 0; i < count; i += 1) {
      const value = now[from + i] as number;
      if (value === values[i]) continue;
      const { path, precision, significant } = names[from + i] as Name;
      values[i] = value;
      texts[i] = `${path} ${formatValue(value, precision, significant)}`;
    }
    const lines = texts.join(` ${Math.floor(time)}${end}`);
    const size = Buffer.byteLength(lines);
    if (size > bytes.length) bytes = Buffer.allocUnsafeSlow(Math.ceil(SPARE * size));
    bytes.write(lines);
    return bytes.subarray(0, size);
  };
}
