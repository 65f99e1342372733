/** Options every plugin may use, so that the same thing is spelled the same way everywhere. */
import * as z from './zod.ts';

export * as z from './zod.ts';

/** A TCP or UDP port. */
export const port = z.int().min(1).max(65535);

const SECONDS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 } as const;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** Seconds in a text such as `10s`, `500ms`, `5m`, `1h`, `7d`; `undefined` if it is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS];
}

/** A duration with its unit, at least `least`; the plugin receives seconds. */
export const duration = ({ least = '1ms' }: { readonly least?: string } = {}) =>
  z
    .string()
    .regex(DURATION, 'must be a number with its unit: 500ms, 10s, 5m, 1h or 7d')
    .refine((text) => (parseDuration(text) ?? 0) >= (parseDuration(least) ?? 0), {
      error: `must be at least ${least}`,
    })
    .transform((text) => parseDuration(text) ?? 0);

const BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
const SIZE = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/;

/** A size with its unit; the plugin receives bytes. */
export const size = () =>
  z
    .string()
    .regex(SIZE, 'must be a number with its unit: 512B, 64KiB, 16MiB or 1GiB')
    .transform((text) => {
      const match = SIZE.exec(text);
      return Number(match?.[1]) * BYTES[(match?.[2] ?? 'B') as keyof typeof BYTES];
    });

/** The path of a file or a folder, from the root on. */
export const wholePath = () =>
  z.string().regex(/^\//, 'must be a whole path: begin it with a slash');

/** Words joined by dots, which may stand before the names of metrics: `app.web`. */
export const dottedName = () =>
  z
    .string()
    .regex(/^[\w-]+(\.[\w-]+)*$/, 'must be words of letters, digits, "_" or "-", joined by dots');

/** Any number of something, each under a name by which a person and a label call it. */
export const named = <T extends z.ZodType>(one: T) => z.record(z.string().min(1).max(100), one);

/** Whether a name is chosen. */
export type Chosen = (name: string) => boolean;

const patterns = z.array(
  z.string().superRefine((pattern, context) => {
    try {
      compile(pattern);
    } catch (error) {
      context.addIssue({ code: 'custom', message: `is no pattern: ${(error as Error).message}` });
    }
  }),
);

/**
 * A choice of names by `include` and `exclude`: globs (`eth*`, `sd[a-z]`, `?`), or regular
 * expressions behind `re:` (`re:^nvme\d+n1$`). Without `include` everything is included;
 * `exclude` wins. A list given by the user replaces the default list of the same name.
 */
export const selection = (
  lists: { readonly include?: string[]; readonly exclude?: string[] } = {},
) =>
  z
    .strictObject({
      include: lists.include ? patterns.default(lists.include) : patterns.optional(),
      exclude: lists.exclude ? patterns.default(lists.exclude) : patterns.optional(),
    })
    .prefault({})
    .transform(({ include, exclude }) => chooser(include, exclude));

/** Ephemeral devices bring new names for ever. */
const REMEMBERED = 10_000;

/**
 * Compiles two lists of patterns into one remembered decision per name.
 *
 * @param most names whose decision is remembered: one, where each is asked for once.
 */
export function chooser(
  include: readonly string[] | undefined,
  exclude: readonly string[] | undefined,
  most = REMEMBERED,
): Chosen {
  const wanted = include?.map(compile);
  const unwanted = exclude?.map(compile) ?? [];
  const decided = new Map<string, boolean>();
  return (name) => {
    let chosen = decided.get(name);
    if (chosen === undefined) {
      chosen =
        (wanted?.some((pattern) => pattern.test(name)) ?? true) &&
        !unwanted.some((pattern) => pattern.test(name));
      // Forget them all rather than grow.
      if (decided.size >= most) decided.clear();
      decided.set(name, chosen);
    }
    return chosen;
  };
}

function compile(pattern: string): RegExp {
  return pattern.startsWith('re:')
    ? new RegExp(pattern.slice(3), 'u')
    : new RegExp(globSource(pattern), 'su');
}

/** A glob as the source of a regular expression, for the whole of a name. */
export function globSource(pattern: string): string {
  let source = '';
  for (let i = 0; i < pattern.length; i += 1) {
    const char = pattern[i] as string;
    const close = char === '[' ? pattern.indexOf(']', i + 2) : -1;
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (close > 0) {
      source += `[${pattern
        .slice(i + 1, close)
        .replace(/^!/, '^')
        .replaceAll('\\', '\\\\')}]`;
      i = close;
    } else source += char.replace(/[\\^$.|+()[\]{}/]/, '\\$&');
  }
  return `^${source}$`;
}
