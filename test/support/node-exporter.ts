import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Series as the exposition format spells them, labels in the order of their names, to their values. */
export type Exposition = ReadonlyMap<string, number>;

/** The samples of a text in Prometheus' exposition format, without timestamps. */
function parseExposition(text: string): Exposition {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const blank = line.lastIndexOf(' ');
      return [line.slice(0, blank), Number(line.slice(blank + 1))];
    }),
  );
}

/** A real node_exporter with the given collectors, at a port of its own. */
export class NodeExporter implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #url: string;

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.#url = url;
  }

  static async start(collectors: readonly string[]): Promise<NodeExporter> {
    const child = spawn(
      '/usr/bin/prometheus-node-exporter',
      [
        '--web.listen-address=127.0.0.1:0',
        '--web.disable-exporter-metrics',
        '--collector.disable-defaults',
        ...collectors.map((collector) => `--collector.${collector}`),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const said: string[] = [];
    for await (const line of createInterface(child.stderr)) {
      said.push(line);
      const address = /msg="Listening on" address=(\S+)/.exec(line)?.[1];
      if (address === undefined) continue;
      child.stderr.resume();
      return new NodeExporter(child, `http://${address}/metrics`);
    }
    throw new Error(`node_exporter did not come up:\n${said.join('\n')}`);
  }

  async scrape(): Promise<Exposition> {
    const response = await fetch(this.#url);
    return parseExposition(await response.text());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}
