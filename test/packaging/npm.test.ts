import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { NODES, nodeOf } from '../support/nodes.ts';

const run = promisify(execFile);

describe('npm i -g, of what npm pack makes', () => {
  let folder: string;
  let prefix: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'npm-'));
    prefix = join(folder, 'prefix');
    const words = ['pack', '--ignore-scripts', '--pack-destination', folder];
    await run('npm', words, { timeout: 60_000 });
    const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
    const install = ['install', '--global', '--prefix', prefix, join(folder, archive)];
    await run('npm', [...install, '--no-audit', '--no-fund'], { timeout: 120_000 });
  });

  /** The environment in which `node` is this version, and nothing else is there that env needs. */
  async function under(version: string): Promise<NodeJS.ProcessEnv> {
    const bin = await mkdtemp(join(tmpdir(), 'bin-'));
    await symlink(join(await nodeOf(version), 'node'), join(bin, 'node'));
    return { PATH: bin, HOME: folder };
  }

  for (const version of NODES) {
    test(`it runs under Node ${version}`, async () => {
      const env = await under(version);
      const program = join(prefix, 'bin/cullinan');
      const { version: ours } = JSON.parse(await readFile('package.json', 'utf8'));
      expect((await run(program, ['--version'], { env })).stdout).toBe(`${ours}\n`);
      const printed = await run(program, ['once', 'load', '--over', '0s'], { env });
      expect(printed.stdout).toContain('system.cpu.load_average.1m ');
      // Nothing about flags that it does not know, or about the program.
      expect(printed.stderr).toBe('');

      const own = await mkdtemp(join(tmpdir(), 'run-'));
      const [config, points] = [join(own, 'cullinan.yaml'), join(own, 'points')];
      await writeFile(
        config,
        `interval: 200ms\nstatus: { enabled: false }\nhandlers: { file: { path: ${points} } }\n`,
      );
      const agent = spawn(program, ['run', '--config', config], { env, stdio: 'ignore' });
      const ended = once(agent, 'exit');
      await vi.waitFor(
        async () => expect(await readFile(points, 'utf8')).toContain('.loadavg.01 '),
        { timeout: 20_000, interval: 50 },
      );
      agent.kill();
      expect(await ended).toEqual([0, null]);
    });
  }

  test('it has what plugins are written with, and nothing of this repository', async () => {
    const own = await mkdtemp(join(tmpdir(), 'plugin-'));
    const installed = join(prefix, 'lib/node_modules/cullinan');
    await mkdir(join(own, 'node_modules'));
    await symlink(installed, join(own, 'node_modules/cullinan'));
    await writeFile(
      join(own, 'plugin.mjs'),
      `import { defineCollector } from 'cullinan/plugin';
import { encodeLines } from 'cullinan/wire/graphite';
console.log(typeof defineCollector, typeof encodeLines);\n`,
    );
    const { stdout } = await run(process.execPath, [join(own, 'plugin.mjs')]);
    expect(stdout).toMatch(/^function /);
    expect((await readdir(installed)).sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'node_modules', 'package.json'].sort(),
    );
    // Code that V8 keeps is of one version of it: whoever packed has another than whoever runs.
    const dist = await readdir(join(installed, 'dist'));
    expect(dist.filter((name) => name.endsWith('.code'))).toEqual([]);
  });
});
