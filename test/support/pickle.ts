/** A point as Carbon's unpickler gives it. */
export type Pickled = readonly [path: string, point: readonly [time: number, value: number]];

const MARK = Symbol('mark');

/**
 * Reads one pickle the way Python's machine does, a stack and opcodes, as far as they may appear in a
 * list of points. Anything else is an error.
 *
 * @see https://docs.python.org/3/library/pickletools.html
 */
function unpickle(bytes: Buffer): unknown {
  const stack: unknown[] = [];
  for (let at = 0; at < bytes.length; ) {
    const opcode = String.fromCharCode(bytes.readUInt8(at));
    at += 1;
    switch (opcode) {
      case '\x80':
        if (bytes.readUInt8(at) !== 2) throw new Error('not protocol 2');
        at += 1;
        break;
      case ']':
        stack.push([]);
        break;
      case '(':
        stack.push(MARK);
        break;
      case 'X': {
        const length = bytes.readUInt32LE(at);
        const text = bytes.subarray(at + 4, at + 4 + length);
        if (text.length !== length) throw new Error('the text is cut off');
        stack.push(text.toString());
        at += 4 + length;
        break;
      }
      case 'J':
        stack.push(bytes.readInt32LE(at));
        at += 4;
        break;
      case 'G':
        stack.push(bytes.readDoubleBE(at));
        at += 8;
        break;
      case '\x86': {
        const second = stack.pop();
        stack.push([stack.pop(), second]);
        break;
      }
      case 'e': {
        const items = stack.splice(stack.lastIndexOf(MARK));
        (stack.at(-1) as unknown[]).push(...items.slice(1));
        break;
      }
      case '.':
        if (stack.length !== 1 || at !== bytes.length) throw new Error('something is left over');
        return stack[0];
      default:
        throw new Error(`opcode ${JSON.stringify(opcode)} at ${at - 1}`);
    }
  }
  throw new Error('the pickle has no end');
}

/** The points of each whole frame in what a connection brought; an unfinished end is left out. */
export function decodePickles(received: Buffer): Pickled[][] {
  const frames: Pickled[][] = [];
  for (let at = 0; at + 4 <= received.length; ) {
    const end = at + 4 + received.readUInt32BE(at);
    if (end > received.length) break;
    frames.push(unpickle(received.subarray(at + 4, end)) as Pickled[]);
    at = end;
  }
  return frames;
}
