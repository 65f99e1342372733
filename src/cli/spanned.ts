/** A time in its two largest units: `3 d 4 h`, `42 s`. */
export function spanned(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const at = Math.max(
    0,
    units.findIndex(([size]) => seconds >= size),
  );
  let left = Math.floor(seconds);
  return units
    .slice(at, at + 2)
    .map(([size, name]) => {
      const count = Math.floor(left / size);
      left -= count * size;
      return `${count} ${name}`;
    })
    .join(' ');
}
