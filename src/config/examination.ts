import type { z } from '../plugin/index.ts';
import { check } from './check.ts';
import type { Checked } from './issue.ts';
import { type Finding, type Place, type Problem, problemAt } from './problem.ts';
import type { MapNode } from './tree.ts';

/** Where a map stands, for what is said of it. */
export type At = Pick<Checked, 'where' | 'hint'> & Partial<Pick<Checked, 'key' | 'siblings'>>;

/** A map that is right. */
export interface Right<T> {
  readonly value: T;
  /** What was written, put right. */
  readonly input: unknown;
}

/** Looks at a configuration piece by piece, and gathers what is wrong with it. */
export interface Examination {
  readonly problems: Problem[];
  blame(place: Place | undefined, finding: Finding): void;
  /**
   * Checks a map against a schema.
   *
   * @param complete whether it has to be: what is switched off has not.
   * @returns `undefined` where it is wrong; what is wrong is among the problems then.
   */
  check<T>(schema: z.ZodType<T>, node: MapNode, at: At, complete?: boolean): Right<T> | undefined;
}

/** @param secrets what no problem may quote. */
export function createExamination(
  found: readonly Problem[],
  secrets: ReadonlySet<string>,
): Examination {
  const problems = [...found];
  return {
    problems,
    blame(place, finding) {
      problems.push(problemAt(place, finding));
    },
    check(schema, node, { where, hint, key, siblings = [] }, complete = true) {
      const result = check(schema, { node, where, hint, key, siblings, secrets });
      if (result.ok) return result;
      problems.push(...result.problems, ...(complete ? result.missing : []));
      return undefined;
    },
  };
}
