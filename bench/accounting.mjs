// What a program and everything that it starts cost: CPU time, memory, and whether it starts anything.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A way to count the CPU time of a process tree. `cpu` is in microseconds; `processes` are those
 * that live now.
 *
 * @typedef {object} Account
 * @property {string} entrance file that takes in the process which writes its id there; '' is none.
 * @property {() => number} cpu
 * @property {(root: number) => number[]} processes
 * @property {() => void} close
 */

/** @param {string} file */
const read = (file) => readFileSync(file, 'utf8');

/** What a control group says it has used, as microseconds. */
const METERS = [
  { file: 'cpuacct.usage', parse: (/** @type {string} */ text) => Number(text) / 1000 },
  {
    file: 'cpu.stat',
    parse: (/** @type {string} */ text) =>
      Number(/^usage_usec (\d+)$/m.exec(text)?.[1] ?? Number.NaN),
  },
];

/** Where a group of our own may be made, and what it would be read with: v1 counts nanoseconds. */
function* places() {
  const memberships = read('/proc/self/cgroup').trimEnd().split('\n');
  for (const [index, mounts] of /** @type {const} */ ([
    [0, ['cpuacct', 'cpu,cpuacct']],
    [1, ['', 'unified']],
  ])) {
    const own = memberships.find((line) =>
      index === 0 ? /^\d+:[^:]*\bcpuacct\b/.test(line) : line.startsWith('0::'),
    );
    const path = own?.replace(/^\d+:[^:]*:/, '').replace(/\/$/, '') ?? '';
    for (const mount of mounts) {
      const root = `/sys/fs/cgroup/${mount}`.replace(/\/$/, '');
      for (const folder of new Set([root + path, root])) yield { folder, meter: METERS[index] };
    }
  }
}

/** @returns {Account | undefined} an account of its own for one program, if groups can be made here. */
function group(/** @type {string} */ name) {
  for (const { folder, meter } of places()) {
    if (meter === undefined) continue;
    const at = `${folder}/cullinan-bench-${process.pid}-${name}`;
    try {
      mkdirSync(at);
    } catch {
      continue;
    }
    const entrance = `${at}/cgroup.procs`;
    const cpu = () => meter.parse(read(`${at}/${meter.file}`));
    const close = () => rmdirSync(at);
    if (spawnSync('/bin/sh', ['-c', 'echo $$ >"$0"', entrance]).status === 0 && cpu() >= 0) {
      const processes = () => read(entrance).split('\n').filter(Boolean).map(Number);
      return { entrance, cpu, processes, close };
    }
    close();
  }
  return undefined;
}

/** What stands behind `PID (COMMAND)` in /proc/<pid>/stat, from the state on (proc(5), field 3). */
function stat(/** @type {number} */ pid) {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** @template T @param {() => T} ask @param {T} otherwise for a process that has ended. */
function ifAlive(ask, otherwise) {
  try {
    return ask();
  } catch {
    return otherwise;
  }
}

/**
 * Microseconds that the living threads of a process have spent on a processor; no child's time is in them.
 *
 * @param {number} pid
 */
export function threadTime(pid) {
  const each = readdirSync(`/proc/${pid}/task`).map((task) =>
    ifAlive(() => Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0]) / 1000, 0),
  );
  return each.reduce((sum, one) => sum + one, 0);
}

const HERTZ = 100;

/**
 * Without groups: every process of the session, and the scheduler's own clock of its threads. Misses
 * threads that have ended, and counts children that have ended in hundredths of a second.
 *
 * @returns {Account}
 */
function session() {
  let last = 0;
  /** @type {number | undefined} */
  let first;
  const processes = (/** @type {number} */ root) => {
    first = root;
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => ifAlive(() => Number(stat(pid)[3]) === root, false));
  };
  const spent = (/** @type {number} */ pid) => {
    const fields = stat(pid);
    const ended = ((Number(fields[13]) + Number(fields[14])) / HERTZ) * 1e6;
    return ended + threadTime(pid);
  };
  return {
    entrance: '',
    cpu() {
      if (first === undefined) return 0;
      const now = processes(first).map((pid) => ifAlive(() => spent(pid), 0));
      last = Math.max(
        last,
        now.reduce((sum, one) => sum + one, 0),
      );
      return last;
    },
    processes,
    close: () => undefined,
  };
}

/** How CPU time is counted on this machine, in words. */
export function method() {
  const account = group('probe');
  account?.close();
  return account === undefined
    ? 'the scheduler’s clock of every living thread (/proc/<pid>/task/*/schedstat), because no control group can be made here'
    : `a control group for each program (${account.entrance.includes('cpuacct') ? 'cpuacct.usage, nanoseconds' : 'cpu.stat, microseconds'})`;
}

/** Joins the group, says so, waits for its turn, and becomes the program. */
const STARTER = '[ -z "$0" ] || echo $$ >"$0"; echo; read _; exec "$@" </dev/null';

/** @type {Set<Program>} */
const running = new Set();
process.on('exit', () => {
  for (const program of running) program.kill('SIGKILL');
  for (const program of running) program.leave();
});

/** Waits without the event loop, which has ended when this is needed. */
const pause = (/** @type {number} */ ms) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** A program that runs, and what it costs together with everything that it has started. */
export class Program {
  /** @type {Account} */
  #account;
  #root;
  #stdin;
  #stdout;
  #start = 0;
  #before = 0;
  /** The most processes that were seen at once. */
  mostProcesses = 0;
  /** Resolves when the program writes to its standard output for the first time. */
  spoke = Promise.resolve();

  /**
   * @param {string} name
   * @param {readonly string[]} command
   * @param {string} folder its working directory, which gets what it writes to standard error.
   */
  constructor(name, command, folder) {
    this.#account = group(name) ?? session();
    const errors = openSync(`${folder}/${name}.err`, 'w');
    const { pid, stdin, stdout } = spawn(
      '/bin/sh',
      ['-c', STARTER, this.#account.entrance, ...command],
      { stdio: ['pipe', 'pipe', errors], cwd: folder, detached: true },
    );
    closeSync(errors);
    if (pid === undefined || stdin === null || stdout === null) {
      throw new Error(`${name} cannot be started: there is no /bin/sh`);
    }
    this.#root = pid;
    this.#stdin = stdin;
    this.#stdout = stdout;
    running.add(this);
  }

  /**
   * Starts a program. From here on its clock runs: what a shell costs to put it into a group of its
   * own is not counted.
   *
   * @param {string} name
   * @param {readonly string[]} command
   * @param {string} folder
   */
  static async start(name, command, folder) {
    const program = new Program(name, command, folder);
    await program.#heard();
    program.spoke = program.#heard();
    program.processes();
    program.#before = program.#account.cpu();
    program.#start = performance.now();
    program.#stdin.end('\n');
    return program;
  }

  #heard() {
    /** @type {Promise<void>} */
    const heard = new Promise((resolve) => this.#stdout.once('data', () => resolve()));
    return heard;
  }

  /** What it writes to its standard output. */
  get output() {
    return this.#stdout;
  }

  /** Its own number, without those of what it has started. */
  get pid() {
    return this.#root;
  }

  /** Seconds since it was started. */
  age() {
    return (performance.now() - this.#start) / 1000;
  }

  /** Microseconds of CPU since it was started, of the whole tree. */
  cpu() {
    return this.#account.cpu() - this.#before;
  }

  /** The processes that live now. */
  processes() {
    const now = this.#account.processes(this.#root);
    this.mostProcesses = Math.max(this.mostProcesses, now.length);
    return now;
  }

  /** Whether it has had a child that has ended: page faults of children that were waited for. */
  hadChild() {
    return ifAlive(() => Number(stat(this.#root)[8]) > 0, false);
  }

  /** Resident and anonymous memory of the whole tree, in MiB. */
  memory() {
    const sum = { rss: 0, anonymous: 0 };
    for (const pid of this.processes()) {
      const text = ifAlive(() => read(`/proc/${pid}/smaps_rollup`), '');
      sum.rss += Number(/^Rss: +(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
      sum.anonymous += Number(/^Anonymous: +(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
    }
    return sum;
  }

  /** @param {NodeJS.Signals} signal to every process of it. */
  kill(signal) {
    const pids = this.processes();
    for (const pid of pids) ifAlive(() => process.kill(pid, signal), false);
    return pids.length;
  }

  /** Ends it and whatever it has started. */
  async stop() {
    if (!running.has(this)) return;
    for (const signal of /** @type {const} */ (['SIGTERM', 'SIGKILL'])) {
      const patience = performance.now() + 3000;
      if (this.kill(signal) === 0) break;
      while (this.processes().length > 0 && performance.now() < patience) await sleep(20);
    }
    this.leave();
  }

  /** Gives back the group when nobody is in it any more; the kernel takes a moment to see that. */
  leave() {
    running.delete(this);
    for (let attempt = 0; attempt < 50; attempt += 1) {
      try {
        return this.#account.close();
      } catch {
        pause(10);
      }
    }
  }
}
