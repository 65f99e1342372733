import { any } from 'zod';
import type { z } from '../plugin/index.ts';
import type { Judgement } from './protocol.ts';

/** What follows from options, by the options as they were written. */
export type Consequences = WeakMap<object, Judgement>;

/**
 * A schema that stands for one in another thread. It says what that says, and hands on what was written:
 * it is parsed once more where it is used.
 *
 * @param judge asks that thread.
 * @param consequences is told what follows from options that are right.
 */
export function schemaElsewhere(
  json: Readonly<Record<string, unknown>>,
  judge: (input: unknown) => Judgement,
  consequences: Consequences,
): z.ZodType {
  return any()
    .superRefine((input, context) => {
      const judgement = judge(input);
      if (judgement.issues === undefined) {
        if (typeof input === 'object' && input !== null) consequences.set(input, judgement);
        return;
      }
      for (const { input: _, ...issue } of judgement.issues) {
        context.issues.push({ ...issue, input } as unknown as (typeof context.issues)[number]);
      }
    })
    .meta(json);
}
