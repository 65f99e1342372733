import { lineOf } from 'cullinan/plugin';
import { describe, expect, it } from 'vitest';
import errorLog, { levelOf } from '../../parsers/error-log-logster.ts';
import json from '../../parsers/json-logster.ts';
import log4j from '../../parsers/log4j-logster.ts';
import metric from '../../parsers/metric-logster.ts';
import postfix from '../../parsers/postfix-logster.ts';
import sample, { statusOf } from '../../parsers/sample-logster.ts';
import squid from '../../parsers/squid-logster.ts';
import { CullNames } from '../../src/cli/cull-names.ts';
import { encoded } from '../../src/wire/bytes.ts';
import { describeParser, fixture, parsing, said } from '../support/parsers.ts';

for (const parser of [sample, errorLog, squid, postfix, log4j, json, metric]) {
  describeParser<never>(parser as never);
}

describe('names are logster’s, in its order, from its first run over lines to its last', () => {
  const classes = ['http_1xx', 'http_2xx', 'http_3xx', 'http_4xx', 'http_5xx'];
  it.each([
    [sample, classes],
    [errorLog, ['notice', 'warn', 'error', 'crit', 'other']],
    [
      squid,
      [
        ...classes,
        'size',
        ...['TCP_MISS', 'TCP_DENIED', 'TCP_HIT', 'TCP_MEM_HIT', 'OTHER'].map((it) => `squid_${it}`),
      ],
    ],
    [
      postfix,
      [
        ...['numSent', 'pctSent', 'numDeferred', 'pctDeferred', 'numBounced', 'pctBounced'],
        ...['mailTxnsSec', 'mailSentSec', 'avgDelay'],
      ],
    ],
    [log4j, ['WARN', 'ERROR', 'FATAL']],
    [
      json,
      [
        ...[
          'requests.total',
          'requests.failed',
          'requests.by_status-e1506546.200',
          'requests.by_status-e1506546.404',
        ],
        ...['pools.0.free', 'pools.1.free', 'uptime', 'healthy'],
      ],
    ],
    [
      metric,
      [
        ...['orders.placed', 'mail.bytes'],
        ...['orders.store.mean', 'orders.store.median', 'orders.store.90th_percentile'],
        ...['mail.send.mean', 'mail.send.median', 'mail.send.90th_percentile'],
      ],
    ],
  ])('$name', (parser, expected) => {
    const { observations } = parsing<never>(parser as never)(fixture(parser.name));
    const affixes = { prefix: 'servers.web', suffix: '', separator: '.' };
    const points = new CullNames(affixes, 'raw', 'web').points(
      [{ time: 1_795_250_292, seconds: 60, observations }],
      '',
    );
    expect(points.map(({ name }) => name.path)).toEqual(
      expected.map((name) => `servers.web.${name}`),
    );
    expect(observations.map(({ metric }) => metric.kind)).toEqual(expected.map(() => 'gauge'));
  });
});

/** As logster's own outputs have it: name and value. */
const numbers = (lines: readonly string[]) =>
  Object.fromEntries(lines.map((line) => [line.split('{')[0], Number(line.split(' ')[1])]));

describe('SampleLogster', () => {
  it.each([
    ['"GET / HTTP/1.1" 200 5', 200],
    ['"GET / HTTP/2.0" 404 5', 404],
    ['"GET / HTTP/3" 301 -', 301],
    ['"GET /HTTP/1.1\\" 200 HTTP/1.1" 500 5 "-" "HTTP/1.1" 200 "', 500],
    ['"GET / HTTP/1.1" 99 5', Number.NaN],
    ['"GET / HTTP/1.1" 2000 5', Number.NaN],
    ['"-" 408 0', Number.NaN],
  ])('reads %s', (line, status) => expect(statusOf(encoded(line))).toBe(status));

  it('divides by the time that passed', () => {
    const log = 'h - - [] "GET / HTTP/1.1" 204 0\n'.repeat(30);
    expect(numbers(said(parsing(sample)(log, 60)))).toMatchObject({ http_2xx: 0.5, http_5xx: 0 });
  });
});

describe('ErrorLogLogster', () => {
  it.each([
    ['[Sat Nov 21 08:38:12 2026] [error] [client ::1] x', 'error'],
    ['[Sat Nov 21 08:38:12.1 2026] [core:crit] [pid 1] x', 'crit'],
    ['[Sat Nov 21 08:38:12 2026] x [error]', undefined],
    ['PHP Notice: [x] [error]', undefined],
  ])('reads %s', (line, level) => expect(levelOf(encoded(line))).toBe(level));
});

describe('PostfixLogster', () => {
  const line = (rest: string) => `Nov 21 08:38:12 mx postfix/smtp[1]: Q: to=<a>, ${rest}\n`;

  it('takes what Postfix says for the status, not what the other side said', () => {
    const spoof = line(
      'relay=h, delay=3, dsn=4.0.0, status=deferred (host said: delay=9, status=sent)',
    );
    expect(numbers(said(parsing(postfix)(spoof)))).toMatchObject({
      numSent: 0,
      numDeferred: 1,
      pctDeferred: 100,
      avgDelay: 0,
    });
  });

  it('leaves a line out whose delay is none', () => {
    expect(parsing(postfix)(line('delay=soon, status=sent')).known).toBe(0);
  });

  it('knows when a line was written, a year ago if that is nearer', () => {
    const open = postfix.open({});
    const at = (text: string) =>
      open.timeOf?.(lineOf(encoded(text)), Date.UTC(2026, 0, 2) / 1000) ?? Number.NaN;
    expect(new Date(at(line('')) * 1000).getFullYear()).toBe(2025);
    expect(new Date(at(`Jan  1 08:38:12 ${line('').slice(16)}`) * 1000).getFullYear()).toBe(2026);
  });
});

describe('options as logster takes them', () => {
  it('are the levels of Log4jLogster', () => {
    const run = parsing(log4j, { optionString: '-l INFO,DEBUG' });
    // The level of a line is its first, whether or not it is asked for.
    expect(said(run('1 INFO a\n2 ERROR INFO b\n3 DEBUG c\n', 2))).toEqual([
      'INFO{} 0.5 count gauge',
      'DEBUG{} 0.5 count gauge',
    ]);
  });

  it('are the separator of JsonLogster', () => {
    const run = parsing(json, { optionString: '--key-separator=_' });
    expect(said(run('{"a":{"b":1}}'))).toEqual(['json{name="a_b"} 1 count gauge']);
  });

  it('are the percentiles of MetricLogster, interpolated', () => {
    const run = parsing(metric, { optionString: '-p 50,90' });
    const log = [1, 2, 3, 4].map((n) => `METRIC_TIME metric=t value=${n}ms\n`).join('');
    expect(said(run(log))).toEqual([
      'metric.time{name="t",statistic="mean"} 2.5 count gauge',
      'metric.time{name="t",statistic="median"} 2.5 count gauge',
      'metric.time{name="t",statistic="50th_percentile"} 2.5 count gauge',
      'metric.time{name="t",statistic="90th_percentile"} 3.7 count gauge',
    ]);
  });

  it.each([
    [log4j, '-x 1', '"-x" is no option of this parser; it has -l, --log-levels'],
    [log4j, '-l', '-l has no value behind it'],
    [metric, '-p much', '"much" are no percentiles'],
  ])('are refused when they are wrong', (parser, optionString, message) => {
    const { error } = parser.options.safeParse({ optionString });
    expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});

it('JsonLogster keeps to its limit and counts what is beyond it', () => {
  const run = parsing(json, { limit: 2, keys: { exclude: ['secret*'] } });
  expect(said(run('{"a":1,"secret":9,"b":false,"c":3,"d":4}'))).toEqual([
    'json{name="a"} 1 count gauge',
    'json{name="b"} 0 count gauge',
    'json.refused{} 2 count gauge',
  ]);
});

it('JsonLogster looks into objects in objects, and counts what is too deep', () => {
  const nested = (n: number): string => (n === 0 ? '1' : `{"a":${nested(n - 1)}}`);
  const deepest = Array.from({ length: 32 }, () => 'a').join('.');
  expect(said(parsing(json, {})(nested(32)))).toEqual([`json{name="${deepest}"} 1 count gauge`]);
  expect(said(parsing(json, {})(nested(33)))).toEqual(['json.refused{} 1 count gauge']);
});

it.each([
  ['1.2.3', undefined],
  ['-1.2.3', undefined],
  ['.', undefined],
  ['-1.5', -1.5],
  ['5.', 5],
  ['.5s', 0.5],
])('MetricLogster takes a value of %s for %s', (text, value) => {
  const counted = value === undefined ? [] : [`metric.count{name="n"} ${value} count gauge`];
  expect(said(parsing(metric)(`METRIC_COUNT metric=n value=${text}\n`, 1))).toEqual(counted);
});

it.each(['2026-11-21_08:38:12 ERROR x', '[2026-11-21 08:38:12,000][ERROR] x'])(
  'Log4jLogster knows when a line was written: %s',
  (line) => {
    const time = log4j.open(log4j.options.parse({})).timeOf?.(lineOf(encoded(line)));
    expect(time).toBe(new Date('2026-11-21T08:38:12').getTime() / 1000);
  },
);
