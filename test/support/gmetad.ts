import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type GangliaHost, parseGanglia } from './gmond.ts';

const run = promisify(execFile);

const XML_PORT = 8651;

/** What somebody in a network namespace reads who connects and says nothing, as ISO-8859-1 has it. */
export async function readIn(namespace: string, host: string, port: number): Promise<string> {
  const words = ['netns', 'exec', namespace, 'bash', '-c', `cat </dev/tcp/${host}/${port}`];
  const options = { encoding: 'latin1', timeout: 5000, maxBuffer: 2 ** 26 } as const;
  return (await run('ip', words, options)).stdout;
}

/** A real gmetad in a network namespace, which asks a node for its cluster each second. */
export class Gmetad implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cullinan-gmetad-'));
  readonly #namespace: string;
  readonly #process: ChildProcess;

  /** @param node such as `10.99.0.1:8649`. */
  constructor(namespace: string, node: string) {
    this.#namespace = namespace;
    mkdirSync(join(this.#folder, 'rrds'));
    const config = join(this.#folder, 'gmetad.conf');
    writeFileSync(
      config,
      `data_source "asked" 1 ${node}
setuid off
xml_port ${XML_PORT}
interactive_port ${XML_PORT + 1}
rrd_rootdir "${this.#folder}/rrds"
`,
    );
    const words = ['netns', 'exec', namespace, '/usr/sbin/gmetad', '-d', '1', '-c', config];
    this.#process = spawn('ip', words, { stdio: 'ignore' });
  }

  async xml(): Promise<string> {
    return readIn(this.#namespace, '127.0.0.1', XML_PORT);
  }

  /** The hosts that it knows, by name; none while it does not answer. */
  async hosts(): Promise<ReadonlyMap<string, GangliaHost>> {
    return parseGanglia(await this.xml().catch(() => ''));
  }

  /** Whether it keeps a metric of a host. */
  keeps(cluster: string, host: string, metric: string): boolean {
    return existsSync(join(this.#folder, 'rrds', cluster, host, `${metric}.rrd`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
