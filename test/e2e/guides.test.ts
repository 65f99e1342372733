import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { Carbon } from '../support/carbon.ts';
import { packages } from '../support/packages.ts';
import { examples, printed } from '../support/pages.ts';
import { describeWithPeer } from '../support/peers.ts';
import { scratchFolder } from '../support/plugins.ts';

const run = promisify(execFile);

/** What the package installs, and nothing else. @returns the folder that its commands are in. */
async function installed(): Promise<string> {
  const folder = scratchFolder();
  const { deb } = await packages();
  await run('dpkg-deb', ['--extract', deb, folder]);
  return join(folder, 'usr/bin');
}

/** Does what a guide says, in an empty folder. */
async function follow(page: string, carbon: Carbon): Promise<void> {
  const folder = join(scratchFolder(), 'empty');
  mkdirSync(folder);
  const { files, commands } = examples(page);
  for (const { name, body } of files) {
    if (!name.endsWith('.yaml')) continue;
    const local = body.replace('port: 2003', `port: ${carbon.port}`);
    writeFileSync(
      join(folder, name),
      local.replace('{ host: localhost }', `{ host: localhost, port: ${carbon.port} }`),
    );
  }
  const env = {
    PATH: `${await installed()}:/usr/bin:/bin`,
    PWD: folder,
    LANG: 'C.UTF-8',
    TMPDIR: process.env['TMPDIR'],
  };
  let agent: ChildProcess | undefined;
  let fetched = 0;
  try {
    for (const { command, output } of commands) {
      const [, archive] =
        /^whisper-fetch .* \/var\/lib\/graphite\/whisper\/(\S+)\.wsp$/.exec(command) ?? [];
      if (archive !== undefined) {
        const series = archive.replaceAll('/', '.');
        await vi.waitFor(() => expect(carbon.read(series).size, series).toBeGreaterThan(0), 20_000);
        fetched += 1;
      } else if (command.startsWith('cullinan run ')) {
        agent = spawn('sh', ['-c', `exec ${command}`], { cwd: folder, env, stdio: 'ignore' });
      } else {
        const { stdout } = await run('sh', ['-c', `{ ${command}\n} 2>&1`], { cwd: folder, env });
        expect(stdout, command).toMatch(printed(output));
      }
    }
  } finally {
    if (agent !== undefined && agent.exitCode === null && agent.kill()) await once(agent, 'exit');
  }
  expect(fetched).toBe(1);
}

describeWithPeer(
  ['carbon-cache', 'gcc', 'rpm'],
  'from an empty folder to points in Carbon, with the installed program alone',
  () => {
    test.concurrent.each(['collector', 'handler', 'parser'])('docs/write-a-%s.md', async (kind) => {
      await using carbon = await Carbon.start();
      await follow(`docs/write-a-${kind}.md`, carbon);
    });
  },
);
