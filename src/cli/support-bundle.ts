import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Config, ConfigError, mask, privateValues } from '../config/index.ts';
import { output } from '../doctor/index.ts';
import { redact } from '../log/index.ts';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { ask, request } from '../status/index.ts';
import { type Asking, askFirst, socketsOf } from './asking.ts';
import { check } from './check.ts';
import { examined } from './doctor.ts';
import { EXIT, type Io } from './io.ts';
import { environmentOf, loadWithPlugins } from './setup.ts';
import { version } from './version.ts';

/** Milliseconds for a program of the system. */
const PATIENCE = 20_000;

/** Files of the system that a bug report needs, and that hold nothing private. */
const PLATFORM = [
  ...['/etc/os-release', '/proc/version', '/proc/cmdline', '/proc/cpuinfo', '/proc/meminfo'],
  ...['/proc/loadavg', '/proc/uptime', '/proc/self/limits', '/proc/self/cgroup'],
  '/proc/self/mountinfo',
];

/** `cullinan support-bundle`: one file with all that a bug report needs, and without secrets. */
export async function supportBundle(
  io: Io,
  path: string | undefined,
  asking: Asking,
): Promise<number> {
  const day = new Date().toISOString().replace(/[:-]|\.\d+/g, '');
  const name = `cullinan-support-${hostname().replace(/[^\w.-]/g, '_')}-${day}`;
  const file = path ?? `${name}.tar.gz`;
  const above = await mkdtemp(join(tmpdir(), 'cullinan-support-'));
  try {
    const folder = join(above, name);
    await mkdir(folder);
    await gather(io, asking, folder);
    await pack(above, name, file);
  } finally {
    await rm(above, { recursive: true, force: true });
  }
  io.out(`${file}\n`);
  io.err('Secrets have been taken out. Have a look before you send it: tar -tzf, tar -xzf.\n');
  return EXIT.ok;
}

async function gather(io: Io, asking: Asking, folder: string): Promise<void> {
  const sees = await withEnvironment(io, asking);
  const config = await loaded(sees, asking);
  const secrets = variants(config instanceof Error ? new Set() : privateValues(config));
  const clean = (text: string): string => redact(text, secrets).replace(USER_INFO, '$1***');
  const write = async (name: string, text: string | Promise<string>): Promise<void> => {
    // What is not to be had is a file that says so: what is missing must not be taken for empty.
    const got = await Promise.resolve(text).catch(
      (error: unknown) => `not to be had: ${String(error).split('\n')[0]}\n`,
    );
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), clean(got));
  };
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  const asked = async (what: 'status' | 'health' | 'lines') =>
    askFirst(socketsOf(sees, asking), (socket) => request(socket, { ask: what }));

  await write('about.json', json(about()));
  if (config instanceof Error)
    await write('configuration.error.txt', withoutExcerpts(config.message));
  else {
    await write('configuration.json', json(shown(config)));
    for (const [i, path] of config.files.entries()) {
      const text = readFile(path, 'utf8').then((text) => text.split('\n').map(mask).join('\n'));
      await write(`configuration/${i}-${basename(path)}`, text);
    }
  }
  await write('status.json', asked('status').then(json));
  await write('health.json', asked('health').then(json));
  await write('log.jsonl', asked('lines').then(lines));
  await write('doctor.jsonl', diagnosed(sees, asking));
  await write('names.txt', named(sees, asking));
  for (const path of PLATFORM) await write(`platform${path}`, readFile(path, 'utf8'));
  await write('platform/packages.txt', packages());
}

/** `name:password@` in a URL. */
const USER_INFO = /(:\/\/[^\s/:@"']{0,200}:)[^\s"'@/]{1,300}(?=@)/g;

/** The same secret as a URL, a header or several lines have it. */
function variants(secrets: ReadonlySet<string>): ReadonlySet<string> {
  const all = new Set<string>();
  for (const secret of secrets) {
    // RabbitMQ's own, which everybody knows, and which is a state of every CPU.
    if (secret === 'guest') continue;
    const parts = secret.split(/\r?\n/).map((line) => line.trim());
    for (const each of [secret, secret.trim(), ...parts]) {
      if (each === '') continue;
      all.add(each).add(encodeURIComponent(each)).add(encodeURI(each));
      all.add(Buffer.from(each).toString('base64')).add(Buffer.from(each).toString('base64url'));
    }
  }
  return all;
}

/** The agent's own environment, where one runs and we may see it: what `${NAME}` stands for. */
async function withEnvironment(io: Io, asking: Asking): Promise<Io> {
  try {
    const agent = await askFirst(socketsOf(io, asking), ask);
    return { ...io, environment: { ...io.environment, ...environmentOf(agent.pid) } };
  } catch {
    return io;
  }
}

async function loaded(io: Io, { config }: Asking): Promise<Config | ConfigError> {
  try {
    return (await loadWithPlugins(io, config)).config;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** A line of a file may hold a secret under a name that nobody knows, because it is misspelt. */
const withoutExcerpts = (message: string): string =>
  `${message
    .split('\n')
    .filter((line) => !/^\s*\d*\s*\|/.test(line))
    .join('\n')}\n`;

function about() {
  const { versions, arch, platform, execPath, execArgv } = process;
  return {
    cullinan: version(),
    at: new Date().toISOString(),
    ...{ node: versions, arch, platform, execPath, execArgv },
    ...{ user: process.getuid?.(), groups: process.getgroups?.() },
  };
}

/** What holds, defaults included. */
function shown({ collectors, handlers, secrets: _, fingerprint: __, ...globals }: Config) {
  const own = ({ fingerprint: _, ...rest }: { readonly fingerprint: unknown }) => rest;
  return {
    ...globals,
    collectors: collectors.map((it) => ({ ...own(it), collector: it.collector.name })),
    handlers: handlers.map((it) => ({ ...own(it), handler: it.handler.name })),
  };
}

function lines(answer: unknown): string {
  const { lines } = answer as { readonly lines?: unknown };
  return Array.isArray(lines) ? lines.join('') : '';
}

async function diagnosed(io: Io, asking: Asking): Promise<string> {
  let text = '';
  const options = { ...asking, carbonSchemas: '/etc/carbon/storage-schemas.conf' };
  for await (const finding of examined(io, options)) text += `${JSON.stringify(finding)}\n`;
  return text;
}

async function named(io: Io, { config }: Asking): Promise<string> {
  let text = '';
  const add = (more: string) => {
    text += more;
  };
  await check({ ...io, out: add, err: add }, config === undefined ? {} : { config });
  return text;
}

/** What the system says of our package, and of what we stand on. */
async function packages(): Promise<string> {
  const told = [
    ['dpkg-query', '-W', 'cullinan', 'libc6', 'systemd', 'nodejs'],
    ['rpm', '-q', 'cullinan', 'glibc', 'systemd', 'nodejs'],
  ].map(async ([program = '', ...words]) => {
    // Both end with 1 where one of the packages is not there.
    const said = output(program, words, PATIENCE).catch((error: { readonly stdout?: Buffer }) => {
      return error.stdout ?? Buffer.alloc(0);
    });
    return (await said).toString('utf8');
  });
  return (await Promise.all(told)).join('') || 'installed from no package\n';
}

/** A new file that only its owner reads, packed by the system's tar. */
async function pack(above: string, name: string, path: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if (codeOf(error) === 'EEXIST') throw new Foreseen(`${path} is there already. Name another.`);
    throw error;
  });
  try {
    const words = ['-C', above, '--owner=0', '--group=0', '-czf', '-', name];
    await handle.writeFile(await output('tar', words, PATIENCE));
  } catch (error) {
    await rm(path, { force: true });
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new Foreseen('there is no tar on this host. Install it: the bundle is packed with it.');
  } finally {
    await handle.close();
  }
}
