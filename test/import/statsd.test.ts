import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { convert } from '../../src/import/index.ts';
import { statsd } from '../../src/import/statsd/importer.ts';
import { expectGolden, imported, loaded, withFile } from './support.ts';

const of = (text: string) => withFile('config.js', text, (path) => convert(statsd, [path]));
const from = (text: string) => {
  const folderless = (line: string) => line.replace(/^.*config\.js:/, '');
  const made = of(text);
  return {
    ...made,
    left: made.left.map(({ line, why }) => [folderless(line), why]),
    config: loaded(made),
  };
};

const tried = (text: string) => {
  try {
    return of(text);
  } catch (error) {
    return error as Error;
  }
};

describe('statsd’s configuration', () => {
  test('as it ships', async () => {
    const config = await expectGolden(
      'statsd-example',
      await imported('statsd', 'node_modules/statsd/exampleConfig.js'),
    );
    expect(config.handlers).toMatchObject([
      { instance: 'graphite', options: { host: 'graphite.example.com', port: 2003 } },
    ]);
  });

  test('its proxy’s, as it ships', async () => {
    await expectGolden(
      'statsd-proxy-example',
      await imported('statsd', 'node_modules/statsd/exampleProxyConfig.js'),
    );
  });

  test('with every option', async () => {
    const result = await imported('statsd', 'test/fixtures/import/statsd/every-option.js');
    const config = await expectGolden('statsd-every-option', result);
    expect(config.interval).toBe(30);
    expect(config.handlers.map(({ instance }) => instance)).toEqual([
      'graphite',
      'repeater',
      'repeater-2',
      'console',
    ]);
  });

  test('without a Graphite, this statsd itself is sent to', () => {
    const { config } = from('{ port: 8200, address: "192.0.2.1", backends: [] }');
    expect(config.handlers).toMatchObject([
      { instance: 'statsd', options: { host: '192.0.2.1', port: 8200 } },
    ]);
  });

  test('nothing is run', () => {
    const { left, config } = from(
      '{ graphiteHost: process.exit(1), graphitePort: (() => { throw 1 })(), ...x, [y]: 1, get port() { return 1 } };\nprocess.exit(1)',
    );
    expect(left.map(([line]) => line)).toEqual([
      '2: process.exit(1)',
      '1: graphiteHost: process.exit(1)',
      '1: graphitePort: (() => { throw 1 })()',
      '1: ...x',
      '1: [y]: 1',
      '1: get port() { return 1 }',
    ]);
    for (const [, why] of left) expect(why).toContain('it is code, which is not run');
    expect(config.handlers).toMatchObject([{ instance: 'statsd' }]);
  });

  test('literals are more than JSON', () => {
    const { config, left } = from(
      "// hello\n{ graphiteHost: 'car' + `bon`, graphitePort: 0x7d3, 'flushInterval': 5 * 1000, }",
    );
    expect([config.interval, left]).toEqual([5, []]);
    expect(config.handlers).toMatchObject([{ options: { host: 'carbon', port: 2003 } }]);
  });

  test.each([
    ['{ graphiteHost: }', /config\.js:1:17: Unexpected token\nA configuration of statsd is/],
    ['hello', /config\.js:1: this is no configuration of statsd/],
    ['', /config\.js/],
    [
      '['.repeat(100_000),
      /config\.js.*(?:it is nested too deeply|Not enough stack space|Unexpected token)/,
    ],
    [`{a: ${'-'.repeat(50_000)}1}`, /config\.js/],
  ])('%.20s is told with its place', (text, message) => {
    expect(() => of(text)).toThrow(message);
  });

  const data = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(
        '1',
        '"a"',
        '-5',
        'true',
        'null',
        '/x/',
        'f()',
        '`t`',
        '8125',
        '"tcp"',
        '[]',
        '1e99',
      ),
      fc.array(tie('value'), { maxLength: 3 }).map((each) => `[${each.join(',')}]`),
      fc
        .array(
          fc.tuple(
            fc.constantFrom('host', 'port', 'level', 'address', 'globalPrefix'),
            tie('value'),
          ),
          { maxLength: 3 },
        )
        .map((each) => `{${each.map(([name, value]) => `${name}: ${value}`).join(',')}}`),
    ),
  })).value as fc.Arbitrary<string>;
  const NAMES = [
    ...[
      'graphiteHost',
      'graphitePort',
      'graphiteProtocol',
      'graphitePicklePort',
      'backends',
      'servers',
      'server',
    ],
    ...[
      'address',
      'port',
      'debug',
      'flushInterval',
      'deleteIdleStats',
      'deleteCounters',
      'percentThreshold',
      'keyNameSanitize',
    ],
    ...[
      'console',
      'log',
      'graphite',
      'repeater',
      'repeaterProtocol',
      'histogram',
      'other',
      'constructor',
      'toString',
    ],
  ];

  test('whatever the values: what is written loads, and no line is lost', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...NAMES), data)), (members) => {
        const text = `{\n${members.map(([name, value]) => `"${name}": ${value}`).join(',\n')}\n}`;
        const made = of(text);
        loaded(made);
        // What is switched off is whole, too.
        const on = made.owners.replace(/(push:\n +enabled: )false/, '$1true');
        expect(on).not.toBe(made.owners);
        const { collectors } = loaded({ ...made, owners: on });
        expect(collectors.map(({ instance }) => instance)).toContain('push');
        expect(made.directives).toBeGreaterThanOrEqual(members.length);
        for (const { line } of made.left)
          expect(made.owners).toContain(line.split('\n')[0]?.slice(0, 60));
        expect(made.left.length).toBeLessThanOrEqual(made.directives);
      }),
      { numRuns: 60 },
    );
  });

  test('whatever the bytes: an error says where, or it loads', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'{}[]:,"\'`\\/*- a1\n=;()\u0000') }),
        (text) => {
          const made = tried(text);
          if (made instanceof Error) expect(made.message).toMatch(/config\.js/);
          else loaded(made);
        },
      ),
      { numRuns: 100 },
    );
  });
});
