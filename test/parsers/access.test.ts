import { lineOf, pieceOf } from 'cullinan/plugin';
import { describe, expect, it, test } from 'vitest';
import access from '../../parsers/access.ts';
import { encoded } from '../../src/wire/bytes.ts';
import { describeParser, parsing, said } from '../support/parsers.ts';
import { APACHE_FORMAT, NGINX_FORMAT } from '../support/web-server.ts';

describeParser(access);
describeParser(access, {
  variant: 'nginx',
  options: { format: NGINX_FORMAT, topPaths: 3, paths: ['/old*', '*.html'] },
});
describeParser(access, {
  variant: 'apache',
  options: { format: APACHE_FORMAT, topPaths: 20, percentiles: [50] },
});

/** What is said of one line, without the series that are zero. */
const of = (line: string, options: unknown = {}) => {
  const parsed = parsing(access, options)(line);
  return parsed.known === 0 ? undefined : said(parsed).filter((text) => !/} 0 /.test(text));
};

const REQUEST = '"GET /a HTTP/1.1" 200 512';

describe('a format', () => {
  it.each([
    ['common', `h - - [21/Nov/2026:08:38:12 +0000] ${REQUEST}`],
    ['combined', `h - a b [21/Nov/2026:08:38:12 +0000] ${REQUEST} "-" "x"`],
    ['combined', `h - - [21/Nov/2026:08:38:12 +0000] ${REQUEST}`],
    ['vhost_combined', `w:80 h - - [21/Nov/2026:08:38:12 +0000] ${REQUEST} "-" "x"`],
    ['%a [%{%s}t] \\"%r\\" %s %B', `::1 [1795221130] ${REQUEST}`],
    [
      '[$time_local] "$request" $status $body_bytes_sent',
      `[21/Nov/2026:08:38:12 +0000] ${REQUEST}`,
    ],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as nginx has it
    ['${remote_addr}|$request|$status|$bytes_sent|', 'h|GET /a HTTP/1.1|200|512|'],
    [
      '{"s":"$status","r":"$request","b":"$bytes_sent"}',
      '{"s":"200","r":"GET /a HTTP/1.1","b":"512"}',
    ],
  ])('of Apache or of nginx is understood: %s', (format, line) => {
    const report = of(line, { format })?.filter((text) => !text.startsWith('access.vhosts'));
    expect(report).toEqual([
      'access.requests{} 1 count delta',
      'access.responses{class="2xx"} 1 count delta',
      'access.status{status="200"} 1 count delta',
      'access.methods{method="GET"} 1 count delta',
      'access.sent{} 512 bytes delta',
    ]);
  });

  it.each([
    ['%h %l', 'it has no status: %>s for Apache, $status for nginx'],
    ['%>s%b', 'two fields have nothing between them that could tell where one ends'],
    ['%>s %', '"%" is no directive of Apache’s LogFormat'],
  ])('that cannot be read is refused: %s', (format, why) => {
    const { error } = access.options.safeParse({ format });
    expect(error?.issues[0]?.message).toBe(
      `"${format}" is no format of an access log: ${why.replace('’', "'")}`,
    );
  });

  it.each([
    ['%>s %D', '200 1500', 0.0015],
    ['%>s %T', '200 3', 3],
    ['%>s %{ms}T', '200 1500', 1.5],
    ['%>s %{us}T', '200 1500', 0.0015],
    ['$status $request_time', '200 0.125', 0.125],
  ])('knows how long a request took, in seconds: %s', (format, line, seconds) => {
    expect(of(line, { format, percentiles: [] })).toContain(
      `access.time{statistic="mean"} ${seconds} seconds gauge`,
    );
  });

  it('knows when, where it says so', () => {
    const at = (format: string, line: string) =>
      access.open(access.options.parse({ format })).timeOf?.(lineOf(encoded(line)));
    const time = Date.parse('2026-11-21T08:38:12Z') / 1000;
    expect(at('%t %>s', '[21/Nov/2026:08:38:12 +0000] 200')).toBe(time);
    expect(at('$time_iso8601 $status', '2026-11-21T09:38:12+01:00 200')).toBe(time);
    expect(at('$msec $status', '1795250292.000 200')).toBe(time);
    expect(at('%>s', '200')).toBe(undefined);
  });
});

test('the zone of a line that ends before its own is not that which the next one begins with', () => {
  const { timeOf, timeAt } = access.open(access.options.parse({ format: '%>s %t' }));
  const line = encoded('200 [21/Nov/2026:08:38:12');
  const piece = pieceOf(encoded('200 [21/Nov/2026:08:38:12\n+0113]'));
  const time = Date.parse('2026-11-21T08:38:12') / 1000;
  expect(timeAt?.(piece, 0, line.length)).toBe(time);
  expect(timeOf?.(lineOf(line))).toBe(time);
});

test.each([
  ['no request at all', '"\\x16\\x03" 400 5', 'none'],
  ['a method that nobody knows', '"BREW /pot HTTP/1.1" 501 5', 'BREW'],
  ['what is no method', '"get / HTTP/1.1" 400 5', 'none'],
  ['a quote within the request', '"GET /\\" 200 HTTP/1.1" 404 5', 'GET'],
])('a line with %s counts', (_, line, method) => {
  const report = of(line, { format: '"%r" %>s %b' });
  expect(report).toContain(`access.methods{method="${method}"} 1 count delta`);
});

test.each([
  ['"GET / HTTP/1.1" 000 0', 'none'],
  ['"GET / HTTP/1.1" - -', 'none'],
  ['"GET / HTTP/1.1" 999 5', '999'],
])('a line with a status of no class counts: %s', (line, status) => {
  const report = of(line, { format: '"%r" %>s %b' });
  expect(report).toContain('access.responses{class="other"} 1 count delta');
  expect(report).toContain(`access.status{status="${status}"} 1 count delta`);
});

test('a line without a status, or with what is none, is not known', () => {
  for (const line of [
    '"GET / HTTP/1.1" x 5',
    '"GET / HTTP/1.1" 2x0 5',
    '"GET / HTTP/1.1" 20000 5',
  ]) {
    expect(of(line, { format: '"%r" %>s %b' })).toBe(undefined);
  }
});

test('paths are counted by the first pattern that fits, or as themselves, without their query', () => {
  const run = parsing(access, {
    format: '"%r" %>s',
    paths: ['/api/*', '*.png', '/api/*'],
    topPaths: 2,
  });
  const log = ['/api/x.png?a', '/x.png', '/one?q=1', '/one', '/two', '/two', '/three', '/one']
    .map((path) => `"GET ${path} HTTP/1.1" 200\n`)
    .join('');
  expect(said(run(log)).filter((text) => text.startsWith('access.paths'))).toEqual([
    'access.paths{path="/one"} 3 count delta',
    'access.paths{path="/two"} 2 count delta',
    'access.paths{path="other"} 1 count delta',
    'access.paths{path="/api/*"} 1 count delta',
    'access.paths{path="*.png"} 1 count delta',
  ]);
});

test('a pattern takes time in proportion to the path, however evil it is', () => {
  const run = parsing(access, { format: '"%r" %>s', paths: ['*a*a*a*a*a*a*a*a*a*b'] });
  const started = process.cpuUsage();
  run(`"GET /${'a'.repeat(100_000)} HTTP/1.1" 200\n`);
  expect(process.cpuUsage(started).user).toBeLessThan(500_000);
});
