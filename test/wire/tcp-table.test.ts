import { countTcpStates, TCP_STATES } from 'cullinan/wire/tcp-table';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const hex = (n: number, digits: number) => n.toString(16).toUpperCase().padStart(digits, '0');
const digits = { ipv4: 8, ipv6: 32 };

/** A table as the kernel prints it, with sockets in these states, numbered as in the kernel. */
function table(family: 'ipv4' | 'ipv6', states: readonly number[]): string {
  const end = `${hex(0x7f, digits[family])}:${hex(2003, 4)}`;
  const rows = states.map(
    (state, i) => `${String(i).padStart(4)}: ${end} ${end} ${hex(state, 2)} 00000000:00000000 00:0`,
  );
  return ['  sl  local_address rem_address   st tx_queue rx_queue', ...rows, ''].join('\n');
}

function count(text: string, family: 'ipv4' | 'ipv6' = 'ipv4') {
  const counts = TCP_STATES.map(() => 0);
  const malformed = countTcpStates(text, family, counts);
  return { counts, malformed };
}

describe.each(['ipv4', 'ipv6'] as const)('of %s', (family) => {
  test('counts every line under its state', () => {
    const state = fc.integer({ min: 1, max: TCP_STATES.length });
    fc.assert(
      fc.property(fc.array(state, { maxLength: 50 }), (states) => {
        const expected = TCP_STATES.map((_, i) => states.filter((s) => s === i + 1).length);
        const found = count(table(family, states), family);
        expect(found).toEqual({ counts: expected, malformed: undefined });
      }),
    );
  });

  test('numbers beyond four digits do not shift what is read', () => {
    const long = table(family, [10]).replace('   0:', '123456:');
    expect(count(long, family)).toMatchObject({ malformed: undefined });
  });

  test('says which line is cut short, wherever it is', () => {
    const whole = table(family, [1, 10, 6]);
    for (let length = whole.indexOf('\n') + 1; length < whole.length; length += 1) {
      const cut = whole.slice(0, length);
      const line = cut.split('\n').length;
      expect(count(cut, family).malformed).toBe(cut.endsWith('\n') ? undefined : line);
    }
  });
});

test.each(['', 'sl', '\n', '   0: 0100007F:1F90'])('"%s" is no table at all', (text) => {
  expect(count(text).malformed).toBe(1);
});

test.each([
  ['a state that there is not', table('ipv4', [12])],
  ['a state of no number', table('ipv4', [1]).replace(' 01 ', ' 0x ')],
  ['a table of the other family', table('ipv6', [1])],
  ['an empty line', table('ipv4', []).concat('\n')],
])('says where there is %s', (_, text) => {
  expect(count(text).malformed).toBe(2);
});

test('an empty table has no sockets', () => {
  const none = TCP_STATES.map(() => 0);
  expect(count(table('ipv4', []))).toEqual({ counts: none, malformed: undefined });
});

test('counts no more than there are lines, of any text', () => {
  const any = fc.string({ unit: fc.constantFrom(...'0A: \n1'), maxLength: 300 });
  const states = fc.array(fc.integer({ min: 1, max: TCP_STATES.length }), { maxLength: 9 });
  const damaged = fc
    .tuple(states, fc.nat(900), fc.constantFrom(...'0A: \n1'))
    .map(([all, at, other]) => {
      const whole = table('ipv4', all);
      return whole.slice(0, at) + other + whole.slice(at + 1);
    });
  let most = 0;
  fc.assert(
    fc.property(fc.oneof(any, damaged), (text) => {
      const seen = count(text).counts.reduce((a, b) => a + b);
      // The last one has no newline, and the first is that of titles.
      expect(seen).toBeLessThanOrEqual(Math.max(text.split('\n').length - 2, 0));
      most = Math.max(most, seen);
    }),
    { numRuns: 1000 },
  );
  expect(most).toBeGreaterThan(5);
});
