// Installs what the bench runs beside cullinan, where that is possible.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** Asked by Debian's packages whether their service may be started: 101 is no (invoke-rc.d(8)). */
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Installs the packages of what is missing.
 *
 * @param {readonly { program: string, packages: readonly string[] }[]} wanted
 */
export function install(wanted) {
  const packages = new Set(
    wanted.filter(({ program }) => !existsSync(program)).flatMap((one) => one.packages),
  );
  if (packages.size === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  console.error(`bench: installing ${[...packages].join(', ')} …`);
  const quietly = !existsSync(POLICY);
  if (quietly) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    apt('update');
    // One by one: what one machine does not have is left out, and the others are measured.
    for (const name of packages) apt('install', '-y', '--no-install-recommends', name);
  } finally {
    if (quietly) rmSync(POLICY);
  }
}

/** @param {...string} words */
function apt(...words) {
  const { status, stderr } = spawnSync('apt-get', ['-q', ...words], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    timeout: 600_000,
  });
  if (status !== 0) console.error(`bench: apt-get ${words.join(' ')} failed:\n${stderr}`);
}

/** @param {string | undefined} name of a Debian package @returns {string} its version; '' if unknown. */
export function versionOf(name) {
  if (name === undefined) return '';
  const words = ['-W', '-f', '$' + '{Version}', name];
  return spawnSync('dpkg-query', words, { encoding: 'utf8' }).stdout ?? '';
}
