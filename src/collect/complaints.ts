import type { Report } from '../log/index.ts';
import { Fault, Foreseen, NoData, Remark } from '../plugin/index.ts';
import type { Run } from './run.ts';

/** What the runs of one collector tell people: which problems stand, and when they are over. */
export class Complaints {
  readonly #instance: string;
  readonly #newSeriesPerHour: number;
  readonly #report: Report;
  readonly #key: string;
  readonly #seriesKey: string;
  /** The kinds of problems that were there in the latest collection. */
  readonly #standing = new Set<string>();
  #refused = 0;

  constructor(
    {
      instance,
      newSeriesPerHour,
    }: { readonly instance: string; readonly newSeriesPerHour: number },
    report: Report,
  ) {
    this.#instance = instance;
    this.#newSeriesPerHour = newSeriesPerHour;
    this.#report = report;
    this.#key = `collector ${instance}`;
    this.#seriesKey = `${this.#key} series`;
  }

  /** Says each kind of problem once, and its end when a collection has gone well without it. */
  ran({ errors, thrown, samples }: Pick<Run, 'errors' | 'thrown' | 'samples'>): void {
    if (errors.length === 0 && thrown === undefined && this.#standing.size === 0) return;
    // One device that went away in the middle of a reading is nothing to speak of; all of them are.
    const absent = samples === 0 && errors.every((error) => error instanceof NoData);
    const spoken: unknown[] = absent ? [...errors] : errors.filter((it) => !(it instanceof NoData));
    const kinds = kindsOf(thrown === undefined ? spoken : [...spoken, thrown]);
    const fewer = kinds.size < this.#standing.size;
    for (const kind of this.#standing) {
      if (kinds.has(kind)) continue;
      this.#standing.delete(kind);
      // Without samples, or with another in its place, it has not gone but changed.
      if (samples > 0 && fewer) this.#report.recovered(`${this.#key} ${kind}`);
      else this.#report.forget(`${this.#key} ${kind}`);
    }
    const instance = this.#instance;
    for (const [kind, { error, times }] of kinds) {
      this.#standing.add(kind);
      const more = times > 1 ? ` ${times - 1} more like it.` : '';
      const extent = samples === 0 ? 'no' : 'only a part of the';
      this.#report.problem(`${this.#key} ${kind}`, {
        where: this.#key,
        error,
        effect:
          error instanceof Remark
            ? `Nothing is missing because of it.${more}`
            : `This tick has ${extent} ${instance} samples.${more}`,
        remedy: remedyFor(error, instance),
        absent: error instanceof NoData || error instanceof Remark,
      });
    }
  }

  /** @param all observations that were left out so far because of the cap on new series. */
  refused(all: number): void {
    const refused = all - this.#refused;
    if (refused === 0) {
      this.#report.recovered(this.#seriesKey);
      return;
    }
    this.#refused = all;
    this.#report.problem(this.#seriesKey, {
      where: this.#key,
      error: new Foreseen(
        `${refused} observations belong to new series beyond the ${this.#newSeriesPerHour} allowed in an hour`,
      ),
      effect: 'They are left out and counted in cullinan.collector.refused.',
      remedy: `Exclude short-lived devices, or raise collectors.${this.#instance}.newSeriesPerHour.`,
    });
  }

  /** The collector has ended: what stood with it is nobody's any more. */
  forget(): void {
    this.#report.forget(this.#key);
  }
}

/** So many kinds of problems of one collector are told apart; what is beyond them counts as one. */
const MOST_KINDS = 8;

/** Errors by kind: their message without what may be another in every tick. */
function kindsOf(errors: readonly unknown[]): Map<string, { error: unknown; times: number }> {
  const kinds = new Map<string, { error: unknown; times: number }>();
  for (const error of errors) {
    const message = error instanceof Error ? error.message : String(error);
    let kind = message.slice(0, 200).replace(/"[^"]*"|(?<!line )\b\d+(\.\d+)?/g, '#');
    if (!kinds.has(kind) && kinds.size >= MOST_KINDS) kind = 'others';
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { error, times: 1 });
    else known.times += 1;
  }
  return kinds;
}

function remedyFor(error: unknown, instance: string): string | undefined {
  if (error instanceof Fault) return error.remedy;
  switch (error instanceof Error ? error.name : '') {
    case 'AccessDenied':
      return `Let the agent's user read it, or set collectors.${instance}.enabled to false.`;
    case 'NoData':
      return `If it should be there, check its options (cullinan describe ${instance}), host.proc, host.sys and host.root; if not, set collectors.${instance}.enabled to false.`;
    case 'ParseError':
      return 'If the file looks right to you, report it with a recording: cullinan record DIR.';
    case 'Unresponsive':
      return `See why it does not answer, or exclude it (cullinan describe ${instance}).`;
    default:
      return undefined;
  }
}
