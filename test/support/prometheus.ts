import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './carbon.ts';

/** A real Prometheus that scrapes one target each second. */
export class Prometheus implements AsyncDisposable {
  readonly #folder: string;
  readonly #port: number;
  readonly #process: ChildProcess;

  static async scraping(target: number): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-prometheus-'));
    const port = await freePort();
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: agent
    static_configs: [{ targets: ["127.0.0.1:${target}"] }]
`,
    );
    const words = [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const child = spawn('/usr/bin/prometheus', words, { stdio: 'ignore' });
    return new Prometheus(folder, port, child);
  }

  private constructor(folder: string, port: number, process: ChildProcess) {
    this.#folder = folder;
    this.#port = port;
    this.#process = process;
  }

  /** What an expression gives now: the values of its series, in no order; none before it is up. */
  async query(expression: string): Promise<readonly number[]> {
    try {
      const url = `http://127.0.0.1:${this.#port}/api/v1/query?query=${encodeURIComponent(expression)}`;
      const answer = (await (await fetch(url)).json()) as {
        data: { result: { value: [number, string] }[] };
      };
      return answer.data.result.map(({ value }) => Number(value[1]));
    } catch {
      return [];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
