// A fleet through a real RabbitMQ, what one agent holds, and what each wire format costs: `npm run bench:fleet`.
// See bench/README.md.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { install } from './install.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const broker = '/usr/lib/rabbitmq/bin/rabbitmq-server';
install([{ program: broker, packages: ['rabbitmq-server'] }]);
if (!existsSync(broker)) {
  console.error(
    `bench: there is no ${broker}; it takes Debian's rabbitmq-server, which root can install`,
  );
  process.exit(1);
}

const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

await build({
  absWorkingDir: root,
  entryPoints: ['bench/fleet/main.ts', 'bench/fleet/consumer.ts'],
  outdir: 'dist/fleet',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['source'],
  external: Object.keys(dependencies),
  logLevel: 'warning',
});
const words = ['dist/fleet/main.mjs', ...process.argv.slice(2)];
const bench = spawn(process.execPath, words, { cwd: root, stdio: 'inherit' });
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => bench.kill(signal));
}
bench.on('exit', (code) => process.exit(code ?? 1));
