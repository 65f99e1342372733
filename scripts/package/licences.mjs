// Whose work is in a package besides our own, and on what terms: in words for people, and as a list for
// machines (CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/).
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Somebody else's work.
 *
 * @typedef {object} Part
 * @property {string} name
 * @property {string} version
 * @property {string} licence as SPDX calls it.
 * @property {string} text of the licence.
 * @property {string} purl
 * @property {string} integrity as npm writes it.
 * @property {Record<string, string>} parts what it contains in turn, by name, with their versions.
 */

/**
 * What is known of packages that are installed.
 *
 * @param {string} root of the repository.
 * @param {Iterable<string>} folders such as `node_modules/zod`.
 * @returns {Part[]}
 */
export function packages(root, folders) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return [...new Set(folders)].sort().map((folder) => {
    const at = join(root, folder);
    const { name, version, license } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
    const file = readdirSync(at).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    if (typeof license !== 'string') throw new Error(`${folder} does not say its licence`);
    return {
      name,
      version,
      licence: license,
      text:
        file === undefined
          ? `Its authors publish it under ${license}, and enclose no text.\n`
          : readFileSync(join(at, file), 'utf8'),
      purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      integrity: lock.packages[folder].integrity,
      parts: {},
    };
  });
}

/** Every licence, word for word. @param {readonly Part[]} parts */
export function licencesText(parts) {
  const rule = '='.repeat(80);
  const each = parts.map(
    ({ name, version, licence, text }) =>
      `${rule}\n${name} ${version} (${licence})\n${rule}\n\n${text.replaceAll('\r\n', '\n').trimEnd()}\n`,
  );
  return `What others have made of this package, and their licences.\n\n${each.join('\n')}`;
}

/**
 * Debian's copyright file.
 *
 * @param {string} own licence of ours.
 * @param {readonly Part[]} parts
 */
export function copyright(own, parts) {
  const list = parts.map(({ name, version, licence }) => `  ${name} ${version}: ${licence}`);
  return `cullinan, a host metrics agent.

${own.trimEnd()}

It contains, under their own licences, whose texts are in third-party-licences.gz
beside this file:

${list.join('\n')}

The licence of node covers what is in it in turn; its text names each of these parts.
Where one of them says Apache-2.0, that is also /usr/share/common-licenses/Apache-2.0.
`;
}

/**
 * The parts as CycloneDX has them.
 *
 * @param {object} o
 * @param {string} o.version of ours.
 * @param {number} o.epoch seconds.
 * @param {string} o.arch as Debian calls it.
 * @param {readonly Part[]} o.parts
 */
export function sbom({ version, epoch, arch, parts }) {
  const own = `pkg:deb/cullinan@${version}?arch=${arch}`;
  const components = parts.map(component);
  const seed = createHash('sha256')
    .update(JSON.stringify([own, epoch, components]))
    .digest('hex');
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    // Of version 4 in form, of the contents in fact.
    serialNumber: `urn:uuid:${[
      seed.slice(0, 8),
      seed.slice(8, 12),
      `4${seed.slice(13, 16)}`,
      `8${seed.slice(17, 20)}`,
      seed.slice(20, 32),
    ].join('-')}`,
    version: 1,
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      component: {
        type: 'application',
        'bom-ref': own,
        name: 'cullinan',
        version,
        purl: own,
        licenses: [{ license: { id: 'MIT' } }],
      },
    },
    components,
    dependencies: [
      { ref: own, dependsOn: parts.map(({ purl }) => purl) },
      ...parts.map(({ purl }) => ({ ref: purl })),
    ],
  };
}

/** @param {Part} part */
function component({ name, version, licence, purl, integrity, parts }) {
  const within = Object.entries(parts).map(([part, of]) => ({
    type: 'library',
    'bom-ref': `${purl}#${part}`,
    name: part,
    version: of,
  }));
  const [group, short] = name.startsWith('@') ? name.split('/') : [undefined, name];
  return {
    type: within.length > 0 ? 'platform' : 'library',
    'bom-ref': purl,
    ...(group === undefined ? {} : { group }),
    name: short,
    version,
    purl,
    licenses: [/^[\w.-]+$/.test(licence) ? { license: { id: licence } } : { expression: licence }],
    hashes: [
      {
        alg: 'SHA-512',
        content: Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex'),
      },
    ],
    ...(within.length > 0 ? { components: within } : {}),
  };
}
