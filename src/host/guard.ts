import { accessSync, constants } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import {
  AccessDenied,
  type Child,
  type Ended,
  Foreseen,
  NoData,
  nameOf,
  ParseError,
  type Statfs,
  startChild,
  Unresponsive,
} from '../plugin/index.ts';

/** Children at a time, over all mounts: a host whose file servers are all gone must not fill up with them. */
const CHILDREN = 8;
/** Fundamental block size (in which blocks are counted), blocks, free, available, inodes, free inodes. */
const FORMAT = '%S %b %f %a %c %d';
const ANSWER = /^(\d+) (\d+) (\d+) (\d+) (\d+) (\d+)\n$/;
const C_LOCALE = { LC_ALL: 'C' };
/** Milliseconds in which a mount that hung before has to answer. */
const SUSPECT_DEADLINE = 10_000;

/** Asks statfs(2) where it may never return. */
export interface StatfsGuard {
  /** @param path one character per byte. See `Host.statfsGuarded`. */
  ask(path: string, signal: AbortSignal): Promise<Statfs>;
  /** Kills what is still running, and asks nothing more. */
  close(): void;
}

interface Probe {
  /** Rejects with Unresponsive once it was given up. */
  readonly answer: Promise<Statfs>;
  /** Given up, and the kernel has not let go of its child. */
  readonly hung: boolean;
  giveUp(): void;
}

/**
 * Runs coreutils' stat(1), one child per mount and at most eight in all, each killed at its
 * deadline. While a killed child is still held by the kernel its mount counts as hung, and it
 * keeps its place among the eight; whoever waits for a place waits until its own deadline. A mount
 * that hung is asked again behind everybody's back: it costs one collection its time, not each.
 *
 * @param program the path of `stat`; looked up in PATH, at the first question, unless given.
 */
export function statfsGuard(program?: string): StatfsGuard {
  const probes = new Map<string, Probe>();
  const waiting: (() => void)[] = [];
  /** Did not answer the last time: nobody waits for them again until they have. */
  const suspects = new Set<string>();
  let children = 0;
  let closed = false;
  let stat = program;

  function start(path: string): Probe {
    stat ??= find('stat');
    const child = startStat(stat, path);
    children += 1;
    let hung = false;
    let givenUp = (): void => {};
    const probe = {
      get hung() {
        return hung;
      },
      answer: new Promise<Statfs>((resolve, reject) => {
        givenUp = () => reject(unresponsive(path, 'did not answer in time'));
        child.ended
          .then((ended) => {
            const answer = parse(ended, path);
            suspects.delete(path);
            resolve(answer);
          })
          .catch(reject);
      }),
      giveUp() {
        hung = true;
        suspects.add(path);
        givenUp();
        child.kill();
      },
    };
    probes.set(path, probe);
    const over = (): void => {
      children -= 1;
      probes.delete(path);
      for (const proceed of waiting.splice(0)) proceed();
    };
    child.ended.then(over, over);
    return probe;
  }

  /** Finds out whether a suspect answers by now; the next question benefits. */
  function askBehind(path: string): void {
    const { answer, giveUp } = start(path);
    const late = setTimeout(giveUp, SUSPECT_DEADLINE).unref();
    answer.catch(() => {}).finally(() => clearTimeout(late));
  }

  /** Waits until a child has ended. */
  const change = (path: string, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const proceed = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        waiting.splice(waiting.indexOf(proceed), 1);
        reject(
          unresponsive(path, `was not asked: ${CHILDREN} other mounts did not answer in time`),
        );
      };
      waiting.push(proceed);
      signal.addEventListener('abort', giveUp, { once: true });
    });

  return {
    async ask(path, signal) {
      let probe = probes.get(path);
      while (probe === undefined && children >= CHILDREN && !signal.aborted && !closed) {
        await change(path, signal);
        probe = probes.get(path);
      }
      if (probe?.hung) throw unresponsive(path, 'still does not answer');
      if (signal.aborted || closed) throw unresponsive(path, 'was not asked in time');
      if (suspects.has(path)) {
        if (probe === undefined) askBehind(path);
        throw unresponsive(path, 'still does not answer');
      }
      const { answer, giveUp } = probe ?? start(path);
      signal.addEventListener('abort', giveUp, { once: true });
      try {
        return await answer;
      } finally {
        signal.removeEventListener('abort', giveUp);
      }
    },
    close() {
      closed = true;
      for (const probe of probes.values()) probe.giveUp();
    },
  };
}

const unresponsive = (path: string, what: string): Unresponsive =>
  new Unresponsive(`${nameOf(path)} ${what}`);

function startStat(program: string, path: string): Child {
  const bytes = Buffer.from(path, 'latin1');
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) {
    return startChild(program, ['-f', '-c', FORMAT, '--', text], C_LOCALE);
  }
  // Node hands arguments over as UTF-8, which this path is not: the shell puts its bytes together.
  // The x keeps newlines at its end, which a substitution would take away.
  const octal = Array.from(bytes, (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own braces.
  const script = 'path=$(printf "%bx" "$3"); exec "$1" -f -c "$2" -- "${path%x}"';
  return startChild('/bin/sh', ['-c', script, 'sh', program, FORMAT, octal], C_LOCALE);
}

function parse({ code, stdout, stderr }: Ended, path: string): Statfs {
  const name = nameOf(path);
  if (code !== 0) {
    const message = nameOf(stderr.trim());
    if (/: (No such file or directory|Not a directory)$/.test(message)) {
      throw new NoData(`${name} does not exist here`);
    }
    if (/: (Permission denied|Operation not permitted)$/.test(message)) {
      throw new AccessDenied(`${name}: the agent's user may not ask for its size`);
    }
    throw new Foreseen(`${name}: stat -f failed (exit ${code}): ${message || 'it said nothing'}`);
  }
  const numbers = ANSWER.exec(stdout)?.slice(1).map(Number);
  if (numbers === undefined) {
    throw new ParseError(
      `${name}: stat -f answered "${nameOf(stdout.trim())}", not six whole numbers; install coreutils' stat`,
    );
  }
  const [blockSize, blocks, blocksFree, blocksAvailable, inodes, inodesFree] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { blockSize, blocks, blocksFree, blocksAvailable, inodes, inodesFree };
}

function find(program: string): string {
  const path = process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  for (const directory of path.split(':').filter(isAbsolute)) {
    const file = join(directory, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this one.
    }
  }
  throw new Foreseen(
    `there is no "${program}" in PATH (${path}), so filesystems that may hang cannot be asked for their size: install coreutils`,
  );
}
