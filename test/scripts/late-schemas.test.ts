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
    const { shape } = schema;
    expect(schema.shape).toBe(shape);
    door = { ...zod };
    expect(schema.shape).not.toBe(shape);
  });
});
