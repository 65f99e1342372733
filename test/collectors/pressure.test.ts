import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import pressure, { parse } from '../../collectors/pressure.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(pressure);

const some = 'some avg10=1.50 avg60=0.25 avg300=100.00 total=2500000\n';

test('observes stalled time in seconds and averages as ratios', async () => {
  const host = hostWith({ 'proc/pressure/io': some });
  expect(text(await collecting(pressure)(0, { host }))).toBe(
    [
      'system.linux.pressure.time{resource="io",scope="some"} 2.5 seconds counter',
      'system.linux.pressure.average{resource="io",scope="some",window="10s"} 0.015 ratio gauge',
      'system.linux.pressure.average{resource="io",scope="some",window="60s"} 0.0025 ratio gauge',
      'system.linux.pressure.average{resource="io",scope="some",window="300s"} 1 ratio gauge',
      '',
    ].join('\n'),
  );
});

test('interrupts, of which the kernel knows only whether all had to wait', async () => {
  const host = hostWith({ 'proc/pressure/irq': some.replace('some', 'full') });
  expect(text(await collecting(pressure)(0, { host }))).toContain('resource="irq",scope="full"');
});

test('a malformed line costs itself, and is told of', async () => {
  const host = hostWith({ 'proc/pressure/io': `${some}full avg10=much\n` });
  const run = await collecting(pressure)(0, { host });
  expect(run.observations).toHaveLength(4);
  expect(run.errors.map(String)).toEqual([expect.stringContaining('/proc/pressure/io line 2')]);
});

test('a malformed file costs its resource, not the others', async () => {
  const host = hostWith({ 'proc/pressure/cpu': '', 'proc/pressure/io': some });
  const seen = text(await collecting(pressure)(0, { host }));
  expect(seen).toContain('! ParseError: /proc/pressure/cpu is empty');
  expect(seen).toContain('system.linux.pressure.time{resource="io",scope="some"} 2.5');
});

test.each([
  'some',
  'most avg10=0.00 avg60=0.00 avg300=0.00 total=0',
  'some avg10=0.00 avg60=x avg300=0.00 total=0',
  'some avg10=0.00 avg60=0.00 avg300=0.00 total=',
  'some avg10=0.00 avg60=0.00 avg300=0.00 total=184467440737095516150',
])('rejects the line "%s"', (line) => {
  expect(parse('/proc/pressure/io', `${line}\n`)).toEqual([
    new ParseError(
      `/proc/pressure/io line 1: "${line}" is not "SCOPE avg10=… avg60=… avg300=… total=…"`,
    ),
  ]);
});
