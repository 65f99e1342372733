const LEAST = 16;

/** A queue with two ends in one array that grows as it must; every operation is O(1). */
export class Ring<T> {
  #slots: (T | undefined)[] = new Array(LEAST);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Appends at the young end. */
  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length += 1;
  }

  /** Puts back at the old end. */
  unshift(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = item;
    this.#length += 1;
  }

  /** Takes the oldest. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    // What an outage made grow is given back once it is over.
    if (this.#length === 0 && this.#slots.length > 1024) this.clear();
    return item;
  }

  /** Takes the youngest. */
  pop(): T | undefined {
    if (this.#length === 0) return undefined;
    this.#length -= 1;
    const last = (this.#head + this.#length) & (this.#slots.length - 1);
    const item = this.#slots[last];
    this.#slots[last] = undefined;
    return item;
  }

  /** The oldest, left where it is. */
  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#slots[this.#head];
  }

  clear(): void {
    this.#slots = new Array(LEAST);
    this.#head = 0;
    this.#length = 0;
  }

  #grow(): void {
    const size = this.#slots.length;
    const slots: (T | undefined)[] = new Array(size * 2);
    for (let i = 0; i < this.#length; i += 1) {
      slots[i] = this.#slots[(this.#head + i) & (size - 1)];
    }
    this.#slots = slots;
    this.#head = 0;
  }
}
