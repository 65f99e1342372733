import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '../../src/config/index.ts';
import { Folder } from './support.ts';

const word = fc.constantFrom(
  ...['interval', 'hostname', 'method', 'labels', 'collectors', 'handlers', 'default', 'cpu'],
  ...['disk', 'devices', 'include', 'graphite', 'host', 'port', 'queue', 'samples', 'only', 'type'],
  ...[
    'enabled',
    'x',
    '10s',
    '16MiB',
    '2003',
    '-1',
    '.nan',
    'true',
    'no',
    '~',
    '"a"',
    "'b'",
    're:(',
  ],
  ...[
    '<<',
    '*a',
    '&a',
    '!!int',
    '!x',
    `\${X}`,
    `\${X`,
    `\${file:/x}`,
    '__proto__',
    '\\',
    'é',
    '😀',
  ],
);
const mark = fc.constantFrom(
  ...[': ', ':\n', '\n', '\n  ', '\n    ', ' ', ', ', '- ', '[', ']', '{', '}', '? ', '| ', '> '],
  ...['#', '"', "'", '\t', '\r\n', '---\n', '...\n', '%', '@', '\0', '\u2028', '\uFEFF'],
);
const yamlish = fc
  .array(fc.oneof({ weight: 4, arbitrary: word }, { weight: 5, arbitrary: mark }), {
    maxLength: 60,
  })
  .map((parts) => parts.join(''));

const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    word,
    fc.anything({ maxDepth: 0 }).map((it) => (typeof it === 'bigint' ? 1 : (it ?? null))),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(word, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value;

/** Loads, and fails on anything but a configuration or an error that says what is wrong. */
function survives(folder: Folder, text: string | Uint8Array): void {
  folder.write('cullinan.yaml', text);
  try {
    folder.load({ X: '12' });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    if (!(error instanceof ConfigError)) return;
    expect(error.problems.length).toBeGreaterThan(0);
    expect(error.message).toMatch(/^cullinan: /);
    for (const { file, line, column } of error.problems) {
      expect(file).toBeDefined();
      if (line !== undefined) expect(line).toBeGreaterThan(0);
      if (column !== undefined) expect(column).toBeGreaterThan(0);
    }
  }
}

test('whatever looks like YAML is a configuration or a located error', () => {
  using folder = new Folder();
  fc.assert(
    fc.property(yamlish, (text) => survives(folder, text)),
    { numRuns: 600 },
  );
});

test('whatever is YAML is a configuration or a located error', () => {
  using folder = new Folder();
  // JSON is YAML.
  const text = value.map((it) => JSON.stringify(it) ?? 'null');
  fc.assert(
    fc.property(text, (json) => survives(folder, json)),
    { numRuns: 400 },
  );
});

test('whatever bytes there are, they are a configuration or a located error', () => {
  using folder = new Folder();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => survives(folder, bytes)),
    { numRuns: 300 },
  );
});
