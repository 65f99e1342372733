import { lineOf } from 'cullinan/plugin';
import { describe, expect, it } from 'vitest';
import auth from '../../parsers/auth.ts';
import haproxy from '../../parsers/haproxy.ts';
import journald from '../../parsers/journald.ts';
import jsonLines, { lookUp } from '../../parsers/json-lines.ts';
import log4j, { exceptionEnd } from '../../parsers/log4j.ts';
import logfmt from '../../parsers/logfmt.ts';
import squid from '../../parsers/squid.ts';
import syslog from '../../parsers/syslog.ts';
import { encoded } from '../../src/wire/bytes.ts';
import { LevelWords } from '../../src/wire/level-word.ts';
import { describeParser, parsing, said } from '../support/parsers.ts';

describeParser(auth, { options: { sources: 5 } });
describeParser(haproxy);
describeParser(journald);
describeParser(jsonLines, {
  options: { count: ['level', 'http.status'], values: ['http.took'], percentiles: [50] },
});
describeParser(log4j);
describeParser(log4j, { variant: 'loggers', options: { loggers: 10 } });
describeParser(logfmt, {
  options: { count: ['level', 'status'], values: ['took'], percentiles: [50] },
});
describeParser(squid);
describeParser(syslog, { options: { hosts: 10 } });

describe('log4j', () => {
  it.each([
    ['2026-11-21 ERROR x', 'ERROR'],
    ['[WARN] x', 'WARN'],
    ['[ WARN ] x', 'WARN'],
    ['[main] [INFO] [on ERROR] x', 'INFO'],
    ['[2026-11-21 08:38:12] [main] ERROR x', 'ERROR'],
    ['2026-11-21T08:38:12Z|ERROR|main', 'ERROR'],
    ['level=ERROR x', 'ERROR'],
    ['<ERROR>', 'ERROR'],
    ['08:38:12,007/ERROR/main', 'ERROR'],
    ['ERROR: x', 'ERROR'],
    ['[INFO 08:38:12] ERROR x', 'INFO'],
    ['08:38:12 [ERROR-handler] INFO a.B - x', 'INFO'],
    ['08:38:12 [handler-ERROR] INFO a.B - x', 'INFO'],
    ['08:38:12 [the ERROR handler] INFO a.B - x', 'INFO'],
    ['08:38:12-ERROR-main', 'ERROR'],
    ['08:38:12 [not closed ERROR x', 'ERROR'],
    ['ERRORS WARNING INFO', 'INFO'],
    ['', undefined],
    [`${'x '.repeat(80)}ERROR`, undefined],
  ])('finds the level of "%s"', (line, level) => {
    const levels = ['INFO', 'WARN', 'ERROR'];
    const words = new LevelWords(levels);
    expect(words.find(encoded(line), line.length)).toBe(level !== undefined);
    expect(levels[words.level]).toBe(level);
    if (level !== undefined) expect(line.slice(0, words.end)).toMatch(new RegExp(`${level}$`));
  });

  it.each([
    ['java.lang.OutOfMemoryError: x', 26],
    ['MyException', 11],
    ['Exceptional: x', -1],
    ['Caused by: java.io.IOException: x', -1],
  ])('finds the exception of "%s"', (line, end) => {
    expect(exceptionEnd(encoded(line), 0)).toBe(end);
  });
});

describe('JSON lines', () => {
  it('have fields by name, or by path', () => {
    expect(lookUp({ 'a.b': 1, a: { b: 2, c: [3] } }, 'a.b')).toBe(1);
    expect(lookUp({ a: { c: [3] } }, 'a.c.0')).toBe(3);
    expect(lookUp({ a: 'text' }, 'a.length')).toBe(undefined);
    expect(lookUp({}, 'constructor')).toBe(undefined);
  });

  it.each([
    ['"2026-11-21T08:38:12Z"', 1795250292],
    ['1795250292', 1795250292],
    ['1795250292000', 1795250292],
    ['"1795250292000000"', 1795250292],
    ['1795250292000000000', 1795250292],
    ['"soon"', undefined],
    ['null', undefined],
  ])('are from the time that they say: %s', (time, seconds) => {
    const open = jsonLines.open(jsonLines.options.parse({}));
    expect(open.timeOf?.(lineOf(encoded(`{"time":${time}}`)))).toBe(seconds);
  });
});

describe('HAProxy’s lines', () => {
  it('may lack syslog’s head, and the session’s end', () => {
    const line =
      '192.0.2.1:5 [21/Nov/2026:08:38:12.123] www~ app/a1 1/2/3/4/+10 200 +512 - - ---- 1/1/1/1/0 0/0 "GET / HTTP/1.1"';
    const report = said(parsing(haproxy, { percentiles: [] })(line));
    expect(report).toContain('haproxy.frontends{frontend="www"} 1 count delta');
    expect(report).toContain('haproxy.sent{} 512 bytes delta');
    expect(report).toContain('haproxy.time{stage="total",statistic="max"} 0.01 seconds gauge');
  });
});
