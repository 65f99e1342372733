import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkRetention, parseSchemas } from '../../src/doctor/carbon.ts';
import { checkLimits, checkRuntime } from '../../src/doctor/machine.ts';

test.each([
  ['18.19.0', 'problem'],
  ['20.20.2', 'warning'],
  ['24.0.0', 'ok'],
])('Node %s is a %s', (version, verdict) => expect(checkRuntime(version).verdict).toBe(verdict));

/** A process in a control group, as the kernel shows them. */
function grouped(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'cullinan-limits-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { proc: join(root, 'proc'), sys: join(root, 'sys') };
}

const GROUP = 'sys/fs/cgroup/system.slice/cullinan.service';

test.each([
  ['209715200\n', 'oom_kill 0\n', [['ok', 'at most 200 MiB']]],
  ['33554432\n', 'oom_kill 0\n', [['warning', 'at most 32 MiB']]],
  ['max\n', 'oom_kill 0\n', []],
  ['max\n', 'low 0\noom_kill 2\n', [['problem', expect.stringContaining('has killed 2')]]],
])('memory of at most %j, and %j', (most, events, expected) => {
  const trees = grouped({
    'proc/7/cgroup': '0::/system.slice/cullinan.service\n',
    [`${GROUP}/memory.max`]: most,
    [`${GROUP}/memory.events`]: events,
  });
  const found = checkLimits(7, trees).map(({ verdict, found }) => [verdict, found]);
  expect(found).toEqual(expected);
});

const SCHEMAS = `# as Debian has it
[carbon]
pattern = ^carbon\\.
retentions = 60:90d

[broken]
pattern = (
retentions = 1s:1d
[servers]
PATTERN = ^servers\\.
retentions = 10s:6h, 1min:6d
[default_1min_for_1day]
pattern = .*
retentions = 1min:1d
`;

test('Carbon’s schemas, those that make no sense left out', () => {
  const read = parseSchemas(SCHEMAS).map(({ name, precision }) => [name, precision]);
  expect(read).toEqual([
    ['carbon', 60],
    ['servers', 10],
    ['default_1min_for_1day', 60],
  ]);
});

test.each([
  ['servers.web01.cpu', 10, 'ok', undefined],
  ['servers.web01.cpu', 60, 'warning', 'Most slots stay empty'],
  ['hosts.web01.cpu', 10, 'warning', 'Only the last point of each slot is kept'],
])('%s every %i s', (path, interval, verdict, remedy) => {
  const [finding] = checkRetention(parseSchemas(SCHEMAS), 'graphite', [{ path, interval }]);
  expect(finding?.verdict).toBe(verdict);
  if (remedy !== undefined) expect(finding?.remedy).toContain(remedy);
});
