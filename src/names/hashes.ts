/** Entries to begin with; a power of two. */
const LEAST = 1 << 12;
/** Texts that are told apart at most: 128 MiB of table. */
const MOST = 1 << 24;

/** Two independent 32-bit hashes as one number of 53 bits, never 0. */
function hash(text: string): number {
  let a = 0x811c_9dc5;
  let b = 0x9747_b28c;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x0100_0193);
    b = Math.imul(b ^ code, 0x5bd1_e995);
    b ^= b >>> 15;
  }
  return ((a >>> 0) & 0x1f_ffff) * 0x1_0000_0000 + (b >>> 0) || 1;
}

/**
 * Which texts have been seen, without the texts: 8 bytes for each, so that ten million names of a
 * Carbon fit. Of ten million texts, one is taken for another with a chance of one in two hundred.
 */
export class Hashes {
  private table = new Float64Array(LEAST);
  private used = 0;

  /** Whether there is no room for more: what is new is then taken for seen. */
  get full(): boolean {
    return this.used >= MOST * 0.7;
  }

  /** Whether this text is new; it is known from now on. */
  add(text: string): boolean {
    const value = hash(text);
    const at = this.place(value);
    if (this.table[at] === value || this.full) return false;
    this.table[at] = value;
    this.used += 1;
    if (this.used > this.table.length * 0.7 && this.table.length < MOST) this.grow();
    return true;
  }

  private place(value: number): number {
    const last = this.table.length - 1;
    let at = value % this.table.length;
    while (this.table[at] !== 0 && this.table[at] !== value) at = (at + 1) & last;
    return at;
  }

  private grow(): void {
    const before = this.table;
    this.table = new Float64Array(before.length * 2);
    for (const value of before) {
      if (value !== 0) this.table[this.place(value)] = value;
    }
  }
}
