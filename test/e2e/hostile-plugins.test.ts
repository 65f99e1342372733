import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { scratchFolder } from '../support/plugins.ts';
import { PROGRAM } from '../support/program.ts';

const HOSTILE = fileURLToPath(new URL('../fixtures/plugins/hostile', import.meta.url));
const UNWELL = fileURLToPath(new URL('../fixtures/plugins/unwell', import.meta.url));
const WELL = fileURLToPath(new URL('../fixtures/plugins/well', import.meta.url));

interface Entry {
  readonly level: number;
  readonly msg: string;
  readonly where?: string;
  readonly remedy?: string;
}

/** Runs an agent with some of the well and unwell plugins until its log says something, and then with `more`. */
async function untilSaid(
  plugins: readonly string[],
  said: RegExp,
  more: (agent: ChildProcess, archive: string, text: () => string) => Promise<void>,
): Promise<void> {
  const folder = scratchFolder();
  const archive = join(folder, 'archive.json');
  const config = join(folder, 'cullinan.yaml');
  const wanted = ['load', ...plugins].map((name) => `${name}: { enabled: true }`).join(', ');
  writeFileSync(
    config,
    `interval: 1s
shutdown: { timeout: 1s }
status: { enabled: false }
plugins: { folders: ['${UNWELL}', '${WELL}'] }
collectors: { default: { enabled: false }, ${wanted} }
handlers: { file: { path: '${archive}', format: json } }
`,
  );
  const agent = spawn(process.execPath, [PROGRAM, 'run', '--config', config]);
  try {
    let text = '';
    agent.stderr.setEncoding('utf8').on('data', (some: string) => {
      text += some;
    });
    await vi.waitFor(() => expect(text).toMatch(said), 30_000);
    await more(agent, archive, () => text);
  } finally {
    agent.kill('SIGKILL');
  }
}

/** A file on a mount that hangs keeps what reads it for ever; a pipe into which nobody writes does the same. */
test('an agent goes on, and ends, with a plugin that waits for what cannot be given up', () =>
  untilSaid(
    ['waits-in-the-kernel'],
    /is not asked while its thread/,
    async (agent, archive, text) => {
      const written = () => readFileSync(archive, 'utf8').length;
      const before = written();
      await vi.waitFor(() => expect(written()).toBeGreaterThan(before), 10_000);
      const ended = once(agent, 'exit');
      agent.kill('SIGTERM');
      // As services do that do not listen to it: for Node itself would wait.
      expect(await ended).toEqual([null, 'SIGTERM']);
      expect(text().match(/did not come back at its deadline/g)).toHaveLength(1);
      expect(text()).toMatch(/stopped: everything that was queued was delivered/);
    },
  ));

test('who rejects a promise without a reason is told from who is at work by then', () =>
  untilSaid(
    ['behaved', 'rejects-nothing'],
    /"[^"]*rejects-nothing\.ts threw/,
    async (_, __, text) => {
      expect(text()).not.toMatch(/"[^"]*one of [^"]*behaved\.ts threw|"[^"]*\/behaved\.ts threw/);
      expect(
        text().match(/one of .*\/behaved\.ts.* threw where nobody could catch it/g),
      ).toHaveLength(1);
    },
  ));

/** Every hostile plugin at once, in one agent, beside one that behaves and what the agent has itself. */
describe('an agent with a folder of hostile plugins', () => {
  const folder = scratchFolder();
  const archive = join(folder, 'archive.json');
  const config = join(folder, 'cullinan.yaml');
  writeFileSync(
    config,
    `interval: 1s
shutdown: { timeout: 1s }
status: { enabled: false }
plugins: { folders: ['${HOSTILE}', '${WELL}'], block: 2s, memory: 32MiB }
collectors: { default: { enabled: false, timeout: 8s }, ${[
      'load',
      'behaved',
      'breaks-stacks',
      'exits',
      'kills',
      'leaks',
      'leaks-buffers',
      'loops',
      'loops-in-turns',
      'never-closes',
      'never-resolves',
      'prints',
      'rejects-later',
      'throws-in-collect',
      'throws-later',
      'yields-a-million',
      'yields-nonsense',
    ]
      .map((name) => `${name}: { enabled: true }`)
      .join(', ')} }
handlers: { file: { path: '${archive}', format: json } }
`,
  );
  let text = '';
  let output = '';
  let code: unknown;
  const log = (): Entry[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Entry);
  const about = (plugin: string): Entry[] => log().filter(({ msg }) => msg.includes(`/${plugin}.`));
  const faults = (plugin: string): Entry[] =>
    about(plugin).filter(({ msg }) => !msg.includes('is switched off'));
  /** At which ticks a metric was observed, in whole lines of the archive. */
  const timesOf = (metric: string): number[] =>
    readFileSync(archive, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { name: string; time: number })
      .flatMap(({ name, time }) => (name === metric ? [time] : []));
  const OWN = 'system.cpu.load_average.1m';
  /** What each is named for. */
  const NAMED = [
    ['exits', /exits\.ts ended its thread \(process\.exit\(\)\)/],
    ['kills', /kills\.ts ended its thread \(process\.kill\(\) of the agent itself\)/],
    ['leaks', /leaks\.ts took more than 32 MiB of memory/],
    ['leaks-buffers', /leaks-buffers\.ts (took more than 32 MiB|kept its thread busy)/],
    ['loops', /loops\.ts (kept its thread busy|did not come back)/],
    ['never-resolves', /never-resolves\.ts did not come back at its deadline/],
    ['breaks-stacks', /breaks-stacks\.ts threw where nobody could catch it: later, on purpose/],
    ['rejects-later', /rejects-later\.ts threw where nobody could catch it: rejected, on purpose/],
    ['throws-later', /throws-later\.ts threw where nobody could catch it: later, on purpose/],
    [
      'prints',
      /prints\.ts writes to the agent's output, where it is left out: .* Take console\.log/,
    ],
  ] as const;
  /**
   * Two that are busy at once may each be taken for the one that takes the memory; and on a machine that is busy
   * itself one may be left behind before its thread has been ended.
   */
  const CHANGING = new Set(['loops', 'leaks-buffers', 'never-resolves']);
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    const agent = spawn(process.execPath, [PROGRAM, 'run', '--config', config], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = agent;
    agent.stdout.setEncoding('utf8').on('data', (more: string) => {
      output += more;
    });
    agent.stderr.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    const ended = once(agent, 'exit');
    await vi.waitFor(
      () => {
        expect(NAMED.filter(([plugin]) => faults(plugin).length === 0)).toEqual([]);
        expect(log().filter(({ msg }) => msg.includes('is switched off')).length).toBeGreaterThan(
          2,
        );
        // It shares a thread with all of them until each has shown what it is; then it misses none.
        const last = timesOf('well.behaved').slice(-5);
        const [first = 0] = last;
        expect(last).toHaveLength(5);
        expect(last).toEqual(last.map((_, i) => first + i));
        expect(first).toBeGreaterThanOrEqual(timesOf(OWN).at(-6) ?? 0);
      },
      { timeout: 180_000, interval: 200 },
    );
    agent.kill('SIGTERM');
    [code] = await ended;
  });
  afterAll(() => {
    child?.kill('SIGKILL');
    text = '';
  });

  test('never misses a tick of its own', () => {
    const own = timesOf(OWN);
    const [first = 0] = own;
    expect(own.length).toBeGreaterThan(5);
    expect(own).toEqual(own.map((_, i) => first + i));
    expect(log().filter(({ msg }) => /\bran [\d.]+ s late/.test(msg))).toEqual([]);
  });

  test('blames nobody who behaves', () => expect(about('behaved')).toEqual([]));

  test('ends as ever when it is told to', () => expect(code).toBe(0));

  test('has nothing of theirs on its standard output', () => expect(output).toBe(''));

  test.each(NAMED)('names %s once, and says the remedy', (plugin, said) => {
    const entries = faults(plugin);
    expect(entries.length).toBeLessThanOrEqual(CHANGING.has(plugin) ? 3 : 1);
    for (const { msg } of entries) expect(msg).toMatch(said);
    const [entry] = entries;
    expect(entry?.remedy ?? entry?.msg).toMatch(/Throw|Look|Hand|Await|Take/);
  });

  test.each([
    ['throws-in-collect', /on purpose/],
    ['yields-a-million', /more than 20000 observations: the rest is left out/],
    ['loops-in-turns', /was wrong 100 times: the rest is left out/],
    ['yields-nonsense', /as "one", not a number/],
    ['yields-nonsense', /hostile\.yields-nonsense of a host that is no name/],
    ['yields-nonsense', /hostile\.undeclared, which it does not declare/],
    ['yields-nonsense', /yielded number, which is no observation/],
  ])('says what is wrong with %s', (plugin, said) => {
    const entries = log().filter(({ where }) => where === `collector ${plugin}`);
    expect(entries.filter(({ msg }) => said.test(msg))).toHaveLength(1);
  });

  test.each([
    ['syntax', /syntax\.ts:3:18: Unexpected token ','/],
    ['throws-at-import', /throws-at-import\.ts:4:7: on purpose, object/],
    [
      'loops-at-import',
      /loops-at-import\.js: while it was loaded, it kept its process busy for more than 5 s\. Look for a loop .* outside of its functions/,
    ],
    ['no-plugin', /no-plugin\.mjs: exports no plugin by default: export default defineCollector/],
    ['takes-a-name', /takes-a-name\.ts: its collector is called "load", .* Call it something else/],
    ['from-the-future', /from-the-future\.ts: was written for version 2\.0 .* update the agent/],
    ['wrong-door', /wrong-door\.ts: there is no "cullinan\/secrets" to import/],
  ])('does without %s, and says why', (plugin, said) => {
    const entries = about(plugin).map(({ msg }) => msg);
    expect(entries).toEqual([expect.stringMatching(said)]);
    expect(entries[0]).toContain('This plugin is left out; everything else goes on.');
  });
});
