/** Lines, and characters of all of them together, that are remembered. */
const MOST = 500;
const MOST_CHARACTERS = 128 * 1024;

/** The last lines that were logged, for whoever asks later. Bounded in number and size. */
export class Recent {
  #lines: string[] = [];
  #characters = 0;

  /** Remembers a line; the oldest go. One too long for itself is cut. */
  add(line: string): void {
    const kept = line.length <= MOST_CHARACTERS / 8 ? line : line.slice(0, MOST_CHARACTERS / 8);
    this.#lines.push(kept);
    this.#characters += kept.length;
    while (this.#lines.length > MOST || this.#characters > MOST_CHARACTERS) {
      this.#characters -= this.#lines.shift()?.length ?? 0;
    }
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }
}
