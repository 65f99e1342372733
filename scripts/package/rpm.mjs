// A tree as an RPM package.
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { run } from './machines.mjs';

/** Folders that other packages own; those of fish are its own, and it may not be there. */
const SHARED = [
  '/etc',
  '/usr',
  ...['/usr/bin', '/usr/lib', '/usr/share'],
  ...['/usr/lib/systemd', '/usr/lib/systemd/system', '/usr/lib/systemd/system-preset'],
  ...['/usr/lib/sysusers.d', '/usr/lib/tmpfiles.d'],
  ...['/usr/share/doc', '/usr/share/licenses', '/usr/share/man'],
  ...['/usr/share/man/man1', '/usr/share/man/man5'],
];

/**
 * @param {import('./machines.mjs').Build} build
 * @param {string} tree as `tree` made it.
 * @param {string} licence of all that is in it, as SPDX writes it.
 * @returns {Promise<string>} the path of the package.
 */
export async function rpm({ root, version, epoch, out, effort, machine }, tree, licence) {
  const top = `${tree}.rpm`;
  mkdirSync(top);
  const folder = join(top, 'tree');
  await run('cp', ['-al', tree, folder]);
  const preset = join(folder, 'usr/lib/systemd/system-preset');
  mkdirSync(preset, { recursive: true });
  copyFileSync(join(root, 'packaging/rpm/90-cullinan.preset'), join(preset, '90-cullinan.preset'));
  const zsh = join(folder, 'usr/share/zsh');
  renameSync(join(zsh, 'vendor-completions'), join(zsh, 'site-functions'));
  const files = join(top, 'files');
  writeFileSync(files, `%defattr(-,root,root,-)\n${[...listed(folder, '')].join('\n')}\n`);
  const spec = join(top, 'cullinan.spec');
  const text = readFileSync(join(root, 'packaging/rpm/cullinan.spec'), 'utf8');
  writeFileSync(spec, `${text}\n%changelog\n${changelog(version, epoch)}\n`);
  /** @type {Record<string, string | number>} */
  const macros = {
    _topdir: top,
    _tmppath: top,
    our_tree: folder,
    our_files: files,
    our_version: version,
    our_licence: licence,
    // The same bytes anywhere and at any time.
    _buildhost: 'cullinan',
    use_source_date_epoch_as_buildtime: 1,
    clamp_mtime_to_source_date_epoch: 1,
    _build_id_links: 'none',
    // So many threads always: with another number, other bytes.
    _binary_payload: `w${effort}T4.xzdio`,
    __os_install_post: '%{nil}',
    debug_package: '%{nil}',
    _rpmfilename: '%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
    _rpmdir: top,
  };
  const defined = Object.entries(macros).flatMap(([name, value]) => [
    '--define',
    `${name} ${value}`,
  ]);
  const words = ['-bb', '--target', `${machine.rpm}-linux`, ...defined];
  await run('rpmbuild', [...words, spec], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
  });
  const name = `cullinan-${version}-1.${machine.rpm}.rpm`;
  const path = join(out, name);
  copyFileSync(join(top, name), path);
  return path;
}

/** @param {string} version @param {number} epoch seconds. */
function changelog(version, epoch) {
  const [day, date, month, year] = new Date(epoch * 1000).toUTCString().replace(',', '').split(' ');
  const head = `* ${day} ${month} ${date} ${year} The maintainers of cullinan <cullinan@cullinan.invalid>`;
  return `${head} - ${version}-1\n- See changelog.gz.`;
}

/**
 * Every file of a tree as a %files section has it, sorted.
 *
 * @param {string} root
 * @param {string} folder
 * @returns {Generator<string>}
 */
function* listed(root, folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!SHARED.includes(path)) yield `%dir ${path}`;
      yield* listed(root, path);
    } else if (path.startsWith('/etc/')) yield `%config(noreplace) ${path}`;
    else if (/^\/usr\/share\/(?:man|doc)\//.test(path)) yield `%doc ${path}`;
    else yield path;
  }
}
