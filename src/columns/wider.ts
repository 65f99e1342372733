type Numbers = Int32Array | Uint16Array | Float64Array;

/** The same numbers, with room for more. */
export function wider<T extends Numbers>(
  type: new (length: number) => T,
  numbers: T,
  length: number,
): T {
  const more = new type(length);
  more.set(numbers);
  return more;
}
