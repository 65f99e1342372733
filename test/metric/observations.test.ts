import { describe, expect, it } from 'vitest';
import { bytes, count, counter, gauge, Observations } from '../../src/metric/index.ts';

const sent = counter('test.sent', { unit: 'bytes', labels: ['device'], help: 'Sent.' });
const devices = gauge('test.devices', { unit: 'count', help: 'Devices.' });

describe('observations in columns', () => {
  it('are what a list of them is', () => {
    const seen = new Observations();
    seen.add(devices, count(1));
    seen.add(sent, bytes(7), { device: 'eth0' });
    seen.fail(new Error('no eth1'));
    expect([...seen]).toEqual([
      devices.observe(count(1)),
      sent.observe(bytes(7), { device: 'eth0' }),
      new Error('no eth1'),
    ]);
  });

  it('begin anew at every tick, however many they were', () => {
    const seen = new Observations();
    for (const tick of [1, 2]) {
      seen.clear();
      for (let i = 0; i < 1000 / tick; i += 1) seen.add(devices, count(i));
      expect([...seen].map((it) => (it instanceof Error ? it : it.value))).toEqual(
        Array.from({ length: 1000 / tick }, (_, i) => i),
      );
      seen.fail(new Error('of this tick'));
    }
    expect(seen.errors).toHaveLength(1);
  });

  it('have no number for what is none, as JavaScript may hand it over', () => {
    const seen = new Observations();
    seen.add(devices, JSON.parse('null'));
    expect([...seen]).toMatchObject([{ value: Number.NaN }]);
  });
});
