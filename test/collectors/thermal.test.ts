import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import thermal, { parse } from '../../collectors/thermal.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(thermal);

const zone = (number: number, files: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(files).map(([name, it]) => [
      `sys/class/thermal/thermal_zone${number}/${name}`,
      it,
    ]),
  );

test('a zone that is switched off costs itself', async () => {
  const host = hostWith({
    ...zone(0, { type: 'acpitz\n' }),
    ...zone(1, { type: 'acpitz\n', temp: '-5500\n' }),
  });
  expect(text(await collecting(thermal)(0, { host }))).toBe(
    'hardware.thermal.temperature{zone="1",type="acpitz"} -5.5 celsius gauge\n',
  );
});

test('of all trip points the first critical one is the limit', async () => {
  const point = (number: number, type: string, temp: number) => ({
    [`trip_point_${number}_type`]: `${type}\n`,
    [`trip_point_${number}_temp`]: `${temp}\n`,
  });
  const host = hostWith(
    zone(0, {
      ...{ type: 'acpitz\n', temp: '45000\n', ...point(0, 'passive', 90_000) },
      ...{ ...point(1, 'critical', 100_000), ...point(2, 'critical', 110_000) },
    }),
  );
  expect(text(await collecting(thermal)(0, { host }))).toBe(
    'hardware.thermal.temperature{zone="0",type="acpitz"} 45 celsius gauge\n' +
      'hardware.thermal.critical{zone="0",type="acpitz"} 100 celsius gauge\n',
  );
});

test('a limit of nought is none', async () => {
  const host = hostWith(
    zone(0, {
      ...{ type: 'acpitz\n', temp: '1000\n' },
      ...{ trip_point_0_type: 'critical\n', trip_point_0_temp: '0\n' },
    }),
  );
  expect(text(await collecting(thermal)(0, { host }))).not.toContain('critical');
});

test('what is no number is said to be none', () => {
  expect(() => parse('class/thermal/x/temp', 'hot\n')).toThrow(
    new ParseError('/sys/class/thermal/x/temp: "hot" is no whole number'),
  );
});
