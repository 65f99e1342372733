// The packages of what is measured: ours as an agent to be measured, and what each weighs.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cullinan } from './agents.mjs';

const MADE = fileURLToPath(new URL('../dist/packages', import.meta.url));
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';

/**
 * What a package weighs, without what it depends on.
 *
 * @typedef {object} Weight
 * @property {string} agent
 * @property {string} name
 * @property {number} download MB.
 * @property {number} installed MB.
 */

/** Our deb, where `npm run package` has made one. */
function ours() {
  const names = existsSync(MADE) ? readdirSync(MADE) : [];
  const name = names.find(
    (it) => it.startsWith('cullinan_') && it.endsWith(`_${ARCHITECTURE}.deb`),
  );
  return name === undefined ? undefined : `${MADE}/${name}`;
}

/**
 * The program as the package installs it, with its own runtime.
 *
 * @param {string} work
 * @returns {import('./agents.mjs').Agent | undefined}
 */
export function packaged(work) {
  const deb = ours();
  if (deb === undefined) return undefined;
  const folder = `${work}/packaged`;
  mkdirSync(folder);
  execFileSync('dpkg-deb', ['-x', deb, folder]);
  const program = `${folder}/usr/lib/cullinan/program/cullinan`;
  return {
    ...cullinan,
    name: 'cullinan, packaged',
    what: 'the same as cullinan, as the package installs it, with the runtime that it brings',
    program,
    command: (place) => [program, ...cullinan.command(place).slice(1)],
  };
}

/**
 * What the packages of agents weigh.
 *
 * @param {readonly import('./agents.mjs').Agent[]} agents
 * @returns {Weight[]}
 */
export function weights(agents) {
  return agents.flatMap(({ name: agent, program, packages }) => {
    const deb = agent === 'cullinan, packaged' ? ours() : undefined;
    // The one that has the program: what is installed by name may be empty and depend on it.
    const owner = said('dpkg-query', '--search', program).split(':')[0] || packages[0];
    if (deb === undefined && owner === undefined) return [];
    const text =
      deb === undefined
        ? said('apt-cache', 'show', '--no-all-versions', owner ?? '')
        : `${said('dpkg-deb', '--field', deb)}\nSize: ${said('stat', '--format=%s', deb)}`;
    const sum = (/** @type {string} */ field) =>
      [...text.matchAll(new RegExp(`^${field}: (\\d+)$`, 'gm'))].reduce(
        (all, [, value]) => all + Number(value),
        0,
      );
    const [download, installed] = [sum('Size') / 1e6, (sum('Installed-Size') * 1024) / 1e6];
    const name = deb === undefined ? (owner ?? '') : 'cullinan';
    return download === 0 ? [] : [{ agent, name, download, installed }];
  });
}

/** What a command prints; '' where it cannot. @param {string} command @param {...string} words */
function said(command, ...words) {
  return spawnSync(command, words, { encoding: 'utf8' }).stdout?.trim() ?? '';
}
