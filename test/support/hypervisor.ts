import type { Observation } from 'cullinan/plugin';
import libvirt from '../../collectors/libvirt.ts';
import { createSince } from '../../src/rates/index.ts';
import { expectDistinct, expectSound, idleAgent, type Run } from './collector.ts';
import { hostWith } from './host.ts';

/** The libvirt collector as the agent runs it, against whoever listens. */
export class Watch implements AsyncDisposable {
  readonly #options: unknown;
  readonly #memory = createSince();
  readonly #session = libvirt.open?.();

  /** @param options as in the configuration file. */
  constructor(options: unknown) {
    this.#options = options;
  }

  /** One collection, so many seconds after the first. */
  async collect(at = 0, signal = new AbortController().signal): Promise<Run> {
    const { since, turn } = this.#memory;
    turn(at);
    this.#parsed ??= libvirt.options.parse(this.#options);
    const context = { host: hostWith({}), options: this.#parsed, signal, since, agent: idleAgent };
    const observations: Observation[] = [];
    const errors: Error[] = [];
    let thrown: unknown;
    try {
      const session = await this.#session;
      for await (const item of (await session?.collect({ ...context, time: at })) ?? []) {
        if (item instanceof Error) errors.push(item);
        else observations.push(item);
      }
    } catch (error) {
      thrown = error;
    }
    const run = { observations, errors, thrown };
    expectSound(libvirt, run);
    expectDistinct(run);
    return run;
  }
  #parsed: ReturnType<typeof libvirt.options.parse> | undefined;

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#session)?.close();
  }
}

/** The values of a metric, by the values of some labels joined by spaces. */
export const valuesOf = (
  { observations }: Run,
  name: string,
  ...labels: readonly string[]
): Record<string, number> =>
  Object.fromEntries(
    observations
      .filter(({ metric }) => metric.name === name)
      .map((one) => [labels.map((label) => one.labels[label]).join(' '), one.value]),
  );

/** The guests of which anything was observed. */
export const guestsIn = ({ observations }: Run): readonly string[] => [
  ...new Set(observations.flatMap(({ labels }) => labels['guest'] ?? [])),
];
