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

test('a name that adds up several series says so', () => {
  const labels = ['protocol', 'family', 'state'];
  const sockets = gauge('system.sockets.count', { unit: 'count', labels, help: '' });
  expect(names(sockets)).toEqual([
    'sockets.tcp_inuse {"protocol":"tcp","state":"in_use"} sum of value, 0 digits',
    'sockets.tcp_orphan {"protocol":"tcp","state":"orphan"} sum of value, 0 digits',
    'sockets.tcp_tw {"protocol":"tcp","state":"time_wait"} sum of value, 0 digits',
    'sockets.tcp_alloc {"protocol":"tcp","state":"allocated"} sum of value, 0 digits',
    'sockets.udp_inuse {"protocol":"udp","state":"in_use"} sum of value, 0 digits',
  ]);
});

test('a word that only some metrics have does not stand in for others', () => {
  const labels = ['group', 'type'];
  const memory = gauge('system.process_group.memory.usage', { unit: 'bytes', labels, help: '' });
  expect(names(memory)).toEqual([
    'process.<group>.memory_info_ex.rss {"type":"rss"} value, 0 digits',
    'process.<group>.memory_info_ex.vms {"type":"virtual"} value, 0 digits',
  ]);
});

test('what takes the generic rule is not Diamond’s', () => {
  expect(names(gauge('system.memory.limit', { unit: 'bytes', help: '' }))).toEqual([]);
  expect(
    names(counter('system.disk.flushes', { unit: 'count', labels: ['device'], help: '' })),
  ).toEqual([]);
});
