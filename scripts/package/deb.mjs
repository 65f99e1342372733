// A tree as a Debian package.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from './machines.mjs';

const MAINTAINER = 'The maintainers of cullinan <cullinan@cullinan.invalid>';
const SCRIPTS = ['postinst', 'prerm', 'postrm'];
/** Whatever node needs of the system, by `dpkg-shlibdeps`; what the scripts need; the user. */
const DEPENDS = [
  'libc6 (>= 2.28)',
  'libgcc-s1 (>= 4.2)',
  'libstdc++6 (>= 5)',
  'init-system-helpers (>= 1.54~)',
  'systemd | systemd-standalone-sysusers | systemd-sysusers',
];

/**
 * @param {import('./machines.mjs').Build} build
 * @param {string} tree as `tree` made it.
 * @returns {Promise<string>} the path of the package.
 */
export async function deb({ root, version, epoch, out, effort, machine }, tree) {
  const folder = `${tree}.deb`;
  // With links, and not with 110 MB; the folder for dpkg stands beside the files.
  await run('cp', ['-al', tree, folder]);
  const share = join(folder, 'usr/share');
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  writeFileSync(
    join(share, 'doc/cullinan/changelog.Debian.gz'),
    gzipSync(
      `cullinan (${version}-1) stable; urgency=medium\n\n  * See changelog.gz.\n\n -- ${MAINTAINER}  ${date}\n`,
      { level: 9 },
    ),
  );
  mkdirSync(join(share, 'lintian/overrides'), { recursive: true });
  copyFileSync(
    join(root, 'packaging/deb/lintian-overrides'),
    join(share, 'lintian/overrides/cullinan'),
  );
  const control = join(folder, 'DEBIAN');
  mkdirSync(control);
  const files = [...regular(folder, '')].sort();
  const size = files.reduce(
    (sum, path) => sum + Math.ceil(lstatSync(join(folder, path)).size / 1024),
    0,
  );
  const put = (/** @type {string} */ name, /** @type {string} */ text, mode = 0o644) => {
    writeFileSync(join(control, name), text);
    chmodSync(join(control, name), mode);
  };
  put(
    'control',
    `${[
      'Package: cullinan',
      `Version: ${version}-1`,
      `Architecture: ${machine.deb}`,
      `Maintainer: ${MAINTAINER}`,
      `Installed-Size: ${size}`,
      `Depends: ${DEPENDS.join(', ')}`,
      'Section: admin',
      'Priority: optional',
      'Description: host metrics agent: one measurement, every dialect',
      ' cullinan reads what the kernel knows about a machine every ten seconds and',
      ' sends it where you want it, under the names that your dashboards already use:',
      ' those of Diamond, collectd, gmond, node_exporter or OpenTelemetry.',
      ' .',
      ' It brings its own runtime, and needs no Node of the distribution.',
    ].join('\n')}\n`,
  );
  put(
    'conffiles',
    files
      .filter((path) => path.startsWith('etc/'))
      .map((path) => `/${path}\n`)
      .join(''),
  );
  const sum = (/** @type {string} */ path) =>
    createHash('md5')
      .update(readFileSync(join(folder, path)))
      .digest('hex');
  put(
    'md5sums',
    files
      .filter((path) => !path.startsWith('etc/'))
      .map((path) => `${sum(path)}  ${path}\n`)
      .join(''),
  );
  for (const name of SCRIPTS)
    put(name, readFileSync(join(root, 'packaging/deb', name), 'utf8'), 0o755);
  const path = join(out, `cullinan_${version}-1_${machine.deb}.deb`);
  // So many threads always: with another number, other bytes.
  const words = [
    '--root-owner-group',
    '-Zxz',
    `-z${effort}`,
    '--threads-max=4',
    '--build',
    folder,
    path,
  ];
  await run('dpkg-deb', words, { env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) } });
  return path;
}

/**
 * The regular files of a tree, by their paths in it.
 *
 * @param {string} root
 * @param {string} folder
 * @returns {Generator<string>}
 */
function* regular(root, folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (path === 'DEBIAN') continue;
    if (entry.isDirectory()) yield* regular(root, path);
    else if (entry.isFile()) yield path;
  }
}
