import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import logs from '../../collectors/logs.ts';
import { agentWith, scratch } from '../support/agent.ts';
import { collecting } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

const NAME = '/var/log';
const line = (status: number) => `GET / ${status}\n`;

/** An agent that follows logs in a folder of its own, at a tick when it is told. */
function following(files: readonly string[], folder = scratch()) {
  const list = files.map((file) => `      - ${file.replaceAll(NAME, folder)}\n`).join('');
  const yaml = `
interval: 10s
collectors:
  default: { enabled: false }
  logs:
    enabled: true
    state: ${folder}/state
    files:
${list}handlers:
  out: { type: file, path: DIR/out, rotate: never }
`;
  const world = agentWith(yaml);
  let time = world.clock.now() / 1000 - 3;
  /** What a tick brings, without what is 0, by name. */
  const tick = async (): Promise<Record<string, number>> => {
    time += 10;
    const samples = await world.agent.collect(time);
    const all = samples.map(({ series, value }) => {
      const { path: _, parser: __, ...labels } = series.labels;
      return [[series.metric.name, ...Object.values(labels)].join(' '), value] as const;
    });
    return Object.fromEntries(
      all.filter(([name, value]) => value !== 0 && !name.startsWith('cullinan.')),
    );
  };
  const at = (name: string) => join(folder, name);
  const ledger = () => readFileSync(at('state/ledger'), 'utf8');
  return { ...world, folder, tick, at, ledger };
}

const parser = (more = '') =>
  `{ name: regex, rules: [{ name: requests, match: 'GET / (?P<status>\\d+)', labels: [status] }]${more} }`;

test('what is new is counted at each tick', async () => {
  const { tick, at } = following([`{ path: ${NAME}/it.log, parser: ${parser()} }`]);
  writeFileSync(at('it.log'), line(200).repeat(5));
  expect(await tick()).toEqual({});
  appendFileSync(at('it.log'), line(200).repeat(2) + line(404));
  expect(await tick()).toEqual({ 'requests 200': 2, 'requests 404': 1 });
  expect(await tick()).toEqual({});
});

test('it may begin at the start', async () => {
  const { tick, at } = following([`{ path: ${NAME}/it.log, parser: ${parser()}, from: start }`]);
  writeFileSync(at('it.log'), line(200).repeat(5));
  expect(await tick()).toEqual({ 'requests 200': 5 });
});

test('a log that appears later is read from its start, one of a glob, too', async () => {
  const { tick, at } = following([
    `{ path: ${NAME}/one.log, parser: ${parser()}, as: one }`,
    `{ path: '${NAME}/g*.log', parser: ${parser()}, as: all }`,
  ]);
  writeFileSync(at('g1.log'), line(200));
  await tick();
  writeFileSync(at('one.log'), line(200).repeat(2));
  writeFileSync(at('g2.log'), line(200).repeat(3));
  expect(await tick()).toEqual({ 'one.requests 200': 2, 'all.requests 200': 3 });
});

test('several parsers read one log, and each goes by its own names', async () => {
  const { tick, at } = following([
    `{ path: ${NAME}/it.log, parser: ${parser()}, as: web, from: start }`,
    `{ path: ${NAME}/it.log, parser: ${parser()}, labels: { site: ams1 }, from: start }`,
  ]);
  writeFileSync(at('it.log'), line(200));
  expect(await tick()).toEqual({ 'web.requests 200': 1, 'requests 200 ams1': 1 });
});

test.each([
  ['{ name: logfmt, limit: many }', 'parser.limit must be a number'],
  ['{ name: logfmt, percentiles: [200] }', 'parser.percentiles[0] must be at most 100'],
  ['{ name: access, wrapper: podman }', 'parser.wrapper must be one of docker, cri or auto'],
  ['{ name: logfmt, counts: [a] }', 'parser.counts is no option of the parser logfmt'],
  [
    '{ name: regex, rules: [{ name: x, match: a, as: average }] }',
    'parser.rules[0] needs the option "value"',
  ],
])('a wrong option of a parser is said where it stands, in words: %s', (given, said) => {
  const line = `{ path: ${NAME}/it.log, parser: ${given} }`;
  expect(() => following([line])).toThrow(said);
  // What it is about, and not the list that it is in.
  expect(() => following([line])).toThrow(/\n +9 \| /);
});

test('two that could not be told apart are refused', () => {
  const file = `{ path: ${NAME}/it.log, parser: ${parser()} }`;
  expect(() => following([file, file])).toThrow(/told apart from 1\. in the list/);
});

test('a log of which nothing can be read at first is no new one later', async () => {
  const { tick, at } = following([`{ path: ${NAME}/it.log, parser: ${parser()} }`]);
  mkdirSync(at('it.log'));
  await tick();
  rmSync(at('it.log'), { recursive: true });
  writeFileSync(at('it.log'), line(200).repeat(5));
  expect(await tick()).toEqual({});
  appendFileSync(at('it.log'), line(200));
  expect(await tick()).toEqual({ 'requests 200': 1 });
});

test('whoever follows on reads what was written meanwhile, rotated or new', async () => {
  const files = [`{ path: '${NAME}/*.log', parser: ${parser()} }`];
  const before = following(files);
  const { at, folder } = before;
  writeFileSync(at('it.log'), line(200));
  await before.tick();
  await before.agent.stop(0);
  appendFileSync(at('it.log'), line(200).repeat(2));
  renameSync(at('it.log'), at('it.log.1'));
  writeFileSync(at('it.log'), line(404).repeat(4));
  writeFileSync(at('new.log'), line(500).repeat(8));
  const { tick } = following(files, folder);
  // First what was left behind is handed out as it was, then what is new.
  expect(await tick()).toEqual({});
  expect(await tick()).toEqual({
    'requests 200': 2,
    'requests 404': 4,
    'requests 500': 8,
  });
});

test('a reload goes on where it was', async () => {
  const files = [`{ path: ${NAME}/it.log, parser: ${parser()} }`];
  const { tick, at, agent, configured, folder } = following(files);
  writeFileSync(at('it.log'), line(200));
  await tick();
  appendFileSync(at('it.log'), line(200).repeat(2));
  const changed = `
interval: 10s
collectors:
  default: { enabled: false }
  logs:
    enabled: true
    timeout: 4s
    state: ${folder}/state
    files: [{ path: ${folder}/it.log, parser: ${parser()} }]
handlers:
  out: { type: file, path: DIR/out, rotate: never }
`;
  const { stopped } = await agent.reload(configured(changed));
  expect(stopped).toEqual(['logs']);
  appendFileSync(at('it.log'), line(404));
  expect(await tick()).toEqual({ 'requests 200': 2, 'requests 404': 1 });
});

test('a tick that brings nothing writes nothing', async () => {
  const { tick, at, ledger } = following([`{ path: ${NAME}/it.log, parser: ${parser()} }`]);
  // Of a file that was written just now it may be noted a moment later that it was not written since.
  const writtenAt = (time: number) => utimesSync(at('it.log'), time, time);
  writeFileSync(at('it.log'), line(200));
  writtenAt(1_700_000_000);
  await tick();
  const first = ledger();
  appendFileSync(at('it.log'), line(200));
  writtenAt(1_700_000_010);
  await tick();
  const second = ledger();
  expect(second).not.toBe(first);
  await tick();
  await tick();
  expect(ledger()).toBe(second);
});

test('what cannot be written down is not handed out before it can', async () => {
  const { tick, at, report } = following([`{ path: ${NAME}/it.log, parser: ${parser()} }`]);
  writeFileSync(at('it.log'), line(200));
  await tick();
  appendFileSync(at('it.log'), line(200).repeat(2));
  renameSync(at('state'), at('elsewhere'));
  expect(await tick()).toEqual({});
  expect(report.said.map(({ trouble }) => String(trouble.error))).toEqual([
    expect.stringMatching(/ledger: cannot be written \(ENOENT\)\. Nothing is read of the logs/),
  ]);
  appendFileSync(at('it.log'), line(200).repeat(4));
  renameSync(at('elsewhere'), at('state'));
  expect(await tick()).toEqual({ 'requests 200': 2 });
  expect(await tick()).toEqual({ 'requests 200': 4 });
});

test('whoever only looks writes nothing', async () => {
  const folder = scratch();
  const collect = collecting(logs);
  const options = {
    state: join(folder, 'state'),
    files: [{ path: join(folder, 'it.log'), parser: 'syslog', from: 'start' }],
  };
  writeFileSync(join(folder, 'it.log'), 'Nov 21 09:00:00 host daemon[1]: it has started\n');
  const { observations } = await collect(0, { host: hostWith({}), options });
  const lines = observations.find(({ metric }) => metric.name === 'cullinan.logs.lines');
  expect(lines?.value).toBe(1);
  expect(existsSync(join(folder, 'state'))).toBe(false);
});

test('a parser that breaks when it is to report costs no other log anything', async () => {
  const folder = scratch();
  const broken = join(folder, 'broken.js');
  writeFileSync(
    broken,
    'export default class { parseLine() {} report() { throw new Error("no report"); } }',
  );
  const { tick, at, report } = following(
    [
      `{ path: ${NAME}/it.log, parser: ${parser()}, as: before }`,
      `{ path: ${NAME}/it.log, parser: ${broken} }`,
      `{ path: ${NAME}/it.log, parser: ${parser()}, as: after }`,
    ],
    folder,
  );
  writeFileSync(at('it.log'), '');
  await tick();
  for (let i = 1; i <= 3; i += 1) {
    appendFileSync(at('it.log'), line(200).repeat(i));
    expect(await tick()).toEqual({ 'before.requests 200': i, 'after.requests 200': i });
  }
  const said = new Set(report.said.map(({ trouble }) => String(trouble.error)));
  expect([...said]).toEqual([expect.stringContaining('no report')]);
});

test('one log with one parser twice has numbers of its own for each', async () => {
  const { agent, at, clock, report } = following([
    `{ path: ${NAME}/it.log, parser: ${parser()}, as: one, from: start }`,
    `{ path: ${NAME}/it.log, parser: ${parser()}, as: two, from: start }`,
    `{ path: ${NAME}/other.log, parser: ${parser()}, as: three, from: start }`,
  ]);
  writeFileSync(at('it.log'), line(200).repeat(5));
  writeFileSync(at('other.log'), line(200));
  const samples = await agent.collect(clock.now() / 1000 + 7);
  const lines = samples.filter(({ series }) => series.metric.name === 'cullinan.logs.lines');
  expect(lines.map(({ series, value }) => [series.labels['parser'], value])).toEqual([
    ['one regex', 5],
    ['two regex', 5],
    ['regex', 1],
  ]);
  expect(report.said).toEqual([]);
});

test.each([
  ['counts up, as log4j2 does', (n: number) => `it.log.${n}`],
  ['has a date and counts within it, as logback does', (n: number) => `it.2026-11-21.${n}.log`],
])(
  'a rotation that %s has no line lost, and none counted that was there before',
  async (_, name) => {
    const { tick, at } = following([`{ path: ${NAME}/it.log, parser: ${parser()} }`]);
    for (let n = 1; n <= 8; n += 1) {
      writeFileSync(at(name(n)), line(100 + n));
    }
    writeFileSync(at('it.log'), line(109));
    expect(await tick()).toEqual({});
    // The clock that files are stamped with ticks every few milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let n = 9; n <= 12; n += 1) {
      appendFileSync(at('it.log'), line(200 + n));
      renameSync(at('it.log'), at(name(n)));
      writeFileSync(at('it.log'), line(300 + n));
    }
    const all = [9, 10, 11, 12].flatMap((n) => [`requests ${200 + n}`, `requests ${300 + n}`]);
    expect(await tick()).toEqual(Object.fromEntries(all.map((it) => [it, 1])));
  },
);

test('a parser that breaks on lines is said with their log', async () => {
  const folder = scratch();
  const broken = join(folder, 'broken.js');
  writeFileSync(
    broken,
    'export default class { parseLine() { throw new Error("no line"); } report() { return []; } }',
  );
  const { tick, at, report } = following([`{ path: ${NAME}/it.log, parser: ${broken} }`], folder);
  writeFileSync(at('it.log'), '');
  await tick();
  appendFileSync(at('it.log'), line(200).repeat(3));
  await tick();
  expect(report.said.map(({ trouble }) => String(trouble.error))).toEqual([
    `Error: ${at('it.log')}: the parser broke on lines, which are left out: no line`,
  ]);
});
