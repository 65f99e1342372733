import { StringDecoder } from 'node:string_decoder';

/** Characters of a line; a longer one is passed over and counted. */
const LONGEST = 64 * 1024;

/** Parts what comes in pieces into lines, without their ends; NUL and what is no UTF-8 are characters, too. */
export class Lines {
  readonly #each: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #skipping = false;
  /** Lines that were too long. */
  tooLong = 0;

  constructor(each: (line: string) => void) {
    this.#each = each;
  }

  push(piece: Uint8Array): void {
    const text = this.#decoder.write(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
    let from = 0;
    for (;;) {
      const to = text.indexOf('\n', from);
      if (to === -1) break;
      this.#ended(text.slice(from, to));
      from = to + 1;
    }
    this.#keep(from === 0 ? text : text.slice(from));
  }

  /** What comes next is another's: the line that has not ended is told as it is. */
  end(): void {
    this.#keep(this.#decoder.end());
    if (this.#rest !== '' && !this.#skipping) this.#ended('');
    this.#rest = '';
    this.#skipping = false;
  }

  #ended(end: string): void {
    const line = this.#rest === '' ? end : this.#rest + end;
    this.#rest = '';
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    if (line.length > LONGEST) this.tooLong += 1;
    else this.#each(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  #keep(text: string): void {
    if (this.#skipping || text === '') return;
    this.#rest += text;
    if (this.#rest.length <= LONGEST) return;
    this.#rest = '';
    this.#skipping = true;
    this.tooLong += 1;
  }
}

/** @throws SyntaxError where lines were too long: what is passed over is told of. */
export function allTaken({ tooLong }: Pick<Lines, 'tooLong'>): void {
  if (tooLong === 0) return;
  const many = tooLong === 1 ? 'a line was' : `${tooLong} lines were`;
  throw new SyntaxError(`${many} longer than ${LONGEST} characters, and left out`);
}
