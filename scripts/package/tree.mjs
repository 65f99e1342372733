// What a package installs, as a tree of files with their modes.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { copyright, licencesText, packages, sbom } from './licences.mjs';
import { run } from './machines.mjs';
import { program } from './program.mjs';
import { runtime } from './runtime.mjs';

/** Our files in packaging/, and where they go. */
const OURS = {
  'cullinan.yaml': 'etc/cullinan/cullinan.yaml',
  'cullinan.service': 'usr/lib/systemd/system/cullinan.service',
  'sysusers.conf': 'usr/lib/sysusers.d/cullinan.conf',
  'tmpfiles.conf': 'usr/lib/tmpfiles.d/cullinan.conf',
};

/**
 * Makes the tree: what both forms of a package have, and its parts by others.
 *
 * @param {import('./machines.mjs').Build} build
 * @param {string} folder new; it becomes /.
 * @returns {Promise<string>} the licences of all that is in it, as SPDX writes them.
 */
export async function tree(build, folder) {
  const { root, version, epoch, machine } = build;
  const put = (/** @type {string} */ path, /** @type {string | Buffer} */ text, mode = 0o644) => {
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
    chmodSync(at, mode);
  };
  const ours = (/** @type {string} */ name) => readFileSync(join(root, 'packaging', name));

  const { node, part } = await runtime(build);
  const folders = await program(build, node, join(folder, 'usr/lib/cullinan/program'));
  put('usr/lib/cullinan/program/activate', ours('activate'), 0o755);
  mkdirSync(join(folder, 'usr/bin'), { recursive: true });
  symlinkSync('../lib/cullinan/program/cullinan', join(folder, 'usr/bin/cullinan'));
  for (const [name, path] of Object.entries(OURS)) put(path, ours(name));
  for (const path of ['etc/cullinan/conf.d', 'etc/cullinan/plugins']) {
    mkdirSync(join(folder, path));
  }
  await manual(build, put);

  const parts = [part, ...packages(root, folders)];
  const doc = 'usr/share/doc/cullinan';
  const zip = (/** @type {string} */ text) => gzipSync(text, { level: 9 });
  put(`${doc}/copyright`, copyright(readFileSync(join(root, 'LICENSE'), 'utf8'), parts));
  put(`${doc}/third-party-licences.gz`, zip(licencesText(parts)));
  const list = sbom({ version, epoch, arch: machine.deb, parts });
  put(`${doc}/sbom.cdx.json.gz`, zip(`${JSON.stringify(list, null, 2)}\n`));
  put(
    'usr/share/cullinan/cullinan.schema.json',
    readFileSync(join(root, 'docs/reference/cullinan.schema.json')),
  );
  put(`${doc}/changelog.gz`, zip(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')));
  return [...new Set(parts.map(({ licence }) => licence))].sort().join(' AND ');
}

/**
 * The manual and the completions.
 *
 * @param {import('./machines.mjs').Build} build
 * @param {(path: string, text: Buffer) => void} put
 */
async function manual({ root, version, epoch }, put) {
  const work = mkdtempSync(join(tmpdir(), 'cullinan-manual-'));
  try {
    const env = {
      ...process.env,
      SOURCE_DATE_EPOCH: String(epoch),
      CULLINAN_VERSION: version,
    };
    await run(process.execPath, [join(root, 'dist/src/cli/manual.js'), work], { env });
    const made = (/** @type {string} */ name) => readFileSync(join(work, name));
    const share = 'usr/share';
    put(`${share}/man/man1/cullinan.1.gz`, gzipSync(made('cullinan.1'), { level: 9 }));
    put(`${share}/man/man5/cullinan.yaml.5.gz`, gzipSync(made('cullinan.yaml.5'), { level: 9 }));
    put(`${share}/bash-completion/completions/cullinan`, made('cullinan.bash'));
    put(`${share}/zsh/vendor-completions/_cullinan`, made('_cullinan'));
    put(`${share}/fish/vendor_completions.d/cullinan.fish`, made('cullinan.fish'));
  } finally {
    rmSync(work, { recursive: true });
  }
}
