import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import uptime, { parse, parseBoot } from '../../collectors/uptime.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(uptime);

test('reads the seconds since boot, to the hundredth', () => {
  expect(parse('12345678.09 98765432.10\n')).toBe(12345678.09);
});

test.each([
  ['nothing', ''],
  ['one number', '12.50'],
  ['a word', '12.50 x'],
  ['a negative number', '-1.00 2.00'],
  ['a number beyond all numbers', `${'9'.repeat(400)}.00 1.00`],
])('rejects %s as /proc/uptime', (_, line) => {
  expect(() => parse(line)).toThrow(
    new ParseError(`/proc/uptime line 1: "${line.slice(0, 80)}" is not "UP IDLE"`),
  );
});

test('a malformed boot time names its line', () => {
  expect(() => parseBoot('cpu  1 2 3 4\nintr 5\nbtime 17x\nctxt 1\n')).toThrow(
    new ParseError('/proc/stat line 3: column 1 of 1 (btime) is "17x", not a whole number'),
  );
});

test.each([
  ['is absent', {}, ''],
  ['has none', { 'proc/stat': 'cpu  1 2 3 4\n' }, ''],
  ['is malformed', { 'proc/stat': 'cpu  1 2 3 4\nbtime \n' }, '! ParseError: /proc/stat line 2'],
])('observes the uptime where the boot time %s', async (_, files, error) => {
  const host = hostWith({ 'proc/uptime': '12.50 40.00\n', ...files });
  const seen = text(await collecting(uptime)(0, { host }));
  expect(seen).toMatch(`system.uptime{} 12.5 seconds gauge\n${error}`);
  expect(seen).not.toContain('boot_time');
});
