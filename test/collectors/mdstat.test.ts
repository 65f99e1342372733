import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import md, { parse } from '../../collectors/mdstat.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(md);

const array = (first: string, ...lines: string[]) => `${[first, ...lines].join('\n')}\n\n`;

test('a disk that failed, one that is missing and a spare', () => {
  const text = array(
    'md0 : active raid5 sdd1[3](S) sdc1[1] sdb1[0](F)',
    '      976759808 blocks level 5, 64k chunk, algorithm 2 [3/1] [_U_]',
  );
  expect(parse(text)).toEqual([
    expect.objectContaining({
      disks: { active: 1, failed: 1, spare: 1, missing: 2 },
      required: 3,
    }),
  ]);
});

test('a rebuild says how far it is, how fast, and how long it will take', async () => {
  const mdstat = array(
    'md_d0 : active raid1 sdb2[2] sda2[0]',
    '      1024 blocks super 1.2 [2/1] [U_]',
    '      [==>....]  recovery = 12.5% (128/1024) finish=1.5min speed=100K/sec',
  );
  const seen = text(await collecting(md)(0, { host: hostWith({ 'proc/mdstat': mdstat }) }));
  expect(seen).toContain('system.linux.md.state{device="md_d0",state="recovery"} 1');
  expect(seen).toContain('system.linux.md.state{device="md_d0",state="active"} 0');
  expect(seen).toContain('progress{device="md_d0",activity="recovery"} 0.125 ratio');
  expect(seen).toContain('synced{device="md_d0"} 131072 bytes');
  expect(seen).toContain('speed{device="md_d0",activity="recovery"} 102400 bytes');
  expect(seen).toContain('remaining{device="md_d0",activity="recovery"} 90 seconds');
});

test('no arrays are nothing to observe', () => {
  expect(parse('Personalities : [raid1] \nunused devices: <none>\n')).toEqual([]);
});

test('an array that cannot be understood costs itself', () => {
  const sound = array('md1 : active raid1 sda[0]', '      8 blocks [1/1] [U]');
  expect(parse(`md0 : dancing\n\n${sound}`)).toEqual([
    new ParseError('/proc/mdstat: "md0 : dancing" begins no array'),
    expect.objectContaining({ device: 'md1' }),
  ]);
});
