// Builds the packages: `npm run package`, after `npm run build`. They land in dist/packages.
//
// --arch amd64,arm64    for which machines; both unless said
// --format deb,rpm      in which forms; both unless said
// --version 0.2.0       under another version than that of package.json, for tests of upgrades
// --out DIR             where to, instead of dist/packages
// --quick               hardly compressed, for tests
//
// The same commit gives the same bytes: no path, no clock and no user of this machine gets into them.
// It takes Debian's packages binutils, gcc and rpm, and for the other machine binutils-aarch64-linux-gnu,
// gcc-aarch64-linux-gnu and qemu-user-static.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { deb } from './package/deb.mjs';
import { machine } from './package/machines.mjs';
import { rpm } from './package/rpm.mjs';
import { tree } from './package/tree.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const { values: given } = parseArgs({
  options: {
    arch: { type: 'string', default: 'amd64,arm64' },
    format: { type: 'string', default: 'deb,rpm' },
    version: { type: 'string', default: own.version },
    out: { type: 'string', default: join(root, 'dist/packages') },
    quick: { type: 'boolean', default: false },
  },
});

/** Seconds of the last commit, unless the caller has a time of its own: every stamp in the packages. */
const epoch = Number(
  process.env['SOURCE_DATE_EPOCH'] ??
    execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).trim(),
);
const out = resolve(given.out);
mkdirSync(out, { recursive: true });
const work = mkdtempSync(join(tmpdir(), 'cullinan-package-'));
try {
  const formats = given.format.split(',');
  await Promise.all(
    given.arch.split(',').map(async (arch) => {
      /** @type {import('./package/machines.mjs').Build} */
      const build = {
        root,
        epoch,
        out,
        version: given.version,
        effort: given.quick ? 0 : 6,
        machine: machine(arch),
      };
      const folder = join(work, arch);
      const licence = await tree(build, folder);
      const made = await Promise.all([
        ...(formats.includes('deb') ? [deb(build, folder)] : []),
        ...(formats.includes('rpm') ? [rpm(build, folder, licence)] : []),
      ]);
      for (const path of made) {
        console.log(`${path} (${(statSync(path).size / 1e6).toFixed(1)} MB)`);
      }
    }),
  );
} finally {
  rmSync(work, { recursive: true });
}
