import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';

export interface Packages {
  readonly deb: string;
  readonly rpm: string;
}

/**
 * The packages for this machine, of what is built in dist: made once for all tests of a run, which
 * share $TMPDIR. Or those in the folder $CULLINAN_PACKAGES, for who has made them just now.
 */
export async function packages(): Promise<Packages> {
  const folder = process.env['CULLINAN_PACKAGES'] ?? join(tmpdir(), 'packages');
  const script = `[ -e ${folder}/done ] || {
    ${process.execPath} scripts/package.mjs --arch ${ARCHITECTURE} --out ${folder} && touch ${folder}/done
  }`;
  const words = [join(tmpdir(), 'packages.lock'), 'sh', '-c', script];
  await run('flock', words, { timeout: 300_000 });
  const names = await readdir(folder);
  const one = (end: string) => join(folder, names.find((name) => name.endsWith(end)) ?? '');
  return { deb: one('.deb'), rpm: one('.rpm') };
}

/**
 * The same deb under another version. It is not compressed, which takes the most time of all.
 *
 * @param change of the program's text, such as an option that it does not know any more.
 */
export async function another(
  version: string,
  change: (text: string) => string = (text) => text,
): Promise<string> {
  const { deb } = await packages();
  const folder = await mkdtemp(join(tmpdir(), `deb-${version}-`));
  const tree = join(folder, 'tree');
  await run('dpkg-deb', ['-R', deb, tree]);
  const program = join(tree, 'usr/lib/cullinan/program');
  const edit = (path: string, edited: (text: string) => string) =>
    writeFileSync(path, edited(readFileSync(path, 'latin1')), 'latin1');
  edit(join(tree, 'DEBIAN/control'), (text) =>
    text.replace(/^Version: .*$/m, `Version: ${version}-1`),
  );
  edit(join(program, 'package.json'), (text) =>
    text.replace(/"version": "[^"]*"/, `"version": "${version}"`),
  );
  const text = readFileSync(join(program, 'program.cjs'), 'latin1');
  const changed = change(text);
  if (changed !== text) {
    writeFileSync(join(program, 'program.cjs'), changed, 'latin1');
    // V8 would run what it has kept of the text before: it looks at the length alone.
    for (const name of await readdir(program)) {
      if (name.endsWith('.code')) await rm(join(program, name));
    }
  }
  const path = join(folder, `cullinan_${version}-1.deb`);
  await run('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, path]);
  await rm(tree, { recursive: true });
  return path;
}

/** The rpm under another version, made of what is built in dist. */
export async function anotherRpm(version: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `rpm-${version}-`));
  const words = ['--arch', ARCHITECTURE, '--format', 'rpm', '--quick', '--version', version];
  await run(process.execPath, ['scripts/package.mjs', ...words, '--out', folder], {
    timeout: 300_000,
  });
  const [name = ''] = await readdir(folder);
  return join(folder, name);
}

/** Debian with systemd as its init, as little of it as boots. */
const INCLUDED = 'systemd,systemd-sysv,dbus,iproute2,rpm';

/** A fresh system without an init, as images of containers have it; the same holds for it. */
export const slimSystem = (): Promise<string> => system('bookworm-slim', []);

/**
 * A fresh system to boot, which others share: nobody may write to it. It is made once on a machine (half
 * a minute) and kept where the tools keep what they can make again.
 */
export const freshSystem = (): Promise<string> =>
  system(`bookworm-${INCLUDED.replaceAll(',', '-')}`, [`--include=${INCLUDED}`]);

async function system(name: string, words: readonly string[]): Promise<string> {
  const cache = join(process.cwd(), 'node_modules/.cache/cullinan');
  const system = join(cache, name);
  if (existsSync(system)) return system;
  await mkdir(cache, { recursive: true });
  const making = `${system}.making`;
  const script = `[ -e ${system} ] || {
    rm -rf ${making} &&
    debootstrap --variant=minbase ${words.join(' ')} bookworm ${making} http://deb.debian.org/debian >&2 &&
    rm -rf ${making}/var/cache/apt/archives/*.deb ${making}/var/lib/apt/lists/* && mv ${making} ${system}
  }`;
  // Beside it: another run of the tests has another $TMPDIR.
  await run('flock', [`${system}.lock`, 'sh', '-c', script], { timeout: 600_000 });
  return system;
}
