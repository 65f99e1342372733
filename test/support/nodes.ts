import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Of each line of Node that the program runs on, a version that npm has. */
export const NODES = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];

/**
 * The folder with a `node` of this version, from npm; kept where the tools keep what they can make again.
 */
export async function nodeOf(version: string): Promise<string> {
  const name = `node-linux-${process.arch}`;
  const cache = join(process.cwd(), 'node_modules/.cache/cullinan/nodes');
  const folder = join(cache, version);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const work = `${folder}.fetching`;
  const script = `[ -e ${folder} ] || {
    rm -rf ${work} && mkdir ${work} && cd ${work} &&
    npm pack ${name}@${version} --silent >&2 &&
    tar xzf ${name}-${version}.tgz package/bin/node && rm ${name}-${version}.tgz &&
    mv package/bin/node node && rmdir package/bin package && mv ${work} ${folder}
  }`;
  await run('flock', [join(tmpdir(), `node-${version}.lock`), 'sh', '-c', script], {
    timeout: 300_000,
  });
  return folder;
}
