import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Stands in for runc: prepares a program without walls around it, and says which process it is. The
 * program starts when it is told to, as one of runc's does.
 */
const RUNTIME = `#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in --pid-file) shift; pid=$1;; --bundle) shift; bundle=$1;; create) create=1;; esac
  shift
done
[ -n "$create" ] || exit 0
{ while [ ! -e "$bundle/start" ]; do [ -e "$bundle" ] || exit; sleep 0.05; done; . "$bundle/program"; } & echo $! > "$pid"
`;

/**
 * What the log of a container comes to: conmon, which CRI-O and Podman have for it, writes down what a
 * shell script prints, in the format of Kubernetes.
 */
export async function containerLog(script: string): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-conmon-'));
  const at = (name: string) => join(folder, name);
  try {
    writeFileSync(at('runtime'), RUNTIME, { mode: 0o755 });
    writeFileSync(at('program'), script);
    mkdirSync(at('ends'));
    const words = {
      ...{ cid: 'it', cuuid: 'it', runtime: at('runtime'), bundle: folder },
      ...{ 'container-pidfile': at('pid'), 'conmon-pidfile': at('conmon') },
      ...{ 'log-path': `k8s-file:${at('log')}`, 'exit-dir': at('ends'), 'socket-dir-path': folder },
    };
    await run(
      '/usr/bin/conmon',
      Object.entries(words).flatMap(([word, value]) => [`--${word}`, value]),
    );
    writeFileSync(at('start'), '');
    // It writes how the program ended once the log is whole.
    for (let i = 0; i < 400 && !existsSync(at('ends/it')); i += 1) await sleep(25);
    return readFileSync(at('log'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
