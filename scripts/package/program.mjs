// The program as it is packaged: the bundle of `npm run build`, what it loads late, a runtime and the code
// that this runtime makes of it.
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { ENVIRONMENT, FLAGS, LATE, packagesIn } from '../bundle.mjs';
import { keepCode } from './code.mjs';
import { run } from './machines.mjs';

/**
 * What the runtime is told: what every Node understands, and what this one does. Nothing is looked at before
 * it has run a million times, which on a host of usual size nothing does within hours: the optimizing
 * compilers' own code is 6 MiB of memory, what they keep another, and looking takes two. What is optimized
 * after that, scripts/launch.cjs says. That compiled code stays is said here, and
 * not only by scripts/launch.cjs: this V8 then does not take back what Node has kept of its own modules, which
 * would save 3 ms of a start and take 2 MiB of its file for good.
 */
export const WORDS = [
  ...FLAGS,
  '--no-flush-bytecode',
  '--max-semi-space-size=1',
  '--invocation-count-for-turbofan=1000000',
  '--invocation-count-for-osr=1000000',
  '--invocation-count-for-maglev=1000000',
  '--invocation-count-for-maglev-osr=1000000',
];

/**
 * @param {import('./machines.mjs').Build} build
 * @param {string} node the runtime.
 * @param {string} folder new.
 * @returns {Promise<string[]>} the folders of the packages that are in it.
 */
export async function program(build, node, folder) {
  const { root, version, machine } = build;
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(join(root, 'dist'))) {
    if (!name.endsWith('.cjs')) continue;
    // Nobody starts it by its first line here.
    const text = readFileSync(join(root, 'dist', name), 'utf8').replace(/^#!.*\n/, '');
    writeFileSync(join(folder, name), text);
  }
  copyFileSync(node, join(folder, 'node'));
  chmodSync(join(folder, 'node'), 0o755);
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify({ name: 'cullinan', version }, null, 2)}\n`,
  );
  const loaded = await late(root, join(folder, 'node_modules'));
  await launcher(build, join(folder, 'cullinan'));
  await keepCode({ root, node: [...machine.emulator, join(folder, 'node'), ...WORDS], folder });
  return [...loaded, ...JSON.parse(readFileSync(join(root, 'dist/bundled.json'), 'utf8'))];
}

/**
 * Each late package as one file, with what it needs itself.
 *
 * @param {string} root
 * @param {string} folder
 */
async function late(root, folder) {
  const { metafile } = await esbuild({
    absWorkingDir: root,
    entryPoints: LATE.map((name) => ({ in: name, out: `${name}/index` })),
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    minify: true,
    metafile: true,
    logLevel: 'error',
  });
  return packagesIn(metafile);
}

/**
 * What /usr/bin/cullinan leads to.
 *
 * @param {import('./machines.mjs').Build} build
 * @param {string} path
 */
async function launcher({ root, machine }, path) {
  const list = (/** @type {readonly string[]} */ words) => words.map((it) => `"${it}", `).join('');
  await run(`${machine.tools}gcc`, [
    ...['-O2', '-Wall', '-Wextra', '-Werror', '-std=gnu11', '-fPIE', '-pie', '-s'],
    ...['-fstack-protector-strong', '-D_FORTIFY_SOURCE=2', '-Wl,-z,relro,-z,now'],
    '-Wl,--build-id=none',
    `-DNODE_FLAGS=${list(WORDS)}`,
    `-DENVIRONMENT=${list(ENVIRONMENT)}`,
    ...['-o', path, join(root, 'packaging/launcher.c')],
  ]);
}
