import { expect, test } from 'vitest';
import sensors, { parse } from '../../collectors/sensors.ts';
import { collecting, describeCollector, line } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(sensors);

const chip = (number: number, files: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(files).map(([name, text]) => [`sys/class/hwmon/hwmon${number}/${name}`, text]),
  );

const linesOf = async (files: Readonly<Record<string, string>>) => {
  const { observations } = await collecting(sensors)(0, { host: hostWith(files) });
  return observations.map(line);
};

test('every kind becomes its base unit', async () => {
  const files = chip(0, {
    ...{ name: 'it8728\n', temp1_input: '-12500\n', fan1_input: '1200\n', in0_input: '1104\n' },
    ...{ curr1_input: '2250\n', power1_input: '45500000\n' },
  });
  expect(await linesOf(files)).toEqual([
    'hardware.current{chip="it8728-virtual-0",sensor="curr1"} 2.25 amperes gauge',
    'hardware.fan.speed{chip="it8728-virtual-0",sensor="fan1"} 20 hertz gauge',
    'hardware.voltage{chip="it8728-virtual-0",sensor="in0"} 1.104 volts gauge',
    'hardware.power{chip="it8728-virtual-0",sensor="power1"} 45.5 watts gauge',
    'hardware.temperature{chip="it8728-virtual-0",sensor="temp1"} -12.5 celsius gauge',
  ]);
});

test('two chips of a driver, and two sensors of a label, are told apart', async () => {
  const files = {
    ...chip(0, { name: 'gpu\n', temp1_input: '1000\n', temp1_label: 'edge\n' }),
    ...chip(1, {
      name: 'gpu\n',
      temp1_input: '2000\n',
      temp1_label: 'edge\n',
      temp2_input: '3000\n',
      temp2_label: 'edge\n',
    }),
  };
  expect(await linesOf(files)).toEqual([
    'hardware.temperature{chip="gpu-virtual-0",sensor="edge"} 1 celsius gauge',
    'hardware.temperature{chip="gpu-virtual-0-hwmon1",sensor="edge"} 2 celsius gauge',
    'hardware.temperature{chip="gpu-virtual-0-hwmon1",sensor="temp2"} 3 celsius gauge',
  ]);
});

test('power that is measured both ways is reported once, as it is now', async () => {
  const both = chip(0, { name: 'x\n', power1_input: '1000000\n', power1_average: '2000000\n' });
  expect(await linesOf(both)).toEqual([
    'hardware.power{chip="x-virtual-0",sensor="power1"} 1 watts gauge',
  ]);
});

test('a sensor that is broken has no value until it is mended', async () => {
  const collect = collecting(sensors);
  const run = async (at: number, fault: string) => {
    const files = { name: 'nct6775\n', temp1_input: '-128000\n', temp1_fault: fault };
    return (await collect(at, { host: hostWith(chip(0, files)) })).observations.map(line);
  };
  expect(await run(0, '1\n')).toEqual([]);
  expect(await run(10, '0\n')).toEqual([
    'hardware.temperature{chip="nct6775-virtual-0",sensor="temp1"} -128 celsius gauge',
  ]);
});

test('a number that is taken over by another driver is looked at anew', async () => {
  const collect = collecting(sensors);
  await collect(0, { host: hostWith(chip(0, { name: 'a\n', temp1_input: '1000\n' })) });
  const { observations } = await collect(10, {
    host: hostWith(chip(0, { name: 'b\n', fan1_input: '60\n' })),
  });
  expect(observations.map(line)).toEqual([
    'hardware.fan.speed{chip="b-virtual-0",sensor="fan1"} 1 hertz gauge',
  ]);
});

test('a chip that is back under another number keeps its name', async () => {
  const collect = collecting(sensors);
  const files = { name: 'nvme\n', temp1_input: '1000\n' };
  for (const number of [0, 1, 1, 0]) {
    const { observations } = await collect(0, { host: hostWith(chip(number, files)) });
    expect(observations.map(line)).toEqual([
      'hardware.temperature{chip="nvme-virtual-0",sensor="temp1"} 1 celsius gauge',
    ]);
  }
});

test('what is no number says so', () => {
  expect(() => parse('class/hwmon/hwmon0/temp1_input', 'hot\n')).toThrow(
    '/sys/class/hwmon/hwmon0/temp1_input: "hot" is no whole number',
  );
});
