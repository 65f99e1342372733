import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { late } from '../../scripts/late-schemas.mjs';
import * as zod from '../../src/plugin/zod.ts';

/** As the built program has it: each of zod's functions declares, and zod comes when it is asked for. */
const z = Object.fromEntries(
  Object.keys(zod).map((name) => [name, late(name)]),
) as unknown as typeof zod;

describe('a schema that is only declared', () => {
  let loads: number;
  let door: object;

  beforeEach(() => {
    loads = 0;
    door = { ...zod };
    Object.assign(globalThis, {
      loadPart: (part: string) => {
        expect(part).toBe('./src/plugin/zod.js');
        loads += 1;
        return door;
      },
    });
  });

  const declare = () =>
    z
      .strictObject({
        port: z.int().min(1).default(2003).describe('Where.'),
        tags: z.array(z.string().regex(/^\w+$/)).optional(),
        tls: z.strictObject({ ca: z.string() }).optional().meta({ description: 'Safe.' }),
      })
      .superRefine(({ port }, context) => {
        if (port === 13) context.addIssue({ code: 'custom', message: 'must not be 13' });
      });

  test('is not made, whatever is declared of it', () => {
    declare();
    expect(loads).toBe(0);
  });

  test('checks as the one that it stands for', () => {
    const schema = declare();
    expect(schema.parse({ tags: ['a'] })).toEqual({ port: 2003, tags: ['a'] });
    expect(schema.safeParse({ port: 13 }).error?.issues).toMatchObject([
      { message: 'must not be 13' },
    ]);
    expect(schema.safeParse({ port: 0, x: 1 }).error?.issues).toHaveLength(2);
    expect(schema.shape.port.description).toBe('Where.');
    expect(schema.shape.tls.meta()).toEqual({ description: 'Safe.' });
  });

  test('is itself within another', () => {
    const port = z.int().min(1);
    expect(z.union([port, z.literal('any')]).safeParse(0).success).toBe(false);
    expect(z.optional(port).unwrap().safeParse(1).success).toBe(true);
  });

  test('is made once, and again after zod was let go of', () => {
    const schema = declare();
    const { def } = schema;
    expect(schema.def).toBe(def);
    door = { ...zod };
    expect(schema.def).not.toBe(def);
  });

  test('tells its keys, and takes what is simple and right, without zod', () => {
    expect(Object.keys(z.strictObject({ a: z.int(), b: z.int() }).omit({ a: true }).shape)).toEqual(
      ['b'],
    );
    const schema = declare();
    expect(schema.safeParse({ tags: ['a'] })).toEqual({
      success: true,
      data: { port: 2003, tags: ['a'] },
    });
    expect(loads).toBe(0);
    expect(schema.safeParse({ tags: ['-'] }).success).toBe(false);
    expect(loads).toBeGreaterThan(0);
  });

  test('makes a default anew for each who takes it', () => {
    const schema = z.strictObject({ list: z.array(z.string()).default(['a']) });
    const [one, other] = [schema.safeParse({}).data, schema.safeParse({}).data];
    expect(one).toEqual({ list: ['a'] });
    expect(one?.list).not.toBe(other?.list);
    expect(loads).toBe(0);
  });

  /** One of everything that is told without zod, and some of what is not. */
  const several = (from: typeof zod) => {
    const seconds = from
      .string()
      .regex(/^\d+s$/, 'must be seconds')
      .refine((text) => text !== '13s', { error: 'must not be 13s' })
      .transform((text) => Number.parseInt(text, 10));
    const parts = from.strictObject({
      on: from.boolean().default(true),
      kind: from.enum(['a', 'b']).optional(),
      share: from.number().min(0).max(1).optional().meta({ description: 'Of one.' }),
      port: from.int().min(1).max(65_535).default(2003),
      name: from.string().min(1).max(3).optional(),
      hosts: from
        .union([from.string().min(1), from.array(from.string()).min(1)])
        .default('localhost'),
      every: seconds.prefault('10s').describe('How often.'),
      late: seconds.optional(),
      usual: seconds.default(7).optional(),
      texts: from.array(from.string().superRefine(objects)).max(2).default([]),
      labels: from.record(from.string(), from.string()).default({}),
      any: from.literal('x').optional(),
      parser: from
        .union([from.string(), from.array(from.string())])
        .transform((given, { issues }) => {
          if (given !== 'a') issues.push({ code: 'custom', message: 'must be a', input: given });
          return [given];
        })
        .optional(),
    });
    return from.strictObject({
      ...parts.shape,
      inner: parts.pick({ on: true, every: true }).prefault({}),
      other: parts
        .omit({ labels: true, any: true })
        .refine(({ on, port }) => on || port !== 1, { error: 'must be on' })
        .transform((all) => Object.keys(all))
        .optional(),
    });
  };
  const objects = (text: string, { addIssue }: { addIssue(issue: string): void }) => {
    if (text === 'bad') addIssue('is bad');
  };

  /** Keys of it, with what suits them and what does not. */
  const inputs = (() => {
    const value = fc.oneof(
      fc.constantFrom('a', 'b', 'x', '', 'bad', '5s', '13s', 'long text', undefined, null, true),
      fc.constantFrom(0, 1, 0.5, -1, 2003, 65_536, Number.NaN, 2 ** 60, [], ['a'], ['bad'], {}),
      fc.constantFrom(['a', 'b', 'c'], ['a', 1], { on: false }, { every: '5s' }, { on: 'no' }),
      fc.constantFrom({ port: 1, on: false }, { texts: ['a'] }, { labels: {} }, { x: 'y' }),
    );
    const keys = [
      ...['on', 'kind', 'share', 'port', 'name', 'hosts', 'every', 'late', 'usual', 'texts'],
      ...['labels', 'any', 'parser', 'inner', 'other', 'unknown'],
    ];
    return fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 4, noNullPrototype: false });
  })();

  test('answers what zod would', () => {
    const [declared, real] = [several(z), several(zod)];
    fc.assert(
      fc.property(inputs, (input) => {
        const [own, expected] = [declared.safeParse(input), real.safeParse(input)];
        expect(own.success).toBe(expected.success);
        expect(own.data).toStrictEqual(expected.data);
        expect(own.error?.issues).toEqual(expected.error?.issues);
      }),
      { numRuns: 2000 },
    );
  });
});
