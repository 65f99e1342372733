// What a package installs, as a tree of files with their modes.
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { program } from './program.mjs';
import { runtime } from './runtime.mjs';

/**
 * Makes the tree.
 *
 * @param {import('./machines.mjs').Build} build
 * @param {string} folder new; it becomes /.
 */
export async function tree(build, folder) {
  const { root } = build;
  const put = (/** @type {string} */ path, /** @type {string | Buffer} */ text, mode = 0o644) => {
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text, { mode });
    chmodSync(at, mode);
  };
  const take = (/** @type {string} */ from, /** @type {string} */ path, mode = 0o644) =>
    put(path, readFileSync(join(root, from)), mode);
  const { node, licence } = await runtime(build);
  await program(build, node, join(folder, 'usr/lib/cullinan/program'));
  take('packaging/activate', 'usr/lib/cullinan/program/activate', 0o755);
  mkdirSync(join(folder, 'usr/bin'), { recursive: true });
  symlinkSync('../lib/cullinan/program/cullinan', join(folder, 'usr/bin/cullinan'));
  take('packaging/cullinan.yaml', 'etc/cullinan/cullinan.yaml');
  for (const path of ['etc/cullinan/conf.d', 'etc/cullinan/plugins']) {
    mkdirSync(join(folder, path));
  }
  take('packaging/cullinan.service', 'usr/lib/systemd/system/cullinan.service');
  take('packaging/sysusers.conf', 'usr/lib/sysusers.d/cullinan.conf');
  take('packaging/tmpfiles.conf', 'usr/lib/tmpfiles.d/cullinan.conf');
  const doc = 'usr/share/doc/cullinan';
  put(
    `${doc}/copyright`,
    `${readFileSync(join(root, 'LICENSE'), 'utf8')}\n${readFileSync(licence, 'utf8')}`,
  );
  put(`${doc}/changelog.gz`, gzipSync(readFileSync(join(root, 'CHANGELOG.md')), { level: 9 }));
}
