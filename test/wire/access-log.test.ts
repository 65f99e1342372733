import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { AccessLine, fieldNumber, formatProblem, sumOf } from '../../src/wire/access-log.ts';
import { decoded, encoded } from '../../src/wire/bytes.ts';

/** What a line of a format holds in its fields. */
function read(format: string, line: string, ...fields: Parameters<typeof fieldNumber>[0][]) {
  const reader = new AccessLine(format);
  const bytes = encoded(line);
  if (!reader.read(bytes)) return undefined;
  return fields.map((field) => {
    const number = fieldNumber(field);
    return decoded(bytes, reader.from(number), reader.to(number));
  });
}

describe('a format', () => {
  it.each([
    ['log_format main \'$remote_addr [$time_local] \' "\\"$request\\" " \'$status\';', 'of nginx'],
    ["log_format main escape=default '$remote_addr [$time_local] '\n '\"$request\" $status';", ''],
    ["'$remote_addr [$time_local] ' '\"$request\" $status'", 'in its parts'],
    ['LogFormat "%h %t \\"%r\\" %>s" short', 'of Apache'],
    ['%h %t \\"%r\\" %>s', 'with a backslash before quotes'],
  ])('may be as the server’s configuration has it: %s', (format) => {
    const line = '::1 [21/Nov/2026:08:38:12 +0000] "GET /a HTTP/1.1" 200';
    expect(read(format, line, 'request', 'status', 'time')).toEqual([
      ...['GET /a HTTP/1.1', '200', '21/Nov/2026:08:38:12 +0000'],
    ]);
  });

  it('may be nginx’s escape=json, in several parts', () => {
    const format = `log_format json escape=json '{'
      '"time":"$time_iso8601","host":"$host","uri":"$request_uri",'
      '"status":$status,"took":$request_time,"agent":"$http_user_agent",'
      '"in":$request_length'
    '}';`;
    const line =
      '{"time":"2026-11-21T08:38:12+00:00","host":"w","uri":"/a\\"b,\\u0001","status":200,"took":0.012,"agent":"a \\"x\\",\\"in\\":9","in":77}';
    expect(read(format, line, 'path', 'status', 'seconds', 'received')).toEqual([
      ...['/a\\"b,\\u0001', '200', '0.012', '77'],
    ]);
  });

  it.each([
    ['%m %U%q %H %>s', 'GET /a?b=c HTTP/1.1 200', '/a?b=c'],
    ['%m %U%q %H %>s', 'GET /a HTTP/1.1 200', '/a'],
    ['$uri$is_args$args $status', '/a?b 200', '/a?b'],
    ['$scheme://$host$request_uri $status', 'https://w.example/a/b 200', '/a/b'],
    ['%V%U %>s', 'w.example/a 200', '/a'],
    ['%U\\t%>s', '/a\t200', '/a'],
  ])('may have the path in parts: %s', (format, line, path) => {
    expect(read(format, line, 'path', 'status')).toEqual([path, '200']);
  });

  it.each([
    ['%{%s}t %>s', 'epoch', '1795250292 200', '1795250292'],
    ['%{begin:sec}t %>s', 'epoch', '1795250292 200', '1795250292'],
    [
      '[%{%d/%b/%Y:%T %z}t] %>s',
      'time',
      '[21/Nov/2026:08:38:12 +0000] 200',
      '21/Nov/2026:08:38:12 +0000',
    ],
    [
      '%{%FT%T}t.%{msec_frac}t %>s',
      'iso',
      '2026-11-21T08:38:12.123 200',
      '2026-11-21T08:38:12.123',
    ],
    ['%{end:%Y-%m-%d %H:%M:%S}t %>s', 'iso', '2026-11-21 08:38:12 200', '2026-11-21 08:38:12'],
  ] as const)('may have the time as it likes: %s', (format, field, line, time) => {
    // What stands behind the seconds is found by who reads the time.
    expect(time).toContain(read(format, line, field)?.[0]);
  });

  it('may have lists of what several servers took', () => {
    const format = '$upstream_addr $upstream_response_time $upstream_status $status';
    const line = 'a:1, b:2 : c:3 0.010, - : 0.030 502, 200 : 200 204';
    expect(read(format, line, 'upstream', 'status')).toEqual(['0.010, - : 0.030', '204']);
  });

  it.each([
    [
      'combinde',
      'it is none of common, combined, vhost_common, vhost_combined, and has no directive',
    ],
    ['', 'it is none of common'],
    ['%h %l', 'it has no status: %>s for Apache, $status for nginx'],
    ['$remote_addr', 'it has no status'],
    ['%>s%b', 'two fields have nothing between them'],
    ['$status$body_bytes_sent', 'two fields have nothing between them'],
    ['%>s %', '"%" is no directive'],
    ['%>s %{Referer', '"%{Referer" is no directive'],
  ])('that cannot be meant is refused: %s', (format, why) => {
    expect(formatProblem(format)).toContain(`"${format}" is no format of an access log: ${why}`);
  });
});

test.each([
  ['0.010, 0.020 : 0.030', 0.06],
  ['0.5', 0.5],
  ['-, 0.5', 0.5],
  ['-', Number.NaN],
  ['', Number.NaN],
])('several servers took together: %s', (text, seconds) => {
  expect(Number(sumOf(encoded(text), 0, text.length).toFixed(9))).toBe(seconds);
});

/** What is wanted of a line, as Apache and nginx name it; and what is not. */
const VARIABLES = [
  ['vhost', '%v', '$host', /^[a-z]{1,9}$/],
  ['method', '%m', '$request_method', /^[A-Z]{1,7}$/],
  ['path', '%U', '$request_uri', /^\/[a-z/]{0,20}$/],
  ['status', '%>s', '$status', /^[1-5]\d\d$/],
  ['bytes', '%B', '$bytes_sent', /^\d{1,9}$/],
  ['received', '%I', '$request_length', /^\d{1,9}$/],
  ['seconds', '%T', '$request_time', /^\d{1,4}$/],
  [undefined, '%{X-Id}i', '$http_x_id', /^[A-Za-z0-9.]{0,9}$/],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as nginx has it
  [undefined, '%400,501{Referer}i', '${http_referer}', /^[a-z:]{0,9}$/],
] as const;

test('any format reads what was written in it', () => {
  const separator = fc.constantFrom(' ', '|', '\t', ';', ' - ', '" "', '","', '] [');
  const some = ([name, apache, nginx, values]: (typeof VARIABLES)[number]) =>
    fc.record({ value: fc.stringMatching(values), behind: separator }).map((it) => ({
      ...it,
      ...{ name, apache, nginx },
    }));
  const each = VARIABLES.map(some);
  const field = fc.oneof(...each);
  const status = each[3] as (typeof each)[number];
  fc.assert(
    fc.property(
      ...([fc.array(field, { maxLength: 6 }), status, fc.array(field, { maxLength: 6 })] as const),
      fc.constantFrom('apache', 'nginx'),
      (before, one, after, server) => {
        const all = [...before, one, ...after];
        const format = `<${all.map((it) => it[server] + it.behind).join('')}`;
        const line = `<${all.map((it) => it.value + it.behind).join('')}`;
        const reader = new AccessLine(format);
        const bytes = encoded(line);
        expect(reader.read(bytes)).toBe(true);
        for (const [name] of VARIABLES) {
          const first = all.find((it) => it.name === name);
          if (name === undefined || first === undefined) continue;
          const number = fieldNumber(name);
          expect(decoded(bytes, reader.from(number), reader.to(number))).toBe(first.value);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('any text is a format, or it is said why not; and what is one reads any bytes', () => {
  const piece = fc.constantFrom(
    '%',
    '$',
    '{',
    '}',
    '"',
    '\\',
    "'",
    ' ',
    '%>s',
    '$status',
    '%t',
    ...'sTbt^<!400,',
  );
  const formats = fc.oneof(
    fc.string(),
    fc.array(piece).map((words) => words.join('')),
  );
  fc.assert(
    fc.property(formats, fc.array(fc.uint8Array({ maxLength: 60 })), (format, lines) => {
      if (formatProblem(format) !== undefined) return;
      const reader = new AccessLine(format);
      const status = fieldNumber('status');
      const said = (known: boolean, at: number) =>
        known && [reader.from(status) - at, reader.to(status) - at, reader.number(status)];
      for (const bytes of lines) {
        const alone = said(reader.read(bytes), 0);
        if (alone) expect(alone[1]).toBeLessThanOrEqual(bytes.length);
        // The same in the midst of others, with the bytes as characters.
        const piece = Buffer.concat([encoded('%>"\n'), bytes, encoded('\n" 200')]);
        const [from, to] = [4, 4 + bytes.length];
        expect(said(reader.read(piece, from, to, piece.toString('latin1')), 4)).toEqual(alone);
      }
    }),
    { numRuns: 2000 },
  );
});

describe('a line whose characters are at hand', () => {
  const formats = [
    ...['common', 'combined', 'vhost_common', 'vhost_combined'],
    '%h %l %u %t "%r" %>s %b %D',
    '%v %p %h %l %u %t "%r" %>s %O "%{Referer}i" %T',
    `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" $request_time`,
  ];
  const fields = [
    'vhost',
    'time',
    'request',
    'status',
    'bytes',
    'seconds',
    'microseconds',
  ] as const;
  const part = fc.oneof(
    fc.constantFrom(...['"', '\\"', ' ', ' [', '] "', '" ', '-', '', '200', '318', '\\', '0']),
    fc.string({ maxLength: 4 }),
  );
  const cut = fc.tuple(fc.nat(120), fc.nat(6), part);

  test.each(formats)('is read as it is without them: %s', (format) => {
    const line = new AccessLine(format);
    const said = (read: boolean) =>
      read &&
      fields
        .map((it) => [it, fieldNumber(it)] as const)
        .map(([name, field]) =>
          line.has(name) ? [line.from(field), line.to(field), line.number(field)] : [],
        );
    const start =
      'www:80 ::1 - - [21/Nov/2026:08:38:12 +0000] "GET /a HTTP/1.1" 200 318 "-" 0.5 12 "-"';
    fc.assert(
      fc.property(fc.array(cut, { maxLength: 4 }), fc.nat(8), fc.nat(3), (cuts, skip, back) => {
        let text = start.slice(skip);
        for (const [at, length, by] of cuts)
          text = text.slice(0, at) + by + text.slice(at + length);
        // It stands between others in a piece.
        const characters = `1 "2" 3\n${text}\n::1 - - [21/Nov/2026:08:38:12 +0000] "GET / HTTP/1.1" 200 5\n`;
        const bytes = Buffer.from(characters, 'latin1');
        const [from, to] = [8, 8 + Math.max(0, text.length - back)];
        const apart = said(line.read(bytes, from, to));
        expect(said(line.read(bytes, from, to, bytes.toString('latin1')))).toEqual(apart);
      }),
      { numRuns: 2000 },
    );
  });
});
