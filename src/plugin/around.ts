import * as z from './zod.ts';

/** Options that every parser has beside its own: what is around its lines. */
export const aroundOptions = z.strictObject({
  wrapper: z.enum(['docker', 'cri', 'auto']).optional().meta({
    description:
      'What the runtime of a container has wrapped lines in: docker for Docker’s JSON, cri for what Kubernetes has, auto for what each line looks like. Parts of a long line are put together.',
    fallback: 'nothing',
  }),
  join: z.string().min(1).optional().meta({
    description:
      'Makes one record of lines that belong together, such as a message and its stack trace. time: lines without a date and a time belong to the one before; indented: those that are indented; anything else is an expression of RE2 for the first line of a record.',
    fallback: 'each line by itself',
  }),
});
