import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, writtenSecrets } from '../config/index.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

/** The oldest version that gets fixes, and the oldest that the program runs on. */
const MAINTAINED = 22;
const OLDEST = 20;

export function checkRuntime(version = process.versions.node): Finding {
  const major = Number(version.split('.')[0]);
  const said = { check: 'runtime', found: `Node ${version}` };
  if (major < OLDEST) {
    return problem({ ...said, remedy: `Node ${OLDEST} or later is needed.` });
  }
  if (major >= MAINTAINED) return ok(said);
  return warning({
    check: 'runtime',
    found: `Node ${version} gets no fixes any more`,
    remedy: `Install Node ${MAINTAINED} or later, or the package, which brings its own.`,
  });
}

/** Descriptors that an agent with a few peers and a few hundred logs needs. */
const FEW_FILES = 1024;
/** Bytes of memory that a large host needs. */
const LITTLE_MEMORY = 96 * 1024 ** 2;

/** The limits of a process: open files, and the memory of its control group. */
export function checkLimits(
  pid: number | 'self',
  { proc = '/proc', sys = '/sys' } = {},
): Finding[] {
  const findings: Finding[] = [];
  const files = /^Max open files\s+(\d+|unlimited)/m.exec(text(`${proc}/${pid}/limits`))?.[1];
  if (files !== undefined) {
    const said = { check: 'limits', subject: 'open files', found: `${files} may be open at once` };
    const remedy = `Raise it to at least ${FEW_FILES}: LimitNOFILE= in the unit, ulimit -n in a shell.`;
    findings.push(Number(files) < FEW_FILES ? warning({ ...said, remedy }) : ok(said));
  }
  // Version 2 of control groups (cgroups(7)): one line, `0::/path`.
  const group = /^0::(\/.*)$/m.exec(text(`${proc}/${pid}/cgroup`))?.[1];
  if (group === undefined) return findings;
  const folder = join(sys, 'fs/cgroup', group);
  const most = text(`${folder}/memory.max`).trim();
  const killed = Number(/^oom_kill (\d+)$/m.exec(text(`${folder}/memory.events`))?.[1] ?? 0);
  const said = { check: 'limits', subject: 'memory' };
  const remedy = 'Raise MemoryMax= of the unit, or the limit of the container.';
  if (killed > 0) {
    const found = `the kernel has killed ${killed} of its processes for want of memory`;
    findings.push(problem({ ...said, found, remedy }));
  } else if (/^\d+$/.test(most)) {
    const found = `at most ${Math.floor(Number(most) / 1024 ** 2)} MiB`;
    const little = Number(most) < LITTLE_MEMORY;
    findings.push(little ? warning({ ...said, found, remedy }) : ok({ ...said, found }));
  }
  return findings;
}

/** Programs that send what we send, by how their processes are called. */
const OTHERS: readonly (readonly [name: string, command: RegExp])[] = [
  ['collectd', /(?:^|\/)collectdm?on?(?:$|\s)/],
  ['gmond', /(?:^|\/)gmond(?:$|\s)/],
  ['diamond', /(?:^|\/)diamond(?:$|\s)/],
  ['telegraf', /(?:^|\/)telegraf(?:$|\s)/],
  ['netdata', /(?:^|\/)netdata(?:$|\s)/],
  ['ceilometer-polling', /(?:^|\/)ceilometer-polling(?:$|\s)/],
  ['node_exporter', /(?:^|\/)(?:prometheus-)?node[_-]exporter(?:$|\s)/],
];
/** Flags of the runtime may stand before it. */
const OURS = /(?:^|[/\s])cullinan(?:\.cjs)?\s+run(?:$|\s)/;

/** Whether another agent runs on this host, which may send the same names. */
export function checkOthers(own: readonly number[], proc = '/proc'): readonly Finding[] {
  const findings: Finding[] = [];
  for (const entry of readdirSync(proc)) {
    if (!/^\d+$/.test(entry) || own.includes(Number(entry))) continue;
    const words = text(`${proc}/${entry}/cmdline`).split('\0').slice(0, 8);
    // What is run by an interpreter has its name in the second word, or a later one.
    const command = words.slice(0, 3).join(' ');
    const other =
      OTHERS.find(([, pattern]) => pattern.test(command))?.[0] ??
      (OURS.test(words.join(' ')) ? 'cullinan' : undefined);
    if (other === undefined) continue;
    findings.push(
      warning({
        check: 'other agent',
        subject: `${other}, process ${entry}`,
        found: 'it runs on this host, too',
        remedy:
          'What both send under one name is written twice. Stop it once you have moved, or give one of them a prefix.',
      }),
    );
  }
  return findings.length > 0 ? findings : [ok({ check: 'other agent', found: 'none runs here' })];
}

/** Whether the host has a name that tells it from others. */
export function checkHostname({ path, label }: { readonly path: string; readonly label: string }) {
  const said = { check: 'hostname', found: path === label ? label : `${label}, in paths ${path}` };
  const nobody = /^(?:localhost|localhost[._]localdomain|\(none\)|debian|ubuntu|)$/i;
  if (!nobody.test(label) && !/^localhost\b/.test(path)) return ok(said);
  return problem({
    ...said,
    found: `this host is called "${label}", as many others are`,
    remedy: 'Name it (hostnamectl hostname), or in the configuration: hostname: { name: … }.',
  });
}

/** Whether others may read what is secret in the configuration's files. */
export function checkFiles(config: Config): readonly Finding[] {
  const written = [...writtenSecrets(config)].filter((it) => it.length > 2);
  return config.files.flatMap((path) => {
    const open = existsSync(path) && (statSync(path).mode & 0o004) !== 0;
    if (!open || !written.some((secret) => text(path).includes(secret))) return [];
    return [
      warning({
        check: 'configuration',
        subject: path,
        found: 'a secret is written in it, and everybody on this host may read it',
        remedy: `chmod o-r ${path}, or keep the secret in a file: \${file:/path} or \${credential:name}.`,
      }),
    ];
  });
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
