import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import interrupts, { parse } from '../../collectors/interrupts.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(interrupts);
describeCollector(interrupts, { options: { perCpu: true }, variant: 'per-cpu' });

const of = (lines: string) => parse('/proc/interrupts', `      CPU0  CPU3\n${lines}`);

test.each([
  ['  0:  1  2  IO-APIC   2-edge      timer', 'timer'],
  [' 36:  1  2  PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0', 'virtio1-req.0'],
  [' 16:  1  2  IO-APIC-fasteoi   uhci_hcd:usb1, eth0', 'uhci_hcd:usb1, eth0'],
  [' 11:  1  2  GICv3  27 Level     arch_timer', 'arch_timer'],
  ['  9:  1  2  IO-APIC   9-fasteoi', ''],
  ['NMI:  1  2  Non-maskable interrupts', 'Non-maskable interrupts'],
  ['IPI0:  1  2  Rescheduling interrupts', 'Rescheduling interrupts'],
])('in "%s" finds what raises it', (line, device) => {
  expect(of(`${line}\n`).lines).toEqual([expect.objectContaining({ device, perCpu: [1, 2] })]);
});

test('CPUs are those that are online', async () => {
  const host = hostWith({ 'proc/softirqs': '   CPU0  CPU3\n  TIMER:  1  2\n' });
  const run = await collecting(interrupts)(0, { host, options: { perCpu: true } });
  expect(text(run)).toContain('system.linux.softirqs.cpu{cpu="3",type="TIMER"} 2');
});

test('what has one number has none per CPU', () => {
  expect(of('ERR:  7\n').lines).toEqual([{ interrupt: 'ERR', perCpu: [7], device: '' }]);
});

test('a malformed line costs itself', () => {
  const { lines } = parse('/proc/x', ' CPU0 CPU1 CPU2\n 1: 1 2 3 a\n 2: 1 2 b\n 3: 4 5 6 c\n');
  expect(lines).toEqual([
    expect.objectContaining({ interrupt: '1' }),
    new ParseError('/proc/x line 3: " 2: 1 2 b" has no number for each of 3 CPUs'),
    expect.objectContaining({ interrupt: '3' }),
  ]);
});

test.each(['interrupts', 'softirqs'])('a malformed line of %s is told of', async (name) => {
  const file = '      CPU0  CPU1  CPU3\n  A:  1  2  b\n  B:  1  2  3\n';
  const host = hostWith({ [`proc/${name}`]: file });
  const run = await collecting(interrupts)(0, { host });
  expect(run.observations.map(({ value }) => value)).toEqual([6]);
  expect(run.errors.map(String)).toEqual([expect.stringContaining(`/proc/${name} line 2`)]);
});

test('a file without CPUs is no such file', () => {
  expect(() => parse('/proc/x', 'nothing\n')).toThrow(/line 1: no CPUs are named/);
});
