import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encoded } from '../../src/wire/bytes.ts';
import {
  clfTime,
  ctime,
  epochTime,
  isoTime,
  known,
  lineTime,
  syslogTime,
} from '../../src/wire/timestamps.ts';

const utc = (text: string) => Date.parse(text) / 1000;
/** In the time zone of whatever runs the tests. */
const here = (text: string) => new Date(text).getTime() / 1000;

describe('when a line was written', () => {
  it.each([
    ['21/Nov/2026:08:38:12 +0000', utc('2026-11-21T08:38:12Z')],
    ['01/Mar/2024:00:00:00 -0530', utc('2024-03-01T05:30:00Z')],
    ['21/Nov/2026:08:38:12.250', here('2026-11-21T08:38:12.250')],
  ])('is read as web servers and HAProxy write it: %s', (text, time) => {
    expect(clfTime(encoded(text))).toBe(time);
  });

  it.each([
    ['2026-11-21T08:38:12Z', utc('2026-11-21T08:38:12Z')],
    ['2026-11-21T08:38:12.123456+01:00', utc('2026-11-21T07:38:12Z') + 0.123456],
    ['2026-11-21T08:38:12+0100', utc('2026-11-21T07:38:12Z')],
    ['2026-11-21 08:38:12,500 x', here('2026-11-21T08:38:12.500')],
    ['2026/11/21 08:38:12 [x]', here('2026-11-21T08:38:12')],
  ])('is read as RFC 3339 and its kin have it: %s', (text, time) => {
    expect(isoTime(encoded(text))).toBeCloseTo(time, 6);
  });

  it('is read as Apache’s error log has it', () => {
    expect(ctime(encoded('Sat Nov 21 08:38:12 2026]'))).toBe(here('2026-11-21T08:38:12'));
    expect(ctime(encoded('Sat Nov 21 08:38:12.500000 2026]'))).toBe(here('2026-11-21T08:38:12.5'));
  });

  it('is read as syslog has it, of the year that is nearest', () => {
    const now = here('2026-01-01T12:00:00');
    expect(syslogTime(encoded('Dec 31 23:59:58 h'), 0, now)).toBe(here('2025-12-31T23:59:58'));
    expect(syslogTime(encoded('Jan  2 01:00:00 h'), 0, now)).toBe(here('2026-01-02T01:00:00'));
  });

  it('is read as squid has it', () => {
    expect(epochTime(encoded('1795221130.176   150'))).toBe(1795221130.176);
  });

  it.each([
    '',
    '21/Nov/2026',
    '32/Nov/2026:08:38:12 +0000',
    '21/Foo/2026:08:38:12 +0000',
    'no time at all, really',
  ])('is unknown for "%s"', (text) => {
    for (const read of [clfTime, isoTime, ctime, epochTime])
      expect(known(read(encoded(text)))).toBe(undefined);
    expect(known(syslogTime(encoded(text), 0, 0))).toBe(undefined);
  });

  it.each([
    ['2026-11-21T08:38:12Z a word', utc('2026-11-21T08:38:12Z')],
    ['[2026-11-21 08:38:12,007] ERROR', here('2026-11-21T08:38:12.007')],
    ['[Sat Nov 21 08:38:12.5 2026] [error]', here('2026-11-21T08:38:12.5')],
    ['Nov 21 08:38:12 web01 app[7]: x', here('2026-11-21T08:38:12')],
    ['<34>Nov 21 08:38:12 web01 app[7]: x', here('2026-11-21T08:38:12')],
    ['<34>1 2026-11-21T08:38:12Z web01 app 7 - - x', utc('2026-11-21T08:38:12Z')],
    ['1795221130.176    150 192.0.2.1 TCP_MISS/200', 1795221130.176],
    ['::1 - - [21/Nov/2026:08:38:12 +0000] "GET / HTTP/1.1"', utc('2026-11-21T08:38:12Z')],
    ['\tat java.lang.Thread.run(Thread.java:840)', Number.NaN],
    ['order 1795221130 was placed', Number.NaN],
    ['<', Number.NaN],
    ['', Number.NaN],
  ])('is found in a line of whatever log: %s', (text, time) => {
    const found = lineTime(encoded(text), here('2026-11-21T12:00:00'));
    expect(Number(found.toFixed(6))).toBe(time);
  });

  it('is looked for in any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const time = lineTime(bytes, 1_795_250_000);
        expect(Number.isNaN(time) || Number.isFinite(time)).toBe(true);
      }),
    );
  });
});
