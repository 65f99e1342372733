import { snmpReader } from 'cullinan/wire/snmp';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { oddLines } from '../support/odd-lines.ts';

const reader = () => snmpReader((protocol, name) => `${protocol}.${name}`);

test('reads pairs of lines', () => {
  const read = reader();
  expect(read('Ip: Forwarding InHdr\nIp: 1 2\nTcp: MaxConn\nTcp: -1\n')).toEqual([
    { protocol: 'Ip', fields: ['Ip.Forwarding', 'Ip.InHdr'], numbers: [1, 2], line: 1 },
    { protocol: 'Tcp', fields: ['Tcp.MaxConn'], numbers: [-1], line: 3 },
  ]);
});

test('works out the names only when they change', () => {
  const named: string[] = [];
  const read = snmpReader((_, name) => named.push(name));
  read('Ip: A B\nIp: 1 2\n');
  expect(read('Ip: A B\nIp: 3 4\n')[0]?.numbers).toEqual([3, 4]);
  expect(named).toEqual(['A', 'B']);
  expect(read('Ip: A C\nIp: 3 4\n')[0]?.numbers).toEqual([3, 4]);
  expect(named).toEqual(['A', 'B', 'A', 'C']);
});

test.each([
  ['too few numbers', 'Ip: A B\nIp: 1\n'],
  ['too many numbers', 'Ip: A B\nIp: 1 2 3\n'],
  ['something else than a number', 'Ip: A B\nIp: 1 2x\n'],
  ['a blank too many', 'Ip: A B\nIp: 1  2\n'],
  ['a number no kernel prints', 'Ip: A\nIp: 184467440737095516150\n'],
  ['another protocol', 'Ip: A B\nTcp: 1 2\n'],
  ['no second line', 'Ip: A B\n'],
  ['a line cut short', 'Ip: A\nIp: 12'],
  ['no protocol', ' A B\n: 1 2\n'],
])('has no numbers where there is %s', (_, text) => {
  expect(reader()(text).map(({ numbers }) => numbers)).toEqual([undefined]);
});

test('a malformed pair costs itself', () => {
  const numbers = reader()('Ip: A\nIp: x\nTcp: A\nTcp: 5\n').map(({ numbers }) => numbers);
  expect(numbers).toEqual([undefined, [5]]);
});

test('gives back every table it is given', () => {
  const field = fc.tuple(fc.stringMatching(/^[A-Za-z0-9]{1,12}$/), fc.maxSafeInteger());
  const table = fc.tuple(fc.stringMatching(/^[A-Za-z]{1,8}$/), fc.array(field, { minLength: 1 }));
  fc.assert(
    fc.property(fc.array(table), fc.array(table), (before, tables) => {
      const read = reader();
      const print = (all: typeof tables) =>
        all
          .flatMap(([protocol, fields]) =>
            [0, 1].map((i) => [`${protocol}:`, ...fields.map((f) => f[i])]),
          )
          .map((words) => `${words.join(' ')}\n`)
          .join('');
      read(print(before));
      const found = read(print(tables)).map(({ protocol, fields, numbers }) => [
        protocol,
        fields,
        numbers,
      ]);
      expect(found).toEqual(
        tables.map(([protocol, fields]) => [
          protocol,
          fields.map(([name]) => `${protocol}.${name}`),
          // A minus before nothing is nothing.
          fields.map(([, number]) => (number === 0 ? 0 : number)),
        ]),
      );
    }),
  );
});

test('gives as many finite numbers as fields for any text', () => {
  const any = oddLines('Ip: A B', 'Ip: 1 64', 'Tcp: A B C', 'Tcp: 1 -2 3');
  let seen = 0;
  fc.assert(
    fc.property(any, any, (before, text) => {
      const read = reader();
      read(before);
      for (const { fields, numbers } of read(text)) {
        if (numbers === undefined) continue;
        expect(numbers).toHaveLength(fields.length);
        expect(numbers.every(Number.isFinite)).toBe(true);
        seen += 1;
      }
    }),
    { numRuns: 1000 },
  );
  expect(seen).toBeGreaterThan(50);
});
