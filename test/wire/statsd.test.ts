import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Point } from '../../src/metric/index.ts';
import { encodeStatsd, packStatsd, type StatsdForm, sanitize } from '../../src/wire/statsd.ts';
import { point } from '../support/points.ts';

const PLAIN: StatsdForm = { tags: 'graphite', zeros: true };
const DOGSTATSD: StatsdForm = { tags: 'dogstatsd', zeros: true };

const text = (points: readonly Point[], form = PLAIN): string => encodeStatsd(points, form);
const growth = (path: string, value: number, more = {}): Point =>
  point('total', { kind: 'counter', reading: 'growth', path, value, ...more });

/** As strict as a server: nothing but these lines is taken. */
const LINE = /^([A-Za-z0-9_\-.;=]+):(-?\d+(?:\.\d+)?)\|([cg])(?:\|#([^\s,|#]+(?:,[^\s,|#]+)*))?$/;

/** What a statsd that begins with nothing holds after these lines. */
function received(lines: string): { counters: Map<string, number>; gauges: Map<string, number> } {
  const counters = new Map<string, number>();
  const gauges = new Map<string, number>();
  for (const line of lines.split('\n').filter((line) => line !== '')) {
    const [, key = '', value = '', type, tags] = LINE.exec(line) ?? [];
    expect(type, line).toBeDefined();
    const name = tags === undefined ? key : `${key} ${tags}`;
    const before = gauges.get(name) ?? 0;
    if (type === 'c') counters.set(name, (counters.get(name) ?? 0) + Number(value));
    else gauges.set(name, (value.startsWith('-') ? before : 0) + Number(value));
  }
  return { counters, gauges };
}

describe('a line of statsd', () => {
  it('sets a gauge to what was observed, with the digits that the dialect gives it', () => {
    expect(text([point('load', { path: 'servers.web01.loadavg.01', value: 0.5 })])).toBe(
      'servers.web01.loadavg.01:0.5|g\n',
    );
    expect(text([point('idle', { path: 'idle', value: 99.987, precision: 2 })])).toBe(
      'idle:99.99|g\n',
    );
  });

  it('adds what a counter grew by, unrounded, or its sum would stray from the total', () => {
    expect(text([growth('rx_byte', 4096)])).toBe('rx_byte:4096|c\n');
    expect(text([growth('user', 0.1 + 0.2, { precision: 0 })])).toBe('user:0.3|c\n');
    expect(text([growth('big', 2 ** 60)])).toBe('big:1152921504606847000|c\n');
  });

  it('counts an amount since the tick before, whether it grew or is one', () => {
    const lines = point('lines', { kind: 'delta', reading: 'value', path: 'lines', value: 3 });
    expect(text([lines])).toBe('lines:3|c\n');
  });

  it('never counts a rate or a total', () => {
    const rate = point('total', { kind: 'counter', reading: 'rate', path: 'rate', value: 2 });
    const total = point('total', { kind: 'counter', reading: 'value', path: 'total', value: 7 });
    expect(text([rate, total])).toBe('rate:2|g\ntotal:7|g\n');
  });

  it('sets a gauge below zero in two steps, because a sign is a change', () => {
    expect(text([point('t', { path: 't', value: -5 })])).toBe('t:0|g\nt:-5|g\n');
    expect(text([point('t', { path: 't', value: -0.001, precision: 2 })])).toBe('t:0.00|g\n');
    expect(text([growth('c', -5)])).toBe('c:-5|c\n');
  });

  it('says of a counter that stood still that it did, unless that is not wanted', () => {
    const still = [growth('a', 0), growth('b', 1), point('c', { path: 'c', value: 0 })];
    expect(text(still)).toBe('a:0|c\nb:1|c\nc:0|g\n');
    expect(text(still, { ...PLAIN, zeros: false })).toBe('b:1|c\nc:0|g\n');
  });
});

describe('a name', () => {
  it.each([
    ['servers.web01.cpu.total.idle', 'servers.web01.cpu.total.idle'],
    ['memory.Active(anon)', 'memory.Activeanon'],
    ['a \t b/c%', 'a_b-c'],
    ['x:1|c\ny', 'x1c_y'],
    ['a;host=web01;mountpoint=/var', 'a;host=web01;mountpoint=-var'],
    ['größe', 'gre'],
    ['日本', '_'],
    ['', '_'],
  ])('%j is what statsd would store it as: %s', (name, stored) => {
    expect(sanitize(name)).toBe(stored);
  });

  it('has its tags behind the value where DogStatsD is spoken', () => {
    const path = 'system.disk.io;device=sd,a|#;mountpoint=/var/my:log;größe=1';
    expect(text([growth(path, 1)], DOGSTATSD)).toBe(
      'system.disk.io:1|c|#device:sd_a__,mountpoint:/var/my:log,größe:1\n',
    );
    expect(text([point('t', { path: 't;a=b', value: -5 })], DOGSTATSD)).toBe(
      't:0|g|#a:b\nt:-5|g|#a:b\n',
    );
    expect(text([point('t', { path: 'a(b', value: 5 })], DOGSTATSD)).toBe('ab:5|g\n');
  });
});

const facts = fc.record({
  path: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.stringMatching(/^[a-z]{1,9}(;[a-z]{1,4}=[^;]{1,9}){0,3}$/),
  ),
  value: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
  reading: fc.constantFrom('value', 'growth'),
});
const batches = fc
  .uniqueArray(facts, { selector: ({ path }) => sanitize(path), maxLength: 40 })
  .map((all) => all.map(({ path, ...more }) => point('m', { kind: 'gauge', path, ...more })));
const forms = fc.constantFrom(PLAIN, DOGSTATSD);

describe('whatever a device is called', () => {
  it('gives nothing but lines that a server takes, with the numbers that were observed', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const { counters, gauges } = received(text(batch));
        for (const { name, value } of batch) {
          const held = (name.reading === 'growth' ? counters : gauges).get(sanitize(name.path));
          expect(held).toBeCloseTo(value, 5 - Math.max(0, Math.log10(Math.abs(value) || 1)));
        }
      }),
    );
    fc.assert(fc.property(batches, (batch) => void received(text(batch, DOGSTATSD))));
  });

  it('makes whole datagrams of it, in the same order, that are no longer than they may be', () => {
    fc.assert(
      fc.property(batches, forms, fc.integer({ min: 64, max: 400 }), (batch, form, most) => {
        const datagrams = packStatsd(batch, form, most).map(String);
        expect(datagrams.map((datagram) => `${datagram}\n`).join('')).toBe(text(batch, form));
        for (const datagram of datagrams) {
          const lines = datagram.split('\n');
          expect(lines.every((line) => LINE.test(line))).toBe(true);
          // A gauge's sign is never parted from the 0 before it.
          expect(lines[0]).not.toMatch(/:-[^|]*\|g/);
          const alone = lines.length === 1 || (lines.length === 2 && /:-/.test(datagram));
          if (!alone) expect(Buffer.byteLength(datagram)).toBeLessThanOrEqual(most);
        }
      }),
    );
  });
});

it('fills its datagrams', () => {
  const batch = Array.from({ length: 500 }, (_, i) => growth(`servers.web01.metric${i}`, i));
  const lengths = packStatsd(batch, PLAIN, 1432).map(({ length }) => length);
  expect(lengths.slice(0, -1).every((length) => length > 1432 - 30 && length <= 1432)).toBe(true);
  expect(packStatsd([], PLAIN, 1432)).toEqual([]);
  expect(packStatsd([growth('a', 0)], { ...PLAIN, zeros: false }, 1432)).toEqual([]);
});
