import { NoData, Unresponsive } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import ping, { observe, parse } from '../../collectors/ping.ts';
import { describeWithPeer } from '../support/peers.ts';
import { asked, valuesOf } from '../support/probing.ts';

test.each([
  ['iputils', '64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=0.027 ms', [[1, 0.000027]]],
  ['iputils, IPv6', '64 bytes from ::1: icmp_seq=2 ttl=64 time=1001 ms', [[2, 1.001]]],
  ['inetutils', '64 bytes from 192.0.2.1: icmp_seq=0 ttl=64 time=0,072 ms', []],
  ['busybox', '64 bytes from 192.0.2.1: seq=0 ttl=64 time=0.060 ms', [[0, 0.00006]]],
  ['busybox, fast', '64 bytes from 192.0.2.1: seq=3 ttl=64 time<1 ms', [[3, 0.001]]],
  ['twice', '64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=5.00 ms (DUP!)', []],
  ['no answer', 'From 192.0.2.9 icmp_seq=1 Destination Host Unreachable', []],
  ['no line of it', 'rtt min/avg/max/mdev = 0.027/0.029/0.031/0.002 ms', []],
])('reads a line of %s', (_, line, expected) => {
  expect([...parse(`${line}\n`)].map(([seq, time]) => [seq, Number(time.toFixed(9))])).toEqual(
    expected,
  );
});

test('reads whatever comes, and finds only numbers', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(), (noise, time) => {
      const trips = parse(`${noise} seq=1 time=${time}${noise} ms\n`);
      for (const trip of trips.values()) expect(Number.isFinite(trip)).toBe(true);
    }),
  );
});

test('sums round trips up, and leaves out what no answer tells', () => {
  const observed = (trips: readonly number[]) =>
    valuesOf(
      { observations: [...observe('a', 4, trips)], errors: [], thrown: undefined },
      'check.ping.',
    );
  expect(observed([0.25, 0.75, 0.5])).toEqual({
    ...{ 'up{a}': 1, 'sent{a}': 4, 'received{a}': 3, 'loss{a}': 0.25 },
    ...{ 'time.mean{a}': 0.5, 'time.min{a}': 0.25, 'time.max{a}': 0.75 },
    'time.deviation{a}': Math.sqrt(0.125 / 3),
  });
  // No more are received than were sent, whatever ping prints.
  expect(observed([1, 1, 1, 1, 1])).toMatchObject({ 'received{a}': 4, 'loss{a}': 0 });
  expect(observed([])).toEqual({ 'up{a}': 0, 'sent{a}': 4, 'received{a}': 0, 'loss{a}': 1 });
});

test('an option is no host', () => {
  expect(ping.options.safeParse({ targets: { a: '-f' } }).success).toBe(false);
  expect(ping.options.safeParse({ targets: { a: 'fe80::1%eth0' } }).success).toBe(true);
});

describe('a check by ping', () => {
  test('without targets there is nothing to check', async () => {
    expect((await asked(ping, {})).thrown).toBeInstanceOf(NoData);
  });
});

describeWithPeer('ping', 'the real ping', () => {
  test('asks this host, and one that has no name', async () => {
    const run = await asked(ping, { targets: { here: '127.0.0.1', gone: 'nobody.invalid' } });
    expect(run.errors).toEqual([]);
    const values = valuesOf(run, 'check.ping.');
    expect(values).toMatchObject({
      ...{ 'up{here}': 1, 'sent{here}': 3, 'received{here}': 3, 'loss{here}': 0 },
      ...{ 'up{gone}': 0, 'sent{gone}': 3, 'received{gone}': 0, 'loss{gone}': 1 },
    });
    const [least = 0, mean = 0, most = 0] = ['min', 'mean', 'max'].map(
      (it) => values[`time.${it}{here}`],
    );
    expect(least).toBeGreaterThan(0);
    expect(least <= mean && mean <= most).toBe(true);
    expect(values).not.toHaveProperty('time.mean{gone}');
  });

  test('is killed at the deadline', async () => {
    const deadline = new AbortController();
    const run = asked(ping, { targets: { here: '127.0.0.1' }, count: 20 }, deadline.signal);
    setImmediate(() => deadline.abort());
    expect((await run).thrown).toEqual(new Unresponsive('ping did not answer in time'));
  });
});
