/**
 * The layout of a recording: what a host said at some moments, as files that a person can read.
 *
 *     DIR/recording.json                 version, hostname, fqdn, foreign
 *     DIR/<unix seconds>/proc/…          byte for byte as the kernel printed them
 *     DIR/<unix seconds>/sys/…           symbolic links are kept as links
 *     DIR/<unix seconds>/root/…
 *     DIR/<unix seconds>/statfs.json     answers of statfs by mount point
 *     DIR/<unix seconds>/errors.json     what exists and gave no answer: {"read": {"proc/kcore": "EACCES"}},
 *                                        and in the same way for "list" and "link"
 *
 * Paths in the JSON files are one character per byte, as everywhere. Everything else is absent.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { prettifyError } from 'zod';
import { Foreseen, z } from '../plugin/index.ts';
import { codeOf } from './failures.ts';

/** Stands as the target of a link where a name was listed and what it names was never read. */
export const LISTED_ONLY = '(listed, not read)';

export const TREES = ['proc', 'sys', 'root'] as const;
export type TreeName = (typeof TREES)[number];

const manifest = z.strictObject({
  version: z.literal(1),
  hostname: z.string().min(1),
  fqdn: z.string().min(1),
  foreign: z.boolean().default(false),
});
export type Manifest = z.output<typeof manifest>;

const amount = z.number().min(0);
const answer = z.union([
  z.strictObject({
    blockSize: amount,
    blocks: amount,
    blocksFree: amount,
    blocksAvailable: amount,
    inodes: amount,
    inodesFree: amount,
  }),
  /** `hung`, or the code of the failed call. */
  z.strictObject({ error: z.string().min(1) }),
]);
const answers = z.record(z.string(), answer);
const codes = z.record(z.string(), z.string().min(1)).default({});
const errors = z.strictObject({ read: codes, list: codes, link: codes });
/** What can be asked of a tree. */
export type Question = 'read' | 'list' | 'link';
/** The codes of failed calls by path, such as `sys/class/net`. */
export type Errors = Readonly<Record<Question, Readonly<Record<string, string>>>>;
export type Answer = z.output<typeof answer>;

const LAYOUT =
  'A recording is DIR/recording.json and DIR/<unix seconds>/{proc,sys,root}; "cullinan record DIR" makes one.';

function parseJson<T>(path: string, schema: z.ZodType<T>): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new Foreseen(`${path} cannot be read: ${codeOf(cause)}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Foreseen(
      `${path} is no JSON: ${cause instanceof Error ? cause.message : cause}. Record again, or mend it by hand.`,
      { cause },
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Foreseen(
    `${path} is not as this version of cullinan writes it:\n${prettifyError(parsed.error)}\n${LAYOUT}`,
  );
}

export const readManifest = (directory: string): Manifest | undefined =>
  parseJson(join(directory, 'recording.json'), manifest);

export const readAnswers = (moment: string): Map<string, Answer> =>
  new Map(Object.entries(parseJson(join(moment, 'statfs.json'), answers) ?? {}));

export const readErrors = (moment: string): Errors =>
  parseJson(join(moment, 'errors.json'), errors) ?? { read: {}, list: {}, link: {} };

export interface Moment {
  /** Seconds since the Unix epoch. */
  readonly time: number;
  readonly directory: string;
}

export interface Recording {
  readonly hostname: string;
  readonly fqdn: string;
  readonly foreign: boolean;
  /** At least one, the earliest first. */
  readonly moments: readonly Moment[];
}

/**
 * Looks through a recording.
 *
 * @throws an Error that says what is wrong with the directory and what a recording looks like.
 */
export function openRecording(directory: string): Recording {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (cause) {
    throw new Foreseen(
      `no recording in ${directory}: it cannot be read (${codeOf(cause)}). ${LAYOUT}`,
      {
        cause,
      },
    );
  }
  const facts = readManifest(directory);
  if (facts === undefined) {
    const hint = names.some((name) => name === 'proc' || name === 'sys')
      ? 'It has the files of a single moment: give the directory above it. '
      : '';
    throw new Foreseen(`no recording in ${directory}: it has no recording.json. ${hint}${LAYOUT}`);
  }
  const moments = names
    .filter((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.isDirectory())
    .map((name) => moment(join(directory, name)))
    .sort((a, b) => a.time - b.time);
  if (moments.length === 0) {
    throw new Foreseen(`the recording in ${directory} has no moments. ${LAYOUT}`);
  }
  return { hostname: facts.hostname, fqdn: facts.fqdn, foreign: facts.foreign, moments };
}

function moment(directory: string): Moment {
  if (!/^\d{1,12}$/.test(basename(directory))) {
    throw new Foreseen(
      `${directory} does not belong in a recording: its name is no time in whole Unix seconds. ${LAYOUT}`,
    );
  }
  const parts: readonly string[] = [...TREES, 'statfs.json'];
  if (!readdirSync(directory).some((name) => parts.includes(name))) {
    throw new Foreseen(`${directory} has nothing in it of ${parts.join(', ')}. ${LAYOUT}`);
  }
  return { time: Number(basename(directory)), directory };
}
