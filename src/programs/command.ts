import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { basename } from 'node:path';
import { AccessDenied, codeOf, Foreseen } from '../plugin/index.ts';
import { printable } from '../wire/printable.ts';

/** A program of others, and as whom and in what bounds it runs. */
export interface Command {
  /** The program and its words. No shell reads them. */
  readonly command: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  /** Bytes of address space that each of its processes may have. */
  readonly memory?: number | undefined;
}

/** Bytes of its standard error that are kept, from the end. */
const KEPT = 4096;

/** What it is called where somebody reads of it. */
export const calledIn = ({ command: [program = ''] }: Pick<Command, 'command'>): string =>
  basename(program);

/** What the system knows of a user: passwd(5). */
interface Account {
  /** The number of the first group. */
  readonly group: string;
  readonly home: string;
}

function accountOf(user: string): Promise<Account> {
  return new Promise((resolve, reject) => {
    execFile('getent', ['passwd', '--', user], { timeout: 5000 }, (cause, stdout) => {
      const [, , , group = '', , home = ''] = stdout.trim().split(':');
      if (cause === null) return resolve({ group, home });
      const why = `the system knows no user ${printable(user)}. Name one that getent(1) knows under passwd.`;
      reject(new Foreseen(why, { cause }));
    });
  });
}

/** How a command is started. */
export interface Start {
  readonly line: readonly string[];
  /** Where the user is at home that it runs as, if that is another one. */
  readonly home?: string | undefined;
}

/**
 * The whole command line: prlimit(1) sets the bound and setpriv(1) the user, then each becomes what follows it,
 * so that the process that is started is the program itself in the end.
 */
export async function prepare(it: Command): Promise<Start> {
  const { user, group, memory, command } = it;
  const bounds = memory === undefined ? [] : ['prlimit', `--as=${memory}`, '--core=0', '--'];
  if (user === undefined) return { line: [...bounds, ...command] };
  const number = /^\d+$/.test(user);
  // A number may be of nobody, as in a container.
  const nobody = group === undefined || !number ? undefined : { group, home: '/' };
  const account = await accountOf(user).catch((error: Error) => nobody ?? Promise.reject(error));
  const groups = number ? '--clear-groups' : '--init-groups';
  const regid = group ?? account.group;
  // An agent that may change users without being root would hand that on, too.
  const nothing = ['--inh-caps=-all', '--ambient-caps=-all'];
  const as = ['setpriv', `--reuid=${user}`, `--regid=${regid}`, groups, ...nothing, '--'];
  return { line: [...as, ...bounds, ...command], home: account.home };
}

/** Starts it in a process group of its own, with an environment that is ours to say. */
export function start(it: Command, line: readonly string[], own: NodeJS.ProcessEnv): ChildProcess {
  const [program = '', ...words] = line;
  const { PATH, HOME, LANG, TZ } = process.env;
  return spawn(program, words, {
    cwd: it.folder,
    env: { PATH, HOME, LANG, TZ, ...own, ...it.environment },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Ends it, whatever it started in its group included. */
export function kill({ pid }: ChildProcess, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nothing of it is left, or it runs as a user whom we may not end.
  }
}

/** Why it could not be started at all. */
export function notStarted(it: Command, cause: Error): Foreseen {
  const code = codeOf(cause) ?? cause.message;
  const remedy = "Check that it and the folder exist, and that the agent's user may run it.";
  return new Foreseen(`${calledIn(it)} cannot be started in ${it.folder} (${code}). ${remedy}`, {
    cause,
  });
}

/** The end of what a program complains about, as one line. */
export class Complaint {
  #text = '';
  #pieces = false;

  hear(piece: Uint8Array): void {
    this.#pieces = true;
    this.#text = (this.#text + Buffer.from(piece).toString('utf8')).slice(-KEPT);
  }

  /** What was heard since the latest time; '' for nothing. */
  take(): string {
    if (!this.#pieces) return '';
    const last = this.#text.trim().split('\n').slice(-3).map(printable).join(' | ');
    this.#text = '';
    this.#pieces = false;
    return last.slice(-400);
  }
}

/** How a process ended, in words. */
export const howEnded = (code: number | null, signal: string | null): string =>
  signal === null ? `with status ${code}` : `by ${signal}`;

/**
 * That a program ended badly, with what it said on its standard error.
 *
 * @returns {@link AccessDenied}, and what to do, where it was setpriv that said it and the program never began.
 */
export function failed(what: string, complaint: string): Foreseen {
  if (complaint === '') return new Foreseen(what);
  const said = `${what}. It said: ${complaint}`;
  if (!/(?:^|\| )setpriv: .*not permitted/i.test(complaint)) return new Foreseen(said);
  const remedy =
    'Under systemd it takes the drop-in exec.conf (docs/systemd.md), or leave "user" out.';
  return new AccessDenied(`${said}. The agent may not become another user. ${remedy}`);
}
