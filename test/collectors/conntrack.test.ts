import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import conntrack, { parse } from '../../collectors/conntrack.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(conntrack);

const HEAD = 'entries  found new drop\n';

test('adds up what the CPUs counted, and takes the entries as they stand', () => {
  const text = `${HEAD}0000000a  00000001 00000010 00000000\n0000000a  00000002 00000020 000000ff\n`;
  expect([...parse('/proc/net/stat/nf_conntrack', text)]).toEqual([
    ...[['entries', 10] as const, ['found', 3] as const, ['new', 48] as const],
    ['drop', 255],
  ]);
});

test.each([
  ['', 'line 1: there is no "entries"'],
  [`${HEAD}0000000a 00000001 00000010\n`, 'line 2: not 4 hexadecimal numbers'],
  [`${HEAD}0000000a 00000001 00000010 xyz00000\n`, 'line 2: not 4 hexadecimal numbers'],
])('rejects %j', (text, why) => {
  expect(() => parse('stat', text)).toThrow(new ParseError(`stat ${why}`));
});

test('old kernels have the settings under another name', async () => {
  const host = hostWith({
    'proc/sys/net/ipv4/netfilter/ip_conntrack_count': '50\n',
    'proc/sys/net/ipv4/netfilter/ip_conntrack_max': '200\n',
  });
  expect(text(await collecting(conntrack)(0, { host }))).toBe(
    [
      'system.linux.conntrack.count{} 50 count gauge',
      'system.linux.conntrack.limit{} 200 count gauge',
      'system.linux.conntrack.utilization{} 0.25 ratio gauge',
      '',
    ].join('\n'),
  );
});
