// The machines that packages are built for, and what a build knows.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * @typedef {object} Machine
 * @property {'amd64' | 'arm64'} deb what Debian calls it.
 * @property {'x86_64' | 'aarch64'} rpm what rpm calls it.
 * @property {'x64' | 'arm64'} node what Node calls it.
 * @property {string} tools before the names of its compiler and strip.
 * @property {readonly string[]} emulator before a command of it, where this machine is another.
 *
 * @typedef {object} Build
 * @property {string} root of the repository.
 * @property {string} version
 * @property {number} epoch seconds, the stamp of whatever is packaged.
 * @property {string} out where packages go.
 * @property {number} effort of xz, 0 to 9.
 * @property {Machine} machine
 */

/** @satisfies {readonly Omit<Machine, 'emulator' | 'tools'>[]} */
const MACHINES = /** @type {const} */ ([
  { deb: 'amd64', rpm: 'x86_64', node: 'x64' },
  { deb: 'arm64', rpm: 'aarch64', node: 'arm64' },
]);

/** @param {string} arch as Debian calls it. @returns {Machine} */
export function machine(arch) {
  const found = MACHINES.find(({ deb }) => deb === arch);
  if (found === undefined) throw new Error(`--arch: "${arch}" is none of amd64, arm64`);
  if (found.node === process.arch) return { ...found, tools: '', emulator: [] };
  const triplet = `${found.rpm}-linux-gnu`;
  return {
    ...found,
    tools: `${triplet}-`,
    emulator: [`qemu-${found.rpm}-static`, '-L', `/usr/${triplet}`],
  };
}

/** The machine that this one is not. @returns {Machine} */
export function other() {
  return machine(process.arch === 'arm64' ? 'amd64' : 'arm64');
}

/**
 * Runs a command to its end, without blocking.
 *
 * @param {string} command
 * @param {readonly string[]} words
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<string>} what it printed.
 */
export async function run(command, words, options = {}) {
  const child = spawn(command, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let talk = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    talk += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${words.join(' ')} failed (${code}):\n${talk}`);
  return printed;
}
