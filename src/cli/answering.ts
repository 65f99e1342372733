import type { Config } from '../config/index.ts';
import type { Log, Report } from '../log/index.ts';
import {
  type Answers,
  type Condition,
  listenForProbes,
  type Serving,
  serve,
} from '../status/index.ts';
import type { Io } from './io.ts';
import { standardSockets } from './sockets.ts';

interface Needs {
  readonly log: Log;
  readonly report: Report;
  readonly answers: Answers;
  readonly condition: () => Condition;
}

/**
 * Answers `cullinan status` and its like, and probes, wherever the configuration says, for as long as the
 * agent runs.
 */
export class Answering {
  readonly #environment: Io['environment'];
  readonly #needs: Needs;
  #serving: { readonly wanted: string; readonly serving: Serving | undefined } | undefined;
  #probing: { readonly wanted: string; readonly probing: Serving | undefined } | undefined;

  constructor(environment: Io['environment'], needs: Needs) {
    this.#environment = environment;
    this.#needs = needs;
  }

  /** Listens where it should, if it does not yet. Never rejects. */
  async follow({
    status: { enabled, socket },
    health: { listen },
  }: Pick<Config, 'status' | 'health'>) {
    const probed = listen === undefined ? 'nowhere' : `${listen.host} ${listen.port}`;
    if (this.#probing?.wanted !== probed) {
      const before = this.#probing;
      this.#probing = undefined;
      await before?.probing?.close();
      const probing = listen && (await this.#probe(listen));
      // What could not be listened on is tried again at the next reload.
      if (listen === undefined || probing !== undefined)
        this.#probing = { wanted: probed, probing };
    }
    const wanted = enabled ? (socket ?? 'as usual') : 'nowhere';
    if (this.#serving?.wanted === wanted) return;
    const before = this.#serving;
    this.#serving = undefined;
    await before?.serving?.close();
    const serving = enabled ? await this.#listen(socket) : undefined;
    this.#serving = { wanted, serving };
  }

  async end(): Promise<void> {
    const before = [this.#serving?.serving, this.#probing?.probing];
    this.#serving = undefined;
    this.#probing = undefined;
    await Promise.all(before.map((it) => it?.close()));
  }

  async #probe(listen: NonNullable<Config['health']['listen']>): Promise<Serving | undefined> {
    const { report, condition } = this.#needs;
    try {
      const probing = await listenForProbes(listen, condition);
      report.recovered('health');
      return probing;
    } catch (error) {
      report.problem('health', {
        where: 'health.listen',
        error,
        effect: 'Probes are not answered. Collecting goes on.',
        remedy: 'Name an address of this host and a port that is free.',
      });
      return undefined;
    }
  }

  async #listen(socket: string | undefined): Promise<Serving | undefined> {
    const { log, report, answers } = this.#needs;
    for (const path of socket === undefined ? standardSockets(this.#environment) : [socket]) {
      try {
        const serving = await serve(path, answers);
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
