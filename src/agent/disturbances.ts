import type { Log } from '../log/index.ts';
import type { AgentStatus } from '../plugin/index.ts';
import type { Disturbance } from '../schedule/index.ts';

/** What has happened to time itself so far: counted, and said. */
export class Disturbances {
  readonly #log: Log;
  readonly #counts = { clockSteps: 0, suspends: 0, lateTicks: 0 };

  constructor(log: Log) {
    this.#log = log;
  }

  /** How often. */
  get counts(): AgentStatus['schedule'] {
    return this.#counts;
  }

  add(disturbance: Disturbance): void {
    const seconds = Number(disturbance.seconds.toFixed(1));
    switch (disturbance.kind) {
      case 'clock-step':
        this.#counts.clockSteps += 1;
        this.#log.warn(
          { seconds },
          `the clock was set ${seconds < 0 ? 'back' : 'forward'} by ${Math.abs(seconds)} s; ticks follow it`,
        );
        return;
      case 'suspend':
        this.#counts.suspends += 1;
        this.#log.info({ seconds }, `the machine was suspended for ${seconds} s`);
        return;
      case 'late':
        this.#counts.lateTicks += 1;
        this.#log.warn(
          { seconds, missed: disturbance.missed },
          `a tick ran ${seconds} s late and ${disturbance.missed} were missed: the process was kept from running`,
        );
        return;
    }
  }
}
