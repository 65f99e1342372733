import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprint } from '../../src/wire/fingerprint.ts';

test('it is 32 digits, the same for the same bytes wherever they stand', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(9), (bytes, at) => {
      const elsewhere = new Uint8Array(bytes.length + at + 5);
      elsewhere.set(bytes, at);
      const print = fingerprint(bytes);
      expect(print).toMatch(/^[0-9a-f]{32}$/);
      expect(fingerprint(elsewhere.subarray(at, at + bytes.length))).toBe(print);
    }),
  );
});

test('it is another one for all other bytes', () => {
  const prints = new Set<string>();
  const bytes = new Uint8Array(1024).map((_, i) => i * 7);
  for (let at = 0; at < bytes.length; at += 1) {
    for (const bit of [1, 16, 128]) {
      const other = Uint8Array.from(bytes);
      other[at] = (other[at] ?? 0) ^ bit;
      prints.add(fingerprint(other));
    }
    prints.add(fingerprint(bytes.subarray(0, at)));
    prints.add(fingerprint(new Uint8Array(at)));
  }
  // Only nothing, and a single zero, are the same twice.
  expect(prints.size).toBe(1024 * 5 - 2);
});

test('each of its bits changes with half of all changes, whichever byte it is', () => {
  const bits = (print: string) => [...print].map((digit) => Number.parseInt(digit, 16));
  const text = new TextEncoder().encode('2026-11-21 08:38:12 GET / HTTP/1.1 200 318 - "curl/7.88"');
  const changed = Array.from({ length: 32 }, () => 0);
  let changes = 0;
  for (let at = 0; at < text.length; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const other = Uint8Array.from(text);
      other[at] = (other[at] ?? 0) ^ (1 << bit);
      const [a, b] = [bits(fingerprint(text)), bits(fingerprint(other))];
      changes += 1;
      for (const [i, digit] of a.entries()) if (digit !== b[i]) changed[i] = (changed[i] ?? 0) + 1;
    }
  }
  // A digit of four bits stays the same one time in sixteen.
  for (const times of changed) expect(times / changes).toBeGreaterThan(0.85);
});
