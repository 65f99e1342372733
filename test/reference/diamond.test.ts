import { counter, gauge } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import { dialects } from '../../src/naming/index.ts';
import { diamondNames } from '../../src/reference/index.ts';

const names = (...metrics: Parameters<typeof diamondNames>[0]) =>
  diamondNames(metrics, dialects.diamond).map(
    ({ path, where, sends, digits }) =>
      `${path} ${JSON.stringify(where)} ${sends}, ${digits} digits`,
  );

test('a name that takes any value of a label is one row', () => {
  const time = counter('system.cpu.time', { unit: 'seconds', labels: ['cpu', 'state'], help: '' });
  expect(names(time)).toEqual(['cpu.cpu<cpu>.<state> {} rate per second × 100, 2 digits']);
});

test('a name that is for one value of a label says for which', () => {
  const labels = ['device', 'direction'];
  expect(names(counter('system.network.io', { unit: 'bytes', labels, help: '' }))).toEqual([
    'network.<device>.rx_bit {"direction":"receive"} rate per second × 8, 2 digits',
    'network.<device>.rx_byte {"direction":"receive"} rate per second, 2 digits',
    'network.<device>.tx_bit {"direction":"transmit"} rate per second × 8, 2 digits',
    'network.<device>.tx_byte {"direction":"transmit"} rate per second, 2 digits',
  ]);
});

test('a filesystem goes by its mount point', () => {
  const labels = ['device', 'mountpoint', 'type', 'volume'];
  const utilization = gauge('system.filesystem.utilization', { unit: 'ratio', labels, help: '' });
  expect(names(utilization)).toEqual([
    'diskspace.<mountpoint>.byte_percentfree {} 100 − value × 100, 2 digits',
  ]);
});

test('a scale below one is told as a division', () => {
  expect(names(gauge('system.uptime', { unit: 'seconds', help: '' }))).toEqual([
    'uptime.minutes {} value / 60, 0 digits',
  ]);
});

test('what takes the generic rule is not Diamond’s', () => {
  expect(names(gauge('system.boot_time', { unit: 'seconds', help: '' }))).toEqual([]);
  expect(
    names(counter('system.disk.flushes', { unit: 'count', labels: ['device'], help: '' })),
  ).toEqual([]);
});
