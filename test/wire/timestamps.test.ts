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

// Where the host's own time is told from UTC, and midnight is not on the hour of UTC.
process.env['TZ'] = 'Asia/Kolkata';

const utc = (text: string) => Date.parse(text) / 1000;
/** In the time zone of whatever runs the tests. */
const here = (text: string) => new Date(text).getTime() / 1000;

describe('when a line was written', () => {
  it.each([
    ['21/Nov/2026:08:38:12 +0000', utc('2026-11-21T08:38:12Z')],
    ['01/Mar/2024:00:00:00 -0530', utc('2024-03-01T05:30:00Z')],
    ['21/Nov/2026:08:38:12.250', here('2026-11-21T08:38:12.250')],
    ['21/Nov/2026:08:38:12.000', here('2026-11-21T08:38:12')],
  ])('is read as web servers and HAProxy write it: %s', (text, time) => {
    expect(clfTime(encoded(text))).toBe(time);
  });

  it.each([
    ['2026-11-21T08:38:12Z', utc('2026-11-21T08:38:12Z')],
    ['2026-11-21T08:38:12.123456+01:00', utc('2026-11-21T07:38:12Z') + 0.123456],
    ['2026-11-21T08:38:12+0100', utc('2026-11-21T07:38:12Z')],
    ['2026-11-21 08:38:12,500 x', here('2026-11-21T08:38:12.500')],
    ['2026/11/21 08:38:12 [x]', here('2026-11-21T08:38:12')],
    ['2026-11-21T08:38:12-03:30', utc('2026-11-21T12:08:12Z')],
    ['2026-11-21T08:38:12,5-0330', utc('2026-11-21T12:08:12Z') + 0.5],
    // No zone, though numbers stand where one would.
    ['2026-11-21T08:38:12 0100', here('2026-11-21T08:38:12')],
    ['2026-11-21T08:38:12+01x0', here('2026-11-21T08:38:12')],
    ['2026-11-21_08:38:12 ERROR', here('2026-11-21T08:38:12')],
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
    // Of a host whose clock is ahead.
    const eve = here('2025-12-31T23:59:59');
    expect(syslogTime(encoded('Jan  1 00:00:01 h'), 0, eve)).toBe(here('2026-01-01T00:00:01'));
  });

  it('is of another year from midnight on', () => {
    const before = here('2025-12-30T23:59:59');
    expect(syslogTime(encoded('Dec 31 23:59:58'), 0, before)).toBe(here('2025-12-31T23:59:58'));
    const behind = here('2025-12-31T00:00:01');
    expect(syslogTime(encoded('Jan  1 00:00:00'), 0, behind)).toBe(here('2026-01-01T00:00:00'));
  });

  it.each([
    ['2026-01-31T08:38:12', '2026-02-01T08:38:12'],
    ['2025-12-05T08:38:12', '2026-01-05T08:38:12'],
    ['2026-11-21T23:59:12', '2026-11-22T00:00:12'],
  ])('is not that of the line before: %s, %s', (before, text) => {
    isoTime(encoded(before));
    expect(isoTime(encoded(text))).toBe(here(text));
  });

  it('is the same in whatever order lines come', () => {
    const moment = fc.integer({
      min: utc('2024-01-02T00:00:00Z'),
      max: utc('2026-12-30T00:00:00Z'),
    });
    const near = fc.tuple(moment, fc.array(fc.integer({ min: -90_000, max: 90_000 })));
    const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
    fc.assert(
      fc.property(fc.array(near), (moments) => {
        for (const [now, offsets] of moments) {
          for (const offset of offsets.filter((it) => it < 86_000)) {
            const date = new Date((now + offset) * 1000);
            const day = `${date.getDate()}`.padStart(2);
            const [hour, minute, second] = [
              date.getHours(),
              date.getMinutes(),
              date.getSeconds(),
            ].map((it) => `${it}`.padStart(2, '0'));
            const text = `${MONTHS[date.getMonth()]} ${day} ${hour}:${minute}:${second} h`;
            const [year, month] = [date.getFullYear(), date.getMonth()];
            const expected = new Date(
              ...([year, month, date.getDate(), date.getHours(), date.getMinutes()] as const),
              date.getSeconds(),
            );
            expect(syslogTime(encoded(text), 0, now)).toBe(expected.getTime() / 1000);
          }
        }
      }),
    );
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
    ...['00/Nov/2026:08:38:12 +0000', '2x/Nov/2026:08:38:12 +0000', '-1/Nov/2026:08:38:12 +0000'],
    ...['2-/Nov/2026:08:38:12 +0000', 'x1/Nov/2026:08:38:12 +0000', '21/ovD/2026:08:38:12 +0000'],
    ...['21-Nov/2026:08:38:12 +0000', '21/Nov-2026:08:38:12 +0000', '21/Nov/2026:25:00:00 +0000'],
    ...['21/Nov/2026:08-38:12 +0000', '21/Nov/2026:08:38-12 +0000', '2026-11-32T08:38:12Z'],
    ...['2026-13-21T08:38:12Z', '2026-00-21T08:38:12Z', '2026-11/21T08:38:12Z'],
    ...['2026.11.21T08:38:12Z', '2026-11-21x08:38:12Z', '2026-11-21T24:00:01Z'],
    ...['21/Nov/-026:08:38:12 +0000', '2026-11-2:T08:38:12Z', '99999999 1', '100000000000 1'],
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
    ['<123456>2026-11-21T08:38:12Z', Number.NaN],
    ['1 2026-11-21T08:38:12Z', Number.NaN],
    ['<34>1795221130.176 x', 1795221130.176],
    ['<34>2 2026-11-21T08:38:12Z', Number.NaN],
    ['', Number.NaN],
  ])('is found in a line of whatever log: %s', (text, time) => {
    const found = lineTime(encoded(text), here('2026-11-21T12:00:00'));
    expect(Number(found.toFixed(6))).toBe(time);
  });

  it('is looked for behind a bracket that is near', () => {
    const behind = (bytes: number) => `${'x'.repeat(bytes)}[21/Nov/2026:08:38:12 +0000]`;
    expect(lineTime(encoded(behind(255)), 0)).toBe(utc('2026-11-21T08:38:12Z'));
    expect(lineTime(encoded(behind(300)), 0)).toBe(Number.NaN);
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
