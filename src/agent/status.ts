import type { AgentStatus, CollectorStatus, HandlerStatus } from '../plugin/index.ts';

/** Where each part of the agent's status is asked for. */
export interface Sources {
  readonly collectors: () => readonly CollectorStatus[];
  readonly handlers: () => readonly HandlerStatus[];
  readonly schedule: () => AgentStatus['schedule'];
  readonly counterResets: () => number;
  readonly lag: () => number;
  readonly problem: () => string | undefined;
}

/** Reads the agent's state where it is asked for, so that nothing is copied at every tick. */
export class Status implements AgentStatus {
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  get collectors() {
    return this.#sources.collectors();
  }
  get handlers() {
    return this.#sources.handlers();
  }
  get schedule() {
    return this.#sources.schedule();
  }
  get counterResets() {
    return this.#sources.counterResets();
  }
  get eventLoopLag() {
    return this.#sources.lag();
  }
  get residentMemory() {
    return process.memoryUsage.rss();
  }
  get cpu() {
    const { user, system } = process.cpuUsage();
    return { user: user / 1e6, system: system / 1e6 };
  }
  get problem() {
    return this.#sources.problem();
  }
}
