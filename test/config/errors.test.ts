import { chmodSync, mkdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { complaint, Folder } from './support.ts';

/** Each wrong configuration, by the name of the golden file with everything the user is told. */
const WRONG: Readonly<Record<string, string>> = {
  'unknown-option': 'collectors:\n  network:\n    intervall: 30s\n',
  'unknown-option-far-from-any': 'handlers:\n  graphite: { host: a, colour: red }\n',
  'unknown-option-within': 'collectors:\n  disk:\n    devices:\n      excludes: [sr0]\n',
  'unknown-option-nothing-behind': 'intervall:\n',
  'unknown-section': 'colectors:\n  cpu: {}\n',
  'unknown-collector': 'collectors:\n  ntwork: {}\n',
  'unknown-handler': 'handlers:\n  grafite:\n    host: a\n',
  'unknown-handler-type': 'handlers:\n  central:\n    type: ampq\n',
  'unknown-instance': 'handlers:\n  central:\n    host: a\n',
  'unknown-dialect': 'handlers:\n  graphite: { host: a, dialect: diamnod }\n',
  'unknown-dialect-in-a-map':
    'handlers:\n  graphite:\n    host: a\n    dialect:\n      name: colectd\n',
  'unknown-dialect-option':
    'handlers:\n  graphite: { host: a, dialect: { name: collectd, escpe: "-" } }\n',
  'unknown-dialect-option-within':
    'handlers:\n  graphite: { host: a, dialect: { name: collectd, cpu: { percnt: true } } }\n',
  'dialect-option-is-wrong':
    'handlers:\n  graphite: { host: a, dialect: { name: collectd, escape: no } }\n',
  'dialect-without-name': 'handlers:\n  graphite: { host: a, dialect: { escape: "-" } }\n',
  'dialect-without-options': 'handlers:\n  graphite: { host: a, dialect: { name: otel, a: 1 } }\n',
  'dialect-is-a-list': 'handlers:\n  graphite: { host: a, dialect: [collectd] }\n',
  'unknown-hostname-method': 'hostname: { method: fqdn_shrt }\n',
  'collector-among-handlers': 'handlers:\n  cpu: {}\n',
  'handler-at-the-top': 'graphite:\n  host: a\n',
  'instance-named-as-another': 'collectors:\n  cpu: { type: disk }\n',
  'instance-name': 'collectors:\n  "my disk": { type: disk }\n',
  'interval-without-unit': 'interval: 10\n',
  'interval-with-long-unit': 'interval: 10 seconds\n',
  'interval-too-short': 'interval: 50ms\n',
  'interval-not-whole': 'interval: 100.5ms\n',
  'interval-too-long': 'interval: 90d\n',
  'interval-no-number': 'interval: often\n',
  'size-in-other-units': 'handlers: { graphite: { host: a, queue: { bytes: 64MB } } }\n',
  'port-out-of-range': 'handlers:\n  graphite: { host: a, port: 70000 }\n',
  'port-is-text': 'handlers:\n  graphite:\n    host: a\n    port: "2003"\n',
  'truth-in-yaml-1.1': 'collectors:\n  cpu:\n    enabled: no\n',
  'text-for-a-list': 'handlers:\n  graphite: { host: a, only: cpu.* }\n',
  'text-for-a-map': 'hostname: web01\n',
  'truth-for-a-map': 'collectors:\n  cpu: false\n',
  'list-for-a-map': 'collectors:\n  - cpu\n  - disk\n',
  'map-for-text': 'handlers:\n  graphite:\n    host: { name: a }\n',
  'map-for-one-of-two': 'handlers:\n  amqp: { url: "amqp://a", keys: { a: b } }\n',
  'list-with-a-wrong-one': 'handlers:\n  graphite: { host: a, except: [a, [b]] }\n',
  'option-missing': 'handlers:\n  graphite:\n    port: 2003\n',
  'bad-expression': 'collectors:\n  disk:\n    devices: { include: ["re:sd[a-z"] }\n',
  'bad-expression-in-only': 'handlers:\n  graphite: { host: a, only: ["re:(cpu"] }\n',
  'bad-label': 'labels: { "rack no": 7 }\n',
  'backoff-upside-down': 'handlers:\n  graphite: { host: a, backoff: { least: 5m } }\n',
  'stagger-beyond-interval': 'collectors:\n  cpu: { interval: 1s, stagger: 2s }\n',
  'hostname-shell-without-command': 'hostname: { method: shell }\n',
  'default-is-wrong': 'collectors:\n  default: { interval: 10 }\n',
  'two-at-once': 'interval: 10\nhandlers:\n  graphite:\n    hots: a\n    port: 0\n',
  'yaml-tab': 'collectors:\n\tcpu: {}\n',
  'yaml-two-colons': 'interval: 10s: 20s\n',
  'yaml-unclosed-quote': 'labels:\n  site: "ams1\n',
  'yaml-unclosed-brace': 'labels: { site: ams1\n\ncollectors:\n',
  'yaml-indentation': 'labels:\n  site: ams1\n rack: 7\n',
  'yaml-duplicate': 'interval: 10s\nlog: { level: debug }\ninterval: 20s\n',
  'yaml-at-sign': 'labels:\n  owner: @ops\n',
  'yaml-escape': 'labels: { path: "C:\\docs" }\n',
  'yaml-second-document': 'interval: 10s\n---\ninterval: 20s\n',
  'yaml-tag': 'labels:\n  note: !important yes\n',
  'yaml-no-anchor': 'labels:\n  all: *everything\n',
  'yaml-merge-of-no-map': 'labels:\n  <<: 3\n',
  'yaml-key-is-a-list': '? [a, b]\n: 1\n',
  'yaml-list': '- interval: 10s\n',
  'yaml-scalar': 'interval 10s\n',
  'yaml-reference-in-braces': `handlers: { graphite: { host: \${CARBON} } }\n`,
  'yaml-carriage-returns': 'interval: 10s\r\nlog:\r\n  level: loud\r\n',
  'long-line': `labels: { ${Array.from({ length: 40 }, (_, i) => `label${i}: x`).join(', ')}, "a b": 1 }\n`,
  'reference-not-set': `handlers:\n  graphite:\n    host: carbon.\${SITE}.example.net\n`,
  'reference-never-ends': `labels:\n  site: "\${SITE"\n`,
  'reference-with-default': `labels:\n  site: \${SITE:-ams1}\n`,
  'reference-to-no-file': `handlers:\n  amqp:\n    url: amqp://a\n    password: \${file:/nonexistent/pw}\n`,
  'reference-to-no-credential': `handlers:\n  amqp:\n    url: amqp://a\n    password: \${credential:pw}\n`,
};

describe('a wrong configuration says where, what and what to do', () => {
  test.each(Object.entries(WRONG))('%s', async (name, text) => {
    await expect(`${complaint(text)}\n`).toMatchFileSnapshot(`../golden/config/${name}.txt`);
  });

  test('in the file that holds the value, not in the one that was merged before it', async () => {
    const files = {
      'cullinan.yaml': 'interval: 10s\ncollectors:\n  cpu: { percore: true }\n',
      'conf.d/10-cpu.yaml': 'collectors:\n  cpu:\n    percore: maybe\n',
      'conf.d/20-log.yaml': 'log: { level: loud }\n',
    };
    await expect(`${complaint(files)}\n`).toMatchFileSnapshot('../golden/config/several-files.txt');
  });

  test('bounded, where everything is wrong', async () => {
    const text = Array.from({ length: 500 }, (_, i) => `option${i}: 1\n`).join('');
    await expect(`${complaint(text)}\n`).toMatchFileSnapshot('../golden/config/very-wrong.txt');
  });

  test('for programs too, in the order of the file', () => {
    using folder = new Folder('log: { level: loud }\ninterval: 10\n');
    expect(folder.error().problems).toMatchObject([
      { file: folder.main, line: 1, column: 15, message: expect.stringContaining('log.level') },
      { file: folder.main, line: 2, column: 11, remedy: 'did you mean "10s"?' },
    ]);
  });
});

describe('a file that cannot be read', () => {
  test('was named and does not exist', async () => {
    await expect(`${complaint({})}\n`).toMatchFileSnapshot('../golden/config/file-absent.txt');
  });

  test('is a directory', async () => {
    using folder = new Folder();
    mkdirSync(folder.main);
    const text = folder.complaint();
    await expect(`${text}\n`).toMatchFileSnapshot('../golden/config/file-is-directory.txt');
  });

  test('belongs to somebody else', async () => {
    using folder = new Folder('interval: 10s\n');
    chmodSync(folder.path, 0o755);
    chmodSync(folder.main, 0);
    const text = asNobody(() => folder.complaint());
    await expect(`${text}\n`).toMatchFileSnapshot('../golden/config/file-not-readable.txt');
  });

  test('is larger than any configuration', async () => {
    const text = complaint('#'.repeat(1024 * 1024 + 1));
    await expect(`${text}\n`).toMatchFileSnapshot('../golden/config/file-too-large.txt');
  });

  test('is not UTF-8', async () => {
    const bytes = Buffer.from('labels:\n  city: M\xfcnchen\n', 'latin1');
    const text = complaint({ 'cullinan.yaml': bytes });
    await expect(`${text}\n`).toMatchFileSnapshot('../golden/config/file-not-utf8.txt');
  });

  test('has the ending .yml, and would be passed over silently', async () => {
    const text = complaint({ 'cullinan.yaml': '', 'conf.d/cpu.yml': '' });
    await expect(`${text}\n`).toMatchFileSnapshot('../golden/config/file-yml.txt');
  });

  test('is a conf.d that is no folder', async () => {
    const text = complaint({ 'cullinan.yaml': '', 'conf.d': '' });
    await expect(`${text}\n`).toMatchFileSnapshot('../golden/config/file-conf.d.txt');
  });
});

describe('input made to exhaust', () => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i += 1) bomb.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(10)}]`);

  test.each([
    ['aliases of aliases', `${bomb.join('\n')}\n`, 'stands for more than 100000 values'],
    ['an alias within its own anchor', 'labels: &a { b: *a }\n', 'no anchor before it'],
    ['brackets', '['.repeat(500_000), 'nested more than 64 levels deep'],
    ['braces', 'a: {'.repeat(100_000), 'nested more than 64 levels deep'],
    ['dashes', '- '.repeat(200_000), 'nested more than 64 levels deep'],
    ['questions', '? '.repeat(200_000), 'nested more than 64 levels deep'],
    ['quotes', '"'.repeat(20_000), 'is not YAML'],
    ['control characters', '\u001b[2J: 1\n\u0000: 2\n', 'unknown option "?[2J"'],
  ])('%s', (_, text, said) => {
    const message = complaint(text);
    expect(message).toContain(said);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
    expect(message).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
    expect(message.length).toBeLessThan(20_000);
  });
});

/** Does something as a user who owns nothing, where the tests run as root. */
function asNobody<T>(run: () => T): T {
  if (process.geteuid?.() !== 0) return run();
  process.seteuid?.(65534);
  try {
    return run();
  } finally {
    process.seteuid?.(0);
  }
}
