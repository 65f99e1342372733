// Puts the program together: `npm run build` calls it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { listed } from './late.mjs';
import { parts } from './parts.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));

/**
 * What suits a program that works for a moment and sleeps for seconds. The kernel reads 255 bytes of it.
 *
 * For the C library: memory that was freed goes back to the system (else it keeps what V8 took to
 * compile, megabytes), and threads share one heap.
 *
 * For V8, in words that those of Node 20 and of all later ones know, or they would not start. What runs again
 * is compiled by the baseline compiler: that saves a tenth of the CPU at a tick a second, a fifth at one in ten, and
 * takes a MiB. No threads are woken to help with a heap so small. These are words under which V8 takes back
 * the code that Node has kept of its own modules. All others, such as which code is optimized, are up to
 * scripts/launch.cjs.
 */
export const ENVIRONMENT = ['MALLOC_TRIM_THRESHOLD_=65536', 'MALLOC_ARENA_MAX=1'];
export const FLAGS = ['--sparkplug', '--single-threaded-gc', '--no-memory-reducer'];
const FIRST_LINE = ['#!/usr/bin/env -S', ...ENVIRONMENT, 'node', ...FLAGS].join(' ');

/** Packages that are loaded from beside the program, by the few agents that need them. */
export const LATE = ['systeminformation', 'mqtt-packet', 'amqplib', 're2js', 'sucrase'];

/**
 * Puts the program together, in parts, so that a command, a handler or a collector that nobody uses costs
 * nothing (scripts/parts.mjs). They stand one after the other in `program.cjs`. Before it stands
 * scripts/launch.cjs, which loads them and has V8 take back the code that it made of them here.
 *
 * @param {string} bin where the program is started, such as `dist/cullinan.cjs`.
 * @param {number} node the oldest version that it must run on.
 */
export async function bundle(bin, node) {
  const launcher = join(root, bin);
  // It belongs to the text as it was; V8 itself would only notice another length.
  for (const code of ['program.code', 'cull.code'])
    rmSync(join(launcher, '..', code), { force: true });
  const { texts, core, passing, metafile } = await parts(root, {
    target: `node${node}`,
    external: LATE,
  });
  /** @type {Record<string, readonly [from: number, to: number]>} */
  const index = {};
  let program = '';
  for (const [name, text] of texts) {
    // Parts are found by their bytes. esbuild escapes texts, but not what stands in a regular expression.
    const odd = /[\u0080-\uffff].{0,20}/.exec(text)?.[0];
    if (odd !== undefined) throw new Error(`${name} is not ASCII: write \\u…… for ${odd}`);
    index[name] = [program.length, program.length + text.length];
    program += `${text};\n`;
  }
  // In place of the one before, which an agent that runs goes on reading.
  writeFileSync(join(launcher, '../program.new'), program);
  renameSync(join(launcher, '../program.new'), join(launcher, '../program.cjs'));
  // What runs in a thread with plugins: apart, because a thread holds all that it has loaded once more.
  const thread = await buildThread(join(launcher, '../plugins.cjs'));
  const packages = [...packagesIn(metafile), ...packagesIn(thread.metafile)];
  writeFileSync(
    join(launcher, '../bundled.json'),
    `${JSON.stringify([...new Set(packages)].sort(), null, 2)}\n`,
  );
  await build({
    absWorkingDir: root,
    platform: 'node',
    format: 'cjs',
    target: `node${node}`,
    minify: true,
    logLevel: 'warning',
    entryPoints: ['scripts/launch.cjs'],
    outfile: launcher,
    define: { PARTS: JSON.stringify({ index, core, passing }) },
    banner: { js: FIRST_LINE },
  });
  chmodSync(launcher, 0o755);
  await keepCode(launcher);
}

/**
 * Puts what runs in a thread with plugins into one file.
 *
 * @param {string} outfile
 */
async function buildThread(outfile) {
  return await build({
    absWorkingDir: root,
    metafile: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
    entryPoints: ['src/foreign/worker.ts'],
    outfile,
    bundle: true,
    conditions: ['source'],
    external: LATE,
    define: { 'import.meta.url': 'HERE' },
    plugins: [listed(root, (file) => `require('${join(root, file)}')`)],
    banner: { js: "const HERE=require('node:url').pathToFileURL(__filename).href;" },
  });
}

/**
 * The folders of the packages that are in what was built, such as `node_modules/zod`: their licences hold for
 * it, too.
 *
 * @param {import('esbuild').Metafile} metafile
 * @returns {string[]}
 */
export function packagesIn({ outputs }) {
  const parts = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));
  return parts.flatMap(([path, { bytesInOutput }]) => {
    // From the first such folder to the last: it may be a link to elsewhere.
    const folder = /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
    return folder === undefined || bytesInOutput === 0 ? [] : [folder];
  });
}

/** Of an access log: a run over it is what the code is kept of. */
export const LINE = '::1 - - [21/Nov/2026:08:38:12 +0000] "GET / HTTP/1.1" 200 318 "-" "-"\n';

/**
 * Has the program run until it delivers, and through a log, and then keep the code that V8 has made of what it needed.
 *
 * @param {string} launcher
 */
async function keepCode(launcher) {
  const keeping = { ...process.env, CULLINAN_KEEP_CODE: dirname(launcher) };
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-'));
  const carbon = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  try {
    await once(carbon, 'listening');
    const { port } = /** @type {import('node:net').AddressInfo} */ (carbon.address());
    const config = join(folder, 'cullinan.yaml');
    writeFileSync(
      config,
      `interval: 200ms\nhandlers: { graphite: { host: 127.0.0.1, port: ${port} } }\n`,
    );
    const program = spawn(launcher, ['run', '--config', config], {
      stdio: 'ignore',
      env: keeping,
    });
    const ended = once(program, 'exit');
    // Rates begin with the second tick.
    const enough = setTimeout(() => program.kill(), 1000);
    await ended;
    clearTimeout(enough);
    const log = join(folder, 'access.log');
    writeFileSync(log, '');
    for (const line of ['', LINE]) {
      appendFileSync(log, line);
      const words = ['cull', '--output', 'stdout', '--state-dir', folder, 'access', log];
      await once(spawn(launcher, words, { stdio: 'ignore', env: keeping }), 'exit');
    }
  } finally {
    carbon.close();
    rmSync(folder, { recursive: true });
  }
}
