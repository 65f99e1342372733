import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { commandLine, main } from '../../src/cli/program.ts';
import { scratch } from '../support/agent.ts';
import { cullinan as program } from '../support/program.ts';

interface Sample {
  readonly name: string;
  readonly value: number;
  readonly time: number;
}

const NUMA = fileURLToPath(new URL('../fixtures/numa-64', import.meta.url));

const IO = { environment: {}, out: () => {}, err: () => {}, outIsTerminal: false };

/** Runs the command line in this process. */
async function cullinan(...words: string[]) {
  let out = '';
  let err = '';
  const code = await main(words, {
    ...IO,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    errIsTerminal: true,
  });
  return { code, out, err };
}

function configured(yaml: string): string {
  const path = join(scratch(), 'cullinan.yaml');
  writeFileSync(path, yaml);
  return path;
}

describe('help', () => {
  const { program } = commandLine({ ...IO, errIsTerminal: false }, async () => {});
  const commands = program.commands.map((command) => [['help', command.name()]]);
  test.each([[[]], [['help']], [['--help']], [['once', '--help']], ...commands])(
    'of %j starts with two examples, on standard output',
    async (words) => {
      const { code, out } = await cullinan(...words);
      expect(code).toBe(0);
      expect(out).toMatch(/^Examples:\n {2}cullinan .*\n {2}cullinan .*\n\nUsage: /);
    },
  );

  test('has a version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await cullinan('--version')).toMatchObject({ code: 0, out: `${version}\n` });
  });
});

describe('a typo', () => {
  test.each([
    [['onec'], 'Did you mean once?'],
    [['once', 'cpuu'], 'no collector is called "cpuu". Did you mean "cpu"?'],
    [
      ['once', 'quux-and-more'],
      'Your own are found in plugins.folders, /etc/cullinan/plugins unless',
    ],
    [['once', '--dialect', 'daimond'], 'Did you mean "diamond"?'],
    [['once', '--jsno'], 'Did you mean --json?'],
    [['once', '--over', '5'], '--over is "5"; it must be a number with its unit'],
    [['describe', 'netwrok'], 'Did you mean "network"?'],
    [['replay'], "missing required argument 'directory'"],
  ])('%j is answered on standard error, with exit code 64', async (words, answer) => {
    const { code, out, err } = await cullinan(...words);
    expect(code).toBe(64);
    expect(out).toBe('');
    expect(err).toContain(answer);
  });
});

test.each([
  ['check', 0],
  ['diff-names', 2],
])('%s names what a tail and the agent observe, and keeps nothing of it', async (command, code) => {
  const folder = scratch();
  const [log, state, socket] = ['log', 'state', 'push.sock'].map((name) => join(folder, name));
  writeFileSync(log ?? '', 'hello\n');
  const config = configured(`
collectors:
  default: { enabled: false }
  agent: { enabled: true }
  logs: { enabled: true, state: ${state}, files: [{ path: ${log}, parser: syslog, from: start }] }
  push: { enabled: true, listen: [{ at: "unix:${socket}" }] }
handlers: { graphite: { host: 127.0.0.1:1, dialect: otel, prefix: "" } }
`);
  const old = command === 'check' ? [] : [log ?? ''];
  const ended = await cullinan(
    command,
    ...old,
    '--config',
    config,
    ...(old.length > 0 ? ['--all'] : []),
  );
  expect(ended.code).toBe(code);
  expect(ended.out).toMatch(/cullinan\.logs\.lines\./);
  expect(ended.out).toMatch(/cullinan\.handler\.queued\.graphite/);
  expect(ended.out).toMatch(/cullinan\.collector\.runs\.logs\./);
  expect([state, socket].filter((it) => existsSync(it ?? ''))).toEqual([]);
});

describe('a wrong configuration', () => {
  test.each([['run'], ['once'], ['check'], ['record', '/nowhere/at/all']])(
    'starts nothing with %s: exit code 78',
    async (...words) => {
      const path = configured('handlers:\n  graphite:\n    hots: 127.0.0.1\n');
      const { code, out, err } = await cullinan(...words, '--config', path);
      expect(code).toBe(78);
      expect(out).toBe('');
      expect(err).toContain(`${path}:3:5: unknown option "hots" in handlers.graphite`);
      expect(err).toContain('did you mean "host"?');
      expect(err).not.toContain('cullinan: cullinan');
    },
  );
});

describe('once', () => {
  test('prints rates over two readings', async () => {
    const { code, out } = await cullinan('once', 'cpu', '--over', '50ms');
    expect(code).toBe(0);
    expect(out).toMatch(/^system\.cpu\.total\.time\{state="user"\} [\d.]+ seconds\/s \d+$/m);
  });

  test('prints totals with --raw, and objects with --json', async () => {
    const { out } = await cullinan('once', 'cpu', '--raw', '--json', '--over', '0s');
    const objects = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(objects).toContainEqual(
      expect.objectContaining({
        name: 'system.cpu.total.time',
        labels: { state: 'user' },
        unit: 'seconds',
        kind: 'counter',
        time: expect.any(Number),
        host: expect.any(String),
        value: expect.any(Number),
      }),
    );
  });

  test('speaks a dialect', async () => {
    const { out } = await cullinan('once', 'load', '--dialect', 'diamond', '--over', '0s');
    expect(out).toMatch(/^servers\.[\w-]+\.loadavg\.01 \d+\.\d\d \d+$/m);
  });

  test('tries out a collector that is off, by default or in the configuration', async () => {
    const path = configured('collectors:\n  load: { enabled: false }\n');
    const { code, out } = await cullinan(
      ...['once', 'interrupts', 'load', '--config', path, '--raw', '--over', '0s'],
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^system\.linux\.interrupts\{/m);
    expect(out).toContain('system.cpu.load_average.1m ');
  });

  test.each([
    ['files', 'no groups are configured: set `groups`'],
    ['exec', 'no command is configured: set `command`'],
    ['textfile', ''],
    ['logs', ''],
  ])('says that %s observed nothing, and where its options are', async (name, why) => {
    const { code, out, err } = await cullinan('once', name, '--over', '0s');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(why);
    expect(err).toContain(`${name} observed nothing. What it can be told`);
    expect(err).toContain(`cullinan describe ${name}`);
  });
});

describe('check', () => {
  test('sends nothing, not even what waits on disk, and leaves the spool to the agent', async () => {
    const folder = join(scratch(), 'spool');
    const path = configured(
      `handlers: { graphite: { host: 127.0.0.1, port: 9, queue: { spool: { path: ${folder}, size: 1MiB } } } }\n`,
    );
    const { code, err } = await cullinan('check', '--config', path);
    expect([code, err.includes('Warning')]).toEqual([0, false]);
    expect(existsSync(folder)).toBe(false);
  });

  test('warns of files for TLS that cannot be read', async () => {
    const path = configured('handlers: { graphite: { tls: { ca: /nowhere/ca.pem } } }\n');
    const { code, err } = await cullinan('check', '--config', path);
    expect(code).toBe(0);
    expect(err).toContain('Warning: handlers.graphite.tls.ca cannot be read: ENOENT');
  });

  test('shows the exact names per handler, on standard output', async () => {
    const path = configured(
      'hostname: { name: web01 }\nhandlers:\n  graphite: { only: ["loadavg.*"], prefix: hosts }\n',
    );
    const { code, out, err } = await cullinan('check', '--config', path);
    expect(code).toBe(0);
    expect(out.trimEnd().split('\n')).toEqual(
      ['01', '05', '15', 'processes_running', 'processes_total']
        .map((name) => `hosts.web01.loadavg.${name}`)
        .concat(['01', '05', '15'].map((name) => `hosts.web01.loadavg.${name}_normalized`)),
    );
    expect(err).toContain('Handler graphite (graphite, dialect diamond) would be sent 8 names');
  });

  test('never shows a secret', async () => {
    const directory = scratch();
    writeFileSync(join(directory, 'token'), 'hunter2secret\n');
    const path = configured(
      `handlers:\n  graphite: { prefix: "\${file:${directory}/token}", only: ["loadavg.01"] }\n`,
    );
    const { out, err } = await cullinan('check', '--config', path);
    expect(out + err).not.toContain('hunter2secret');
  });
});

describe('record and replay', () => {
  test('give back what was recorded, with the recorded times', async () => {
    const directory = join(scratch(), 'here');
    const recorded = await cullinan('record', directory, '--for', '1s', '--every', '1s');
    expect(recorded).toMatchObject({ code: 0, out: '' });
    // The console handler writes to the process's own standard output.
    const { code, stdout } = await program(['replay', directory, '--json', '--raw']);
    expect(code).toBe(0);
    const samples = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Sample);
    const boots = samples.filter(({ name }) => name === 'system.boot_time');
    expect(boots).toHaveLength(2);
    expect((boots[1]?.time ?? 0) - (boots[0]?.time ?? 0)).toBe(1);
    const btime = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1];
    expect(boots[0]?.value).toBe(Number(btime));
  });

  test('say what is wrong with a recording', async () => {
    const { code, err } = await cullinan('replay', scratch());
    expect(code).toBe(1);
    expect(err).toContain('has no recording.json');
    expect(err).not.toContain(' at ');
  });

  test('refuse to record into a folder that holds something else', async () => {
    const directory = scratch();
    mkdirSync(join(directory, 'holiday-pictures'));
    const { code } = await cullinan('record', directory, '--for', '0s');
    expect(code).toBe(1);
  });

  test('a replay prints, and sends where its configuration says only when told to', async () => {
    const directory = scratch();
    const path = configured(
      `handlers:\n  file: { path: ${directory}/out, dialect: diamond, rotate: never }\n`,
    );
    expect((await cullinan('replay', NUMA, '--config', path, '--send')).code).toBe(0);
    const lines = readFileSync(join(directory, 'out'), 'utf8').trimEnd().split('\n');
    const golden = readFileSync('test/golden/replay/numa-64.diamond.txt', 'utf8');
    expect(lines).toEqual(golden.trimEnd().split('\n'));
  });
});
