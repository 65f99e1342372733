import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Config, ConfigError, privateValues } from '../config/index.ts';
import { type Collected, examine, type Finding, problem, warning } from '../doctor/index.ts';
import { type Report, redact, type Trouble } from '../log/index.ts';
import { ask } from '../status/index.ts';
import { type Asking, socketsOf } from './asking.ts';
import { EXIT, type Io } from './io.ts';
import { collectTwice } from './readings.ts';
import { assemble, environmentOf, loadWithPlugins, openLog } from './setup.ts';
import { version } from './version.ts';

export interface DoctorOptions extends Asking {
  readonly json?: boolean;
  readonly ntp?: string;
  readonly user?: string;
  readonly carbonSchemas: string;
  /** It has become the agent's user already. */
  readonly here?: boolean;
}

/** `cullinan doctor`: looks for what operators get wrong, and says the remedy. */
export async function doctor(io: Io, options: DoctorOptions): Promise<number> {
  const findings: Finding[] = [];
  const say = (finding: Finding) => {
    findings.push(finding);
    io.out(options.json ? `${JSON.stringify(finding)}\n` : rendered(finding));
  };
  for await (const finding of examined(io, options)) say(finding);
  const count = (verdict: Finding['verdict']) =>
    findings.filter((it) => it.verdict === verdict).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  io.err(`${findings.length} checks, ${warnings} warnings, ${problems} problems\n`);
  return problems > 0 ? EXIT.failure : EXIT.ok;
}

/** The findings, as the agent's user where that is possible: what root may do says nothing. */
export async function* examined(io: Io, options: DoctorOptions): AsyncGenerator<Finding> {
  if (!options.here && process.getuid?.() === 0) {
    const other = await agentsUser(io, options);
    if (other !== undefined && other.uid !== 0) {
      yield* await asUser(other, io, options);
      return;
    }
  }
  let config: Config;
  try {
    config = (await loadWithPlugins(io, options.config)).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const remedy = 'See all of it with: cullinan check. The other checks need it.';
    yield problem({ check: 'configuration', found: error.message.split('\n')[0] ?? '', remedy });
    return;
  }
  const needs = {
    ...{ config, version: version(), ntp: options.ntp, schemas: options.carbonSchemas },
    sockets: socketsOf(io, options),
    collect: (wanted: Config) => collect(io, wanted),
  };
  if (!options.here) yield* await asStranger(io, options);
  const secrets = privateValues(config);
  for await (const finding of examine(needs)) {
    const { found, subject } = finding;
    yield {
      ...{ ...finding, found: redact(found, secrets) },
      subject: subject && redact(subject, secrets),
    };
  }
}

/** What an operator sees who is neither root nor the agent's user says little of what the agent may do. */
async function asStranger(io: Io, options: DoctorOptions): Promise<readonly Finding[]> {
  const agents = await agentsUser(io, options);
  const own = process.getuid?.();
  if (agents === undefined || own === 0 || agents.uid === own) return [];
  return [
    warning({
      check: 'user',
      found: `this is what user ${own} sees, and the agent runs as user ${agents.name}`,
      remedy: 'Run it as root: it then looks with the eyes of the agent.',
    }),
  ];
}

/** Runs everything that is observed twice, and keeps what is said of it. */
async function collect(io: Io, config: Config): Promise<Collected> {
  const troubles = new Map<string, Trouble>();
  const report: Report = {
    problem: (key, trouble) => void troubles.set(key, trouble),
    recovered: (key) => void troubles.delete(key),
    forget: (key) => {
      for (const each of troubles.keys()) {
        if (each === key || each.startsWith(`${key} `)) troubles.delete(each);
      }
    },
    standing: undefined,
  };
  const { log } = openLog(io, config, { write: () => {} });
  const assembled = await assemble({ ...config, handlers: [] }, { log, report });
  const { agent, identity, dispose } = assembled;
  const samples = await collectTwice(agent);
  const { collectors } = agent.status;
  const said = [...troubles.values()];
  await dispose();
  return { agent: agent.status, identity, samples, collectors, troubles: said };
}

/** Who the agent is, or would be. */
interface User {
  readonly uid: number;
  readonly words: readonly string[];
  readonly name: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The user of the agent that runs, with its groups and capabilities; else the package's. */
async function agentsUser(io: Io, { user, ...asking }: DoctorOptions): Promise<User | undefined> {
  if (user !== undefined) return named(user, io);
  for (const path of socketsOf(io, asking)) {
    const pid = await ask(path).then(
      (agent) => agent.pid,
      () => undefined,
    );
    if (pid !== undefined) return ofProcess(pid);
  }
  const packaged = /^cullinan:/m.test(text('/etc/passwd'));
  return packaged ? named('cullinan', io) : undefined;
}

const named = (name: string, { environment }: Io): User => ({
  name,
  uid: Number(entryOf(name)[2] ?? name),
  words: ['--reuid', name, '--regid', entryOf(name)[3] ?? name, '--init-groups'],
  environment,
});

/** What passwd(5) has of a user. */
function entryOf(name: string): readonly string[] {
  const line = text('/etc/passwd')
    .split('\n')
    .map((it) => it.split(':'))
    .find(([user, , uid]) => user === name || uid === name);
  return line ?? [];
}

function ofProcess(pid: number): User | undefined {
  const status = text(`/proc/${pid}/status`);
  const field = (name: string) =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
  const [uid = '', gid = ''] = [field('Uid'), field('Gid')].map((it) => it.split(/\s+/)[1]);
  if (uid === '') return undefined;
  const groups = field('Groups').split(/\s+/).filter(Boolean).join(',');
  const mask = BigInt(`0x${field('CapAmb') || '0'}`);
  const capabilities = Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => (mask >> BigInt(bit)) & 1n)
    .map((bit) => `+cap_${bit}`)
    .join(',');
  // With its environment it finds its credentials.
  const environment = environmentOf(pid);
  delete environment['NOTIFY_SOCKET'];
  return {
    name: uid,
    uid: Number(uid),
    words: [
      ...['--reuid', uid, '--regid', gid],
      ...(groups === '' ? ['--clear-groups'] : ['--groups', groups]),
      ...(capabilities === '' ? [] : ['--inh-caps', capabilities, '--ambient-caps', capabilities]),
    ],
    environment: { PATH: process.env['PATH'], ...environment },
  };
}

/** Milliseconds for all of it. */
const PATIENCE = 120_000;

async function asUser(user: User, io: Io, options: DoctorOptions): Promise<readonly Finding[]> {
  const { config, socket, ntp, carbonSchemas } = options;
  const words = [
    ...[...user.words, process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    ...['doctor', '--here', '--json', '--carbon-schemas', carbonSchemas],
    ...(config === undefined ? [] : ['--config', config]),
    ...(socket === undefined ? [] : ['--socket', socket]),
    ...(ntp === undefined ? [] : ['--ntp', ntp]),
  ];
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    const settings = { env: user.environment, timeout: PATIENCE, maxBuffer: 16 * 1024 ** 2 };
    execFile('setpriv', words, settings, (error, stdout, stderr) => {
      resolve({ stdout, stderr: stderr || String(error ?? '') });
    });
  });
  const findings = stdout.split('\n').flatMap((line): Finding[] => {
    try {
      return [JSON.parse(line) as Finding];
    } catch {
      return [];
    }
  });
  if (findings.length > 0) return findings;
  // Without setpriv (util-linux), or where that user may not even start the program.
  const said = {
    check: 'user',
    found: `nothing could be looked at as user ${user.name}: ${stderr.trim().slice(0, 300)}`,
    remedy: 'What follows holds for root. Install util-linux, and let that user read the program.',
  };
  const own: Finding[] = [warning(said)];
  for await (const finding of examined(io, { ...options, here: true })) own.push(finding);
  return own;
}

const MARKS = { ok: 'ok      ', warning: 'warning ', problem: 'PROBLEM ' } as const;

function rendered({ check, subject, verdict, found, remedy }: Finding): string {
  const what = subject === undefined ? check : `${check} ${subject}`;
  const line = `${MARKS[verdict]} ${what}: ${found}`.replaceAll('\n', '\n          ');
  const advice = remedy === undefined ? '' : `\n          → ${remedy}`;
  return `${line}${advice}\n`;
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
