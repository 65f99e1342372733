import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, request } from '../../src/status/index.ts';
import { scratch } from '../support/agent.ts';
import { PROGRAM } from '../support/program.ts';

interface Entry {
  readonly level: number;
  readonly msg: string;
  readonly books?: readonly {
    handler: string;
    observed: number;
    delivered: number;
    dropped: Record<string, number>;
  }[];
}

/** The built program as a service, its log as it comes. */
function service(yaml: string, { closeStderr = false } = {}) {
  const directory = scratch();
  const path = join(directory, 'cullinan.yaml');
  const configure = (text: string) => writeFileSync(path, text.replaceAll('DIR', directory));
  configure(yaml);
  const child = spawn(process.execPath, [PROGRAM, 'run', '--config', path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  if (closeStderr) child.stderr.destroy();
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  const log = (): Entry[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Entry);
  /** Waits until the log says it. */
  const said = async (what: string): Promise<Entry> => {
    const find = () => log().find(({ msg }) => msg.includes(what));
    await until(() => find() !== undefined);
    const found = find();
    if (found === undefined) throw new Error(`it never said "${what}", but:\n${text}`);
    return found;
  };
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, configure, directory, log, said, ended, text: () => text };
}

/** Waits until it is so, for at most four seconds: then the expectation that follows fails. */
async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !isSo(); i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const lengthOf = (path: string): number => (existsSync(path) ? readFileSync(path).length : 0);

/** Waits until a file has grown. */
async function written(path: string): Promise<void> {
  const before = lengthOf(path);
  await until(() => lengthOf(path) > before);
  expect(lengthOf(path)).toBeGreaterThan(before);
}

const FAST =
  'shutdown: { timeout: 300ms }\n' +
  'interval: 200ms\ncollectors: { default: { enabled: false }, load: { enabled: true } }\n';
const FILE = 'handlers: { out: { type: file, path: DIR/out } }\n';

describe('a service', () => {
  test('delivers what is queued at SIGTERM and says so', async () => {
    const { child, directory, said, ended } = service(FAST + FILE);
    await written(join(directory, 'out'));
    child.kill('SIGTERM');
    const { books } = await said('stopped: everything that was queued was delivered');
    expect(await ended).toBe(0);
    const lines = readFileSync(join(directory, 'out'), 'utf8').trimEnd().split('\n');
    expect(books?.[0]).toMatchObject({ observed: lines.length, delivered: lines.length });
  });

  test('says that it is stopping to whoever asks meanwhile', async () => {
    const { child, directory, said } = service(
      `${FAST.replace('300ms', '1m')}status: { socket: DIR/s }\n` +
        'handlers: { graphite: { host: 127.0.0.1, port: 1 } }\n',
    );
    const socket = join(directory, 's');
    await said('handler graphite');
    await until(() => existsSync(socket));
    child.kill('SIGTERM');
    await expect
      .poll(() => ask(socket).catch(String), { timeout: 10_000 })
      .toContain('it is stopping');
    const health = await request(socket, { ask: 'health' });
    expect(health).toEqual({ alive: false, ready: false, reasons: ['it is stopping'] });
  });

  test('that is told to stop while it starts, stops once it has started', async () => {
    const { child, said, ended } = service(
      `${FAST}${FILE}hostname: { method: shell, name: "kill -HUP $PPID; kill -TERM $PPID; echo web01" }\n`,
    );
    await said('stopped: everything that was queued was delivered');
    expect(await ended).toBe(0);
    expect(child.signalCode).toBeNull();
  });

  test('goes on when nobody reads what it says', async () => {
    const { child, directory, ended } = service(
      `${FAST}handlers:\n  out: { type: file, path: DIR/out }\n  lost: { type: file, path: DIR/no/such/folder }\n`,
      { closeStderr: true },
    );
    await written(join(directory, 'out'));
    await written(join(directory, 'out'));
    await written(join(directory, 'out'));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('goes on for its other handlers when the reader of its output has gone', async () => {
    const { child, directory, said, ended } = service(
      `${FAST}handlers:\n  console: {}\n  out: { type: file, path: DIR/out }\n`,
    );
    child.stdout.destroy();
    await said('handler console');
    await written(join(directory, 'out'));
    await written(join(directory, 'out'));
    child.kill('SIGTERM');
    await said('stopped: ');
    expect(await ended).toBe(0);
  });
});

test('an agent that only prints ends when its reader has gone', async () => {
  const { child, said, ended } = service(`${FAST}handlers: { console: {} }\n`);
  await said('collecting from');
  child.stdout.destroy();
  expect(await ended).toBe(0);
});

describe('a reload', () => {
  test('that cannot be started leaves the agent as it was', async () => {
    const { child, configure, directory, said, log, ended } = service(FAST + FILE);
    await written(join(directory, 'out'));
    configure(`${FAST}${FILE}hostname: { method: shell, name: "exit 3" }\n`);
    child.kill('SIGHUP');
    await said('the configuration was not reloaded');
    await written(join(directory, 'out'));
    await written(join(directory, 'out'));
    expect(log().some(({ msg }) => msg.startsWith('stopped'))).toBe(false);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('of a wrong file changes nothing and says where it is wrong', async () => {
    const { child, configure, directory, said, ended } = service(FAST + FILE);
    await written(join(directory, 'out'));
    configure('intervall: 1s\n');
    child.kill('SIGHUP');
    const { msg } = await said('the configuration was not reloaded');
    expect(msg).toContain('cullinan.yaml:1:1: unknown option "intervall"');
    expect(msg).toContain('The configuration before goes on.');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('counts the points of a handler that it ends and could not deliver', async () => {
    const { child, configure, said, ended } = service(
      `${FAST}handlers: { graphite: { host: 127.0.0.1, port: 1 } }\n`,
    );
    await said('handler graphite');
    configure(`${FAST}handlers: { graphite: { host: 127.0.0.1, port: 2 } }\n`);
    child.kill('SIGHUP');
    const { books } = await said('handler graphite ended: ');
    const [book] = books ?? [];
    expect(book?.dropped['reload']).toBeGreaterThan(0);
    expect(book?.observed).toBe((book?.delivered ?? 0) + (book?.dropped['reload'] ?? 0));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('keeps the secrets out of the log that it brings in', async () => {
    const { child, configure, directory, said, text, ended } = service(FAST + FILE);
    mkdirSync(join(directory, 'secrets'));
    writeFileSync(join(directory, 'secrets', 'token'), 'newpassword9\n');
    await written(join(directory, 'out'));
    configure(
      `${FAST}handlers: { lost: { type: file, path: "DIR/no/\${file:DIR/secrets/token}/x" } }\n`,
    );
    child.kill('SIGHUP');
    await said('handler lost');
    child.kill('SIGTERM');
    await ended;
    expect(text()).not.toContain('newpassword9');
  });
});
