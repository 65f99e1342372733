// The Node that the packages bring along: from npm, checked, without symbols.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './machines.mjs';

/**
 * @typedef {object} Runtime
 * @property {string} node the program, stripped.
 * @property {import('./licences.mjs').Part} part what it is, and what is in it.
 */

/** What `process.versions` has besides parts: numbers of interfaces, and itself. */
const NO_PARTS = ['node', 'modules', 'napi'];

/**
 * Fetches it, unless node_modules/.cache has it.
 *
 * @param {import('./machines.mjs').Build} build
 * @returns {Promise<Runtime>}
 */
export async function runtime({ root, machine }) {
  const pinned = JSON.parse(readFileSync(join(root, 'packaging/runtime.json'), 'utf8'));
  const name = `node-linux-${machine.node}`;
  const { version } = pinned;
  /** @type {string} */
  const integrity = pinned.integrity[machine.node];
  const cache = join(root, 'node_modules/.cache/cullinan');
  const folder = join(cache, `${name}-${version}`);
  if (!existsSync(folder)) await fetch();
  const node = join(folder, 'node');
  const [command = '', ...words] = [...machine.emulator, node];
  const versions = await run(command, [...words, '-p', 'JSON.stringify(process.versions)']);
  const parts = Object.entries(JSON.parse(versions)).filter(([part]) => !NO_PARTS.includes(part));
  return {
    node,
    part: {
      name: 'node',
      version,
      licence: 'MIT',
      text: readFileSync(join(folder, 'LICENSE'), 'utf8'),
      purl: `pkg:npm/${name}@${version}`,
      integrity,
      parts: Object.fromEntries(parts),
    },
  };

  async function fetch() {
    mkdirSync(cache, { recursive: true });
    const work = mkdtempSync(join(cache, 'fetching-'));
    try {
      const words = ['pack', `${name}@${version}`, '--silent', '--pack-destination', work];
      await run('npm', words, { cwd: work });
      const archive = join(work, `${name}-${version}.tgz`);
      const hash = createHash('sha512').update(readFileSync(archive)).digest('base64');
      if (`sha512-${hash}` !== integrity) {
        throw new Error(
          `${name}@${version} is not what packaging/runtime.json pins: sha512-${hash}`,
        );
      }
      const files = ['package/bin/node', 'package/LICENSE'];
      await run('tar', ['xzf', archive, '-C', work, ...files]);
      const ready = join(work, 'ready');
      mkdirSync(ready);
      const stripped = ['-o', join(ready, 'node'), join(work, 'package/bin/node')];
      await run(`${machine.tools}strip`, stripped);
      renameSync(join(work, 'package/LICENSE'), join(ready, 'LICENSE'));
      // Whole or not at all; another build may have been faster.
      if (!existsSync(folder)) renameSync(ready, folder);
    } finally {
      rmSync(work, { recursive: true });
    }
  }
}
