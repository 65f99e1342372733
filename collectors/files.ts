/**
 * Files by glob: how many there are, what they take together, and how old they are.
 *
 * Source  GNU find, as a child of its own for each group, which is killed at the deadline: a folder on a
 *         mount that hangs, or with millions of files, holds nothing else up. It follows no links below
 *         where a glob's fixed part leads.
 * Units   Bytes as files say they have (st_size); seconds since a file was written to (st_mtime).
 * Access  The folders have to be readable for the agent's user; where one is not, its group is not
 *         observed, as a part of it would be no number of it.
 */
import {
  AccessDenied,
  bytes,
  type CollectContext,
  count,
  defineCollector,
  duration,
  each,
  Foreseen,
  gauge,
  NoData,
  named,
  type Observation,
  ParseError,
  runChild,
  seconds,
  size,
  z,
} from 'cullinan/plugin';

const group = z.strictObject({
  path: z
    .string()
    .regex(/^\/[^\0]*$/, 'must be a whole path: begin it with a slash')
    .describe(
      'Which files: a glob. `*` and `?` stay within a folder, `**` goes down: /var/spool/postfix/deferred/**.',
    ),
  exclude: z
    .array(z.string().regex(/^[^\0]+$/, 'must have no null character'))
    .default([])
    .describe('Globs of names that do not count.'),
  type: z
    .enum(['file', 'all'])
    .default('file')
    .describe('Regular files, or folders, links, … too.'),
  hidden: z.boolean().default(false).describe('Whether names that begin with a dot count.'),
  minSize: size().optional().meta({ description: 'Smaller ones do not count.' }),
  maxSize: size().optional().meta({ description: 'Larger ones do not count.' }),
  minAge: duration().optional().meta({ description: 'Ones written to since do not count.' }),
  maxAge: duration().optional().meta({ description: 'Ones not written to since do not count.' }),
});
export type Group = z.output<typeof group>;

const options = z.strictObject({
  groups: named(group)
    .default({})
    .describe('What is counted, by a name for it: the label `group`.'),
});

const labels = ['group'] as const;
const metrics = {
  count: gauge('files.count', { unit: 'count', labels, help: 'Files.' }),
  size: gauge('files.size', { unit: 'bytes', labels, help: 'What they hold, together.' }),
  oldest: gauge('files.age.oldest', {
    unit: 'seconds',
    labels,
    help: 'Since the one was written to that was so longest ago; absent without files.',
  }),
  newest: gauge('files.age.newest', {
    unit: 'seconds',
    labels,
    help: 'Since the one was written to that was so last; absent without files.',
  }),
};

const MAGIC = /[*?[]/;

/** Where find(1) begins, and its words: how deep it goes, and which names it prints. */
function searchFor({ path, exclude, type, hidden }: Group) {
  const parts = path.replace(/\/+$/, '').split('/').slice(1);
  const first = parts.findIndex((part) => MAGIC.test(part));
  const fixed = first < 0 ? parts.length - 1 : first;
  const start = `/${parts.slice(0, fixed).join('/')}`;
  const below = parts.slice(fixed);
  const deep = below.includes('**') ? [] : ['-maxdepth', String(below.length)];
  const pattern = below.map((part) => (part === '**' ? '.*' : partSource(part))).join('/');
  // `a/**/b` is `a/b` as well.
  const regex = `${literal(start === '/' ? '' : start)}/${pattern.replaceAll('.*/', '(.*/)?')}`;
  const words = [
    ...['-H', start, '-mindepth', '1', ...deep, '-regextype', 'posix-extended'],
    ...(hidden ? [] : ['-name', '.*', '-prune', '-o']),
    ...['-regex', regex],
    ...(type === 'file' ? ['-type', 'f'] : []),
    ...exclude.flatMap((glob) => ['!', '-name', glob]),
    ...['-printf', '%s %T@\\n'],
  ];
  return { start, words };
}

/** A name's glob as an expression in which nothing stands for a slash. */
const partSource = (part: string): string =>
  part.replace(/\*|\?|\[(!?)(\]?[^\]]*)\]|[\s\S]/g, (it, not: string, set?: string) => {
    if (set !== undefined) return `[${not === '' ? '' : '^/'}${set}]`;
    if (it === '*') return '[^/]*';
    return it === '?' ? '[^/]' : literal(it);
  });
const literal = (text: string): string => text.replace(/[\\^$.|+*?()[\]{}]/g, '\\$&');

/** Adds up what find prints, as it comes. */
export class Sums {
  readonly #group: Group;
  readonly #now: number;
  #rest = '';
  files = 0;
  bytes = 0;
  oldest = Number.POSITIVE_INFINITY;
  newest = Number.NEGATIVE_INFINITY;
  wrong: ParseError | undefined;

  constructor(group: Group, now: number) {
    this.#group = group;
    this.#now = now;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, 100);
    for (const line of lines) this.#add(line);
  }

  #add(line: string): void {
    const match = /^(\d{1,19}) (-?\d{1,15}(?:\.\d{1,12})?)$/.exec(line);
    if (match === null) {
      this.wrong ??= new ParseError(`find printed "${line.slice(0, 80)}", not "SIZE TIME"`);
      return;
    }
    const { minSize = 0, maxSize = Number.POSITIVE_INFINITY, minAge, maxAge } = this.#group;
    const [bytes, written] = [Number(match[1]), Number(match[2])];
    const age = this.#now - written;
    if (bytes < minSize || bytes > maxSize) return;
    if ((minAge !== undefined && age < minAge) || (maxAge !== undefined && age > maxAge)) return;
    this.files += 1;
    this.bytes += bytes;
    this.oldest = Math.min(this.oldest, written);
    this.newest = Math.max(this.newest, written);
  }
}

type Context = Pick<CollectContext, 'time' | 'signal'>;

async function look(group: string, wanted: Group, { time, signal }: Context) {
  const sums = new Sums(wanted, time);
  const received = (text: string) => sums.push(text);
  const { start, words } = searchFor(wanted);
  const { code, stderr } = await runChild('find', words, signal, { received });
  const where = wanted.path;
  const complaints = stderr.split('\n').filter((line) => line !== '');
  // What went away while it was looked at was there a moment ago, and is no trouble.
  const trouble = complaints.find((line) => !line.endsWith(': No such file or directory'));
  if (trouble?.endsWith(': Permission denied')) {
    throw new AccessDenied(`${where}: the agent's user may not read all of it: ${trouble}`);
  }
  if (trouble !== undefined || code === null) {
    throw new Foreseen(`${where}: find failed: ${(trouble ?? 'it was killed').slice(0, 200)}`);
  }
  if (
    complaints.some((line) => /^find: .(.*).: No such file or directory$/.exec(line)?.[1] === start)
  ) {
    throw new NoData(`${where}: ${start} does not exist here`);
  }
  if (sums.wrong !== undefined) throw sums.wrong;
  const observed: Observation[] = [
    metrics.count.observe(count(sums.files), { group }),
    metrics.size.observe(bytes(sums.bytes), { group }),
  ];
  if (sums.files === 0) return observed;
  // A file from the future is as new as can be.
  const since = (moment: number) => seconds(Math.max(time - moment, 0));
  observed.push(metrics.oldest.observe(since(sums.oldest), { group }));
  observed.push(metrics.newest.observe(since(sums.newest), { group }));
  return observed;
}

export default defineCollector({
  name: 'files',
  summary: 'Files by glob: how many, what they take, and how old they are.',
  source: 'the folders that it is given, by find(1)',
  enabled: false,
  options,
  metrics,
  collect: ({ options: { groups }, time, signal }) =>
    each('groups', groups, (name, group) => look(name, group, { time, signal })),
});
