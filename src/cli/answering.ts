import type { Config } from '../config/index.ts';
import type { Log, Report } from '../log/index.ts';
import { type Serving, serve } from '../status/index.ts';
import type { Io } from './io.ts';
import { standardSockets } from './sockets.ts';

/** Lets `cullinan status` ask the agent, wherever the configuration says, for as long as it runs. */
export class Answering {
  readonly #environment: Io['environment'];
  readonly #needs: { readonly log: Log; readonly report: Report };
  readonly #answer: () => unknown;
  #serving: { readonly wanted: string; readonly serving: Serving | undefined } | undefined;

  constructor(
    environment: Io['environment'],
    needs: { readonly log: Log; readonly report: Report },
    answer: () => unknown,
  ) {
    this.#environment = environment;
    this.#needs = needs;
    this.#answer = answer;
  }

  /** Listens where it should, if it does not yet. Never rejects. */
  async follow({ enabled, socket }: Config['status']): Promise<void> {
    const wanted = enabled ? (socket ?? 'as usual') : 'nowhere';
    if (this.#serving?.wanted === wanted) return;
    await this.end();
    const serving = enabled ? await this.#listen(socket) : undefined;
    this.#serving = { wanted, serving };
  }

  async end(): Promise<void> {
    const before = this.#serving;
    this.#serving = undefined;
    await before?.serving?.close();
  }

  async #listen(socket: string | undefined): Promise<Serving | undefined> {
    const { log, report } = this.#needs;
    for (const path of socket === undefined ? standardSockets(this.#environment) : [socket]) {
      try {
        const serving = await serve(path, this.#answer);
        report.recovered('status');
        return serving;
      } catch (error) {
        // Nobody asked for the usual place: a second agent, or one without rights, does without.
        if (socket === undefined) log.debug({}, `no status at ${path}: ${String(error)}`);
        else {
          report.problem('status', {
            where: 'status.socket',
            error,
            effect: '"cullinan status" cannot ask this agent. Collecting goes on.',
            remedy: 'Name a socket in a folder that the agent may write to.',
          });
        }
      }
    }
    return undefined;
  }
}
