// Puts the program together: `npm run build` calls it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../', import.meta.url));

/**
 * What suits a program that works for a moment and sleeps for seconds. The kernel reads 255 bytes of it.
 *
 * For the C library: memory that was freed goes back to the system (else it keeps what V8 took to
 * compile, megabytes), and threads share one heap.
 *
 * For V8, in words that those of Node 20 and of all later ones know, or they would not start: compiled
 * code is kept and not thrown away between two ticks. There is no baseline compiler: it gains nothing at
 * a tick in ten seconds and takes a MiB (at a tick a second it would save the fifteenth part of the CPU).
 * The young generation stays small. Garbage is looked for when a fifth of the room that is left to it
 * is full, and not half: after a week that is 6 MiB. No threads are woken to help with a heap so small.
 * Which code is optimized, and when memory is given back to the system, is up to scripts/launch.cjs.
 */
export const ENVIRONMENT = ['MALLOC_TRIM_THRESHOLD_=65536', 'MALLOC_ARENA_MAX=1'];
export const FLAGS = [
  '--no-flush-bytecode',
  '--max-semi-space-size=1',
  '--no-sparkplug',
  '--incremental-marking-soft-trigger=20',
  '--single-threaded-gc',
  '--no-memory-reducer',
  '--expose-gc',
];
const FIRST_LINE = ['#!/usr/bin/env -S', ...ENVIRONMENT, 'node', ...FLAGS].join(' ');

/** Packages that are loaded from beside the program, by the few agents that need them. */
export const LATE = ['systeminformation', 'mqtt-packet', 'amqplib', 're2js', 'sucrase'];

/**
 * Puts the program into one file: it starts in half the time and holds less, because only what is
 * used of each package is in it. Loaded from beside it is what few agents need: what other systems than
 * Linux do, and the protocols of single handlers.
 * Before it stands scripts/launch.cjs, which has V8 take back the code that it made of the program here.
 *
 * @param {string} bin where the program is started, such as `dist/cullinan.cjs`.
 * @param {number} node the oldest version that it must run on.
 */
export async function bundle(bin, node) {
  const launcher = join(root, bin);
  /** @satisfies {import('esbuild').BuildOptions} */
  const common = {
    absWorkingDir: root,
    platform: 'node',
    format: 'cjs',
    target: `node${node}`,
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
  };
  // It belongs to the text as it was; V8 itself would only notice another length.
  for (const code of ['program.code', 'cull.code'])
    rmSync(join(launcher, '..', code), { force: true });
  const program = await build({
    ...common,
    metafile: true,
    entryPoints: ['src/cli/main.ts'],
    outfile: join(launcher, '../program.cjs'),
    bundle: true,
    conditions: ['source'],
    external: LATE,
    // A script that is no module has require(), and no import().
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'HERE' },
    plugins: [late, asked, unused],
    banner: {
      js: "(function(require,__filename,__dirname){const HERE=require('node:url').pathToFileURL(__filename).href;",
    },
    footer: { js: '})' },
  });
  // What runs in a thread with plugins: apart, because a thread holds all that it has loaded once more.
  const thread = await buildThread(join(launcher, '../plugins.cjs'));
  const packages = [...packagesIn(program.metafile), ...packagesIn(thread.metafile)];
  writeFileSync(
    join(launcher, '../bundled.json'),
    `${JSON.stringify([...new Set(packages)].sort(), null, 2)}\n`,
  );
  await build({
    ...common,
    entryPoints: ['scripts/launch.cjs'],
    outfile: launcher,
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
    plugins: [asked, unused],
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

/**
 * Loads those of Node's modules that cost something when one of their functions is first called, which
 * in most agents never happens: together a MiB and the tenth part of a start.
 *
 * @type {import('esbuild').Plugin}
 */
const late = {
  name: 'late',
  setup({ onResolve, onLoad }) {
    const filter = /^(node:)?(child_process|crypto|dgram|fs\/promises|tty|zlib)$/;
    onResolve({ filter }, ({ path, namespace }) =>
      namespace === 'late' ? { path, external: true } : { path, namespace: 'late' },
    );
    onLoad({ filter, namespace: 'late' }, ({ path }) => {
      const functions = Object.entries(require(path)).filter(
        ([name, value]) => typeof value === 'function' && /^[a-z]\w*$/.test(name),
      );
      const lines = functions.map(
        ([name]) => `export const ${name} = (...words) => require('${path}').${name}(...words);`,
      );
      return { contents: lines.join('\n') };
    });
  },
};

/**
 * Has a plugin made when more than this is asked of it: an agent uses one or two of the handlers, and
 * few have the collectors that are off unless they are configured. Each has options to make, and a
 * protocol to load.
 *
 * @type {import('esbuild').Plugin}
 */
const asked = {
  name: 'asked',
  setup({ onLoad }) {
    onLoad({ filter: /[/]src[/](?:agent|parsers)[/]builtin[.]ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8').replaceAll(
        /^import (\w+) from '(.*\/(?:collectors|handlers|parsers)\/.*)';$/gm,
        (line, variable, from) => {
          const plugin = readFileSync(join(path, '..', from), 'utf8');
          const off = /^ {2}enabled: false,$/m.test(plugin);
          const name = /^ {2}name: '(.*)',$/m.exec(plugin)?.[1] ?? variable;
          if (!off && from.includes('/collectors/')) return line;
          const known = JSON.stringify({ name, ...(off ? { enabled: false } : {}) });
          return `const ${variable} = whenAsked(${known}, () => require('${from}').default);`;
        },
      );
      return { contents: `${text}\n${whenAsked}`, loader: 'ts' };
    });
  },
};

/**
 * Stands for a plugin until more than what is known of it is asked for. The program gets its text.
 *
 * @param {object} known
 * @param {() => object} make
 */
function whenAsked(known, make) {
  /** @type {object | undefined} */
  let made;
  return new Proxy(known, {
    get(_, key) {
      if (made === undefined && key in known) return Reflect.get(known, key);
      made ??= make();
      return Reflect.get(made, key);
    },
    has(_, key) {
      made ??= make();
      return key in made;
    },
  });
}

/**
 * Leaves out how pino writes to files and through threads: our log hands its lines on by itself. They
 * would weigh as much as the rest of pino.
 *
 * @type {import('esbuild').Plugin}
 */
const unused = {
  name: 'unused',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(sonic-boom|thread-stream|worker_threads)$/ }, ({ path }) => ({
      path,
      namespace: 'unused',
    }));
    onLoad({ filter: /./, namespace: 'unused' }, ({ path }) => ({
      contents: `module.exports = ${path === 'worker_threads' ? '{ isMainThread: true }' : 'class {}'};`,
    }));
  },
};

/** Of an access log. */
const LINE = '::1 - - [21/Nov/2026:08:38:12 +0000] "GET / HTTP/1.1" 200 318 "-" "-"\n';

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
