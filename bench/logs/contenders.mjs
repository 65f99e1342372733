// Who goes through the logs, and how each is started.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PROGRAM } from '../session.mjs';

/** @typedef {'access' | 'postfix'} Kind */

/**
 * One way through a log.
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {Kind} kind
 * @property {string} what
 * @property {string} program
 * @property {readonly string[]} packages of Debian that it comes with.
 * @property {readonly string[]} words
 * @property {Readonly<Record<string, string>>} [environment]
 * @property {() => void} [prepare] before each run.
 */

/** @param {string} path */
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const PYTHON = '/usr/bin/python3';

/** Extended regular expressions for every line that the others put into a class. @type {Record<Kind, string>} */
const GREP = {
  access: 'HTTP/1\\.[0-9]" [1-5][0-9][0-9] ',
  postfix: 'status=(sent|deferred|bounced)',
};

/**
 * Runs of `cullinan cull` as cron has them: from where the run before stopped, which was when the log
 * was still empty, to its end.
 *
 * @param {string} parser
 * @param {Kind} kind
 * @param {string} log
 * @param {string} work
 * @returns {Contender}
 */
function cull(parser, kind, log, work) {
  const state = `${work}/state-${parser}`;
  const words = ['cull', '--output', 'stdout', '--state-dir', state, parser, log];
  const full = `${log}.full`;
  // In place: to the states of all it stays the same file.
  cpSync(log, full);
  truncateSync(log);
  const { status, stderr } = spawnSync(PROGRAM, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cullinan ${words.join(' ')}: ${stderr}`);
  writeFileSync(log, readFileSync(full), { flag: 'a' });
  rmSync(full);
  cpSync(state, `${state}.before`, { recursive: true });
  return {
    ...{ name: `cullinan cull ${parser}`, kind, program: PROGRAM, packages: [], words },
    what: 'all that the parser reports by default, state kept, to standard output',
    prepare() {
      rmSync(state, { recursive: true });
      cpSync(`${state}.before`, state, { recursive: true });
    },
  };
}

/**
 * @param {Readonly<Record<Kind, string>>} logs
 * @param {string} work a folder for what they need.
 * @returns {readonly Contender[]}
 */
export function contenders(logs, work) {
  /** @type {(name: string, kind: Kind, file: string, does?: string) => Contender} */
  const mtail = (name, kind, file, does = '') => ({
    ...{ name, kind, program: '/usr/bin/mtail', packages: ['mtail'] },
    what: `\`mtail --one_shot\` with bench/logs/${file}.mtail${does}`,
    words: [
      ...['--one_shot', '--one_shot_format=prometheus', '--log_dir', work],
      ...['--progs', here(`${file}.mtail`), '--logs', logs[kind]],
    ],
  });
  /** @type {(kind: Kind) => Contender[]} */
  const peers = (kind) => [
    {
      ...{ name: 'grep -cE', kind, program: '/usr/bin/grep', packages: ['grep'] },
      what: `\`LC_ALL=C grep -cE '${GREP[kind]}'\``,
      words: ['-cE', GREP[kind], logs[kind]],
      environment: { LC_ALL: 'C' },
    },
    {
      ...{ name: 'Node, a plain loop', kind, program: process.execPath, packages: [] },
      what: 'strings, split, one expression a line: bench/logs/loop.mjs',
      words: [here('loop.mjs'), kind, logs[kind]],
    },
    {
      ...{ name: "Python, logster's shape", kind, program: PYTHON, packages: ['python3'] },
      what: 'one expression a line, in Python 3: bench/logs/baseline.py',
      words: [here('baseline.py'), kind, logs[kind]],
    },
    mtail('mtail', kind, kind),
  ];
  return [
    cull('access', 'access', logs.access, work),
    ...peers('access'),
    cull('postfix', 'postfix', logs.postfix, work),
    cull('PostfixLogster', 'postfix', logs.postfix, work),
    ...peers('postfix'),
    mtail(
      'mtail in full',
      'postfix',
      'postfix-full',
      ', which counts what the parser postfix does',
    ),
  ];
}

/**
 * The environment of a crontab's line. One's own may cost more than the run: with NODE_EXTRA_CA_CERTS Node
 * reads a hundred certificates at each start, 25 ms.
 */
const CRON = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/', SHELL: '/bin/sh' };

/**
 * Runs one once.
 *
 * @param {Contender} contender
 * @param {string} work
 * @returns {{ cpu: number, rss: number }} CPU seconds, user and system; MiB, the most it held.
 */
export function run({ program, words, environment, prepare, name }, work) {
  prepare?.();
  // grep stops at the first line that fits where its output is /dev/null.
  const output = openSync(`${work}/output`, 'w');
  try {
    const { output: said } = spawnSync(PYTHON, [here('spent.py'), program, ...words], {
      env: { ...CRON, ...environment },
      stdio: ['ignore', output, output, 'pipe'],
    });
    const took = JSON.parse(said?.[3]?.toString() || '{"status":"none"}');
    if (took.status !== 0) {
      throw new Error(
        `${name} ended with ${took.status}: ${readFileSync(`${work}/output`, 'utf8')}`,
      );
    }
    return took;
  } finally {
    closeSync(output);
  }
}
