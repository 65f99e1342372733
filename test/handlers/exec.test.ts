import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import type { z } from 'zod';
import exec from '../../handlers/exec.ts';
import { systemClock } from '../../src/clock/index.ts';
import { type Connection, Foreseen, type Handler } from '../../src/plugin/index.ts';
import { around, delivery, imbalance, points } from '../support/delivery.ts';
import { point } from '../support/points.ts';
import { runs } from '../support/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'cullinan-exec-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
/** The path of a file that is not there yet. */
const file = (): string => join(folder, `file${++files}`);
const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

const forever = new AbortController().signal;
type Given = z.input<typeof exec.options>;

async function open(given: Given, signal = new AbortController().signal): Promise<Connection> {
  const options = exec.options.parse(given);
  const connection = await exec.open({ options, signal, ...around });
  onTestFinished(() => connection.close());
  return connection;
}

const script = (text: string, more: Partial<Given> = {}) =>
  open({ command: text, shell: true, ...more });

async function pidIn(path: string): Promise<number> {
  await vi.waitFor(() => expect(read(path)).toMatch(/^\d+\n$/));
  return Number(read(path));
}

test.each([
  ['graphite', 'a 7 1000000000\n'],
  ['statsd', 'a:7|g\n'],
  [
    'json',
    '{"path":"a","name":"test.number","labels":{},"value":7,"unit":"count","kind":"gauge","time":1000000000,"host":"h"}\n',
  ],
] as const)('the command reads a point as a line of %s', async (format, line) => {
  const out = file();
  const connection = await open({ command: ['tee', out], format });
  await connection.write(points(7, 8), forever);
  await connection.close();
  expect(read(out)).toBe(line);
});

test('a batch is all there when the command has ended, however long it is', async () => {
  const out = file();
  const connection = await open({ command: ['tee', out] });
  await connection.write(points(0, 50_000), forever);
  await connection.write(points(50_000, 100_000), forever);
  await connection.close();
  const values = read(out)
    .trimEnd()
    .split('\n')
    .map((line) => Number(line.split(' ')[1]));
  expect(values).toEqual(Array.from({ length: 100_000 }, (_, i) => i));
});

test('no shell reads the words of a list', async () => {
  const out = `${file()} $(id); 'x' > y`;
  const connection = await open({ command: ['tee', out] });
  await connection.write(points(0, 1), forever);
  await connection.close();
  expect(read(out)).toBe('a 0 1000000000\n');
});

test('a shell reads a text where it is asked for', async () => {
  const out = file();
  const connection = await script(`tr 0-9 x | sed 's/^/> /' > ${out}`);
  await connection.write(points(0, 1), forever);
  await connection.close();
  expect(read(out)).toBe('> a x xxxxxxxxxx\n');
});

test('runs in its folder, and with no variable of ours but a few', async () => {
  vi.stubEnv('SECRET', 'of the agent');
  onTestFinished(() => void vi.unstubAllEnvs());
  const out = file();
  const connection = await script(`{ pwd; env; } > ${out}; cat > ${file()}`, {
    folder,
    environment: { TOKEN: 'a=b' },
  });
  await connection.close();
  const [where, ...variables] = read(out).trimEnd().split('\n');
  expect(where).toBe(folder);
  expect(variables).toContain('TOKEN=a=b');
  const names = variables.map((line) => line.split('=')[0]);
  const usual = ['PATH', 'HOME', 'LANG', 'TZ', 'TOKEN', 'PWD', 'OLDPWD', '_', 'SHLVL'];
  expect(names.filter((name) => !usual.includes(name ?? ''))).toEqual([]);
});

test.each<[string, Given, RegExp]>([
  [
    'does not exist',
    { command: ['/nonexistent/program', '--password=secret'] },
    /^\/nonexistent\/program cannot be started in \/ \(ENOENT\)\. Check that it and the folder exist/,
  ],
  [
    'may not be run',
    { command: ['/etc/passwd'] },
    /^\/etc\/passwd cannot be started in \/ \(EACCES\)/,
  ],
  [
    'has no folder',
    { command: ['cat'], folder: '/nonexistent' },
    /^cat cannot be started in \/nonexistent \(ENOENT\)/,
  ],
  [
    'ends at once',
    { command: 'echo first >&2; echo no licence >&2; exit 3', shell: true },
    /^the shell ended with status 3, and should run until its input ends\. It said: first \| no licence$/,
  ],
  ['is no command of the shell', { command: 'nonesuch', shell: true }, /status 127.*nonesuch/],
  [
    'has nothing to say',
    { command: ['true'] },
    /^true ended with status 0, .* It said nothing on its standard error\.$/,
  ],
])('says so when a command %s, before any point is spent on it', async (_, given, message) => {
  const error = await open(given).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(Foreseen);
  expect(error).toMatchObject({ message: expect.stringMatching(message) });
});

test('says why a command ended, and takes no more', async () => {
  const connection = await script('read line; echo "cannot take $line" >&2; kill -9 $$');
  await connection.write(points(0, 1), forever);
  const message =
    'the shell ended by SIGKILL, and should run until its input ends. It said: cannot take a 0 1000000000';
  expect(await connection.ended).toMatchObject({ message });
  await expect(connection.write(points(1, 2), forever)).rejects.toThrow(message);
});

test('keeps only the end of what a command complains about, and nothing that a terminal obeys', async () => {
  const flood = "head -c 5000000 /dev/zero | tr '\\0' x >&2; printf '\\033[31mred\\n' >&2; exit 1";
  const connection = await script(`read line; ${flood}`);
  await connection.write(points(0, 1), forever);
  const error = (await connection.ended) as Error;
  expect(error.message).toMatch(/x\\x1b\[31mred$/);
  expect(error.message.length).toBeLessThan(5000);
});

test('says so when a command runs on and reads no more', async () => {
  const connection = await script('exec 0<&-; sleep 1000', { grace: '10ms' });
  await expect(connection.write(points(0, 1), forever)).rejects.toThrow(
    'the shell has closed its standard input (EPIPE)',
  );
});

test('ends a command by the end of its input, and waits until it has', async () => {
  const out = file();
  const connection = await script(`cat > ${out}; sleep 0.2; echo done >> ${out}`);
  await connection.write(points(0, 1), forever);
  await connection.close();
  expect(read(out)).toBe('a 0 1000000000\ndone\n');
});

test('kills what does not end, and everything that it started', async () => {
  const [own, child, grandchild] = [file(), file(), file()];
  const connection = await script(
    `trap '' TERM; echo $$ > ${own}; (sleep 1000 & echo $! > ${grandchild}; wait) & echo $! > ${child}; while :; do sleep 1; done`,
    { grace: '50ms' },
  );
  const pids = await Promise.all([own, child, grandchild].map(pidIn));
  expect(pids.every(runs)).toBe(true);
  await connection.close();
  await vi.waitFor(() => expect(pids.filter(runs)).toEqual([]));
});

test('kills what a command has left behind when it ended', async () => {
  const child = file();
  const connection = await script(`sleep 1000 & echo $! > ${child}; cat > ${file()}`);
  const pid = await pidIn(child);
  await connection.close();
  await vi.waitFor(() => expect(runs(pid)).toBe(false));
});

test('a command that takes nothing is killed with all it started when it is given up', async () => {
  const child = file();
  const aborter = new AbortController();
  const given = { command: `sleep 1000 & echo $! > ${child}; wait`, shell: true };
  const connection = await open(given, aborter.signal);
  const pid = await pidIn(child);
  const stuck = connection.write(points(0, 50_000), aborter.signal);
  setTimeout(() => aborter.abort(), 20);
  await expect(stuck).rejects.toThrow('the shell ended by SIGKILL');
  await vi.waitFor(() => expect(runs(pid)).toBe(false));
});

test('does not start a command that is given up already', async () => {
  const out = file();
  const late = AbortSignal.abort(new Error('late'));
  await expect(open({ command: `echo > ${out}; cat`, shell: true }, late)).rejects.toThrow('late');
  expect(existsSync(out)).toBe(false);
});

test('a command that ends is started anew, at growing intervals, and its reason is said once', async () => {
  const out = file();
  const { delivery: it, notes } = delivery(systemClock, {
    handler: exec as unknown as Handler,
    options: exec.options.parse({
      command: `read line; echo "$line" >> ${out}; echo full >&2; exit 1`,
      shell: true,
    }),
    batch: 1,
    // For so long a command has to run to count as well.
    backoff: { least: 0.3, most: 0.6 },
  });
  let sent = 0;
  await vi.waitFor(() => {
    it.offer([point('n', { value: sent })]);
    it.flush();
    sent += 1;
    expect(imbalance(it.status())).toBe(0);
    expect(it.status().failures).toBeGreaterThanOrEqual(4);
  }, 5000);
  expect(notes.said).toHaveLength(1);
  expect(notes.said[0]).toMatch(
    /^handler peer: the shell ended with status 1, .* It said: full\. /,
  );
  await it.stop('shutdown', 100);
  expect(imbalance(it.status())).toBe(0);
  expect(read(out)).toMatch(/^n 0 /);
});

test.each([
  [{ command: 'cat' }, 'must be a list, ["program", "word"], or have shell: true beside it'],
  [{ command: ['cat'], shell: true }, 'must be one text where shell is true'],
  [{ command: [''] }, 'must begin with a program'],
])('refuses %j', (given, message) => {
  expect(exec.options.safeParse(given).error?.issues).toMatchObject([
    { path: ['command'], message },
  ]);
});
