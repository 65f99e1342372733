/**
 * Follows logs, and makes numbers of what is new in them at each tick.
 *
 * Source  Any number of files and globs, through everything that they are rotated to: renamed, copied and
 *         truncated, dated, compressed (src/logs). How far each was read is written to `state` once what
 *         was found until then has left the agent's memory: delivered, on disk in a spool, or dropped and
 *         counted. An agent that dies before reads the same lines again.
 * Units   Those of the parsers. What is counted is an amount since the tick before.
 * Access  The agent's user has to be able to read the logs: on Debian as a member of the group adm.
 */
import { Follow, Ledger, type Look, type Loss, scratch } from 'cullinan/logs';
import { parserOption } from 'cullinan/parsers';
import {
  bytes,
  count,
  defineCollector,
  delta,
  Foreseen,
  gauge,
  type Metric,
  NoData,
  type Observation,
  type Session,
  z,
} from 'cullinan/plugin';

const absolute = z.string().regex(/^\//, 'must be a whole path: begin it with a slash');

const file = z.strictObject({
  path: absolute.describe(
    'The log, or a glob: `/var/log/nginx/*.log`. The lines of all that it matches are counted together.',
  ),
  parser: parserOption().describe(
    'What reads its lines: `access`, or a map with its options: `{ name: access, format: common }`.',
  ),
  as: z
    .string()
    .regex(/^[\w-]+(\.[\w-]+)*$/, 'must be words of letters, digits, "_" or "-", joined by dots')
    .optional()
    .meta({ description: 'What stands before the names of its metrics.', fallback: 'nothing' }),
  labels: z
    .record(z.string().regex(/^[A-Za-z_]\w*$/, 'must be a word'), z.string().min(1))
    .default({})
    .describe('Labels of all its metrics.'),
  from: z
    .enum(['end', 'start'])
    .default('end')
    .describe('Where a log begins of which nothing is known when the agent starts.'),
});

const options = z.strictObject({
  files: z
    .array(file)
    .default([])
    .superRefine((files, context) => {
      const seen = new Map<string, number>();
      for (const [i, { as = '', labels, parser }] of files.entries()) {
        const key = JSON.stringify([as, parser.parser.name, Object.entries(labels).sort()]);
        const first = seen.get(key);
        seen.set(key, first ?? i);
        if (first === undefined) continue;
        const message = `must be told apart from ${first + 1}. in the list, which has the same parser: by as, or by labels`;
        context.addIssue({ code: 'custom', path: [i], message });
      }
    })
    .describe('The logs.'),
  state: absolute
    .default('/var/lib/cullinan/logs')
    .describe('The folder in which it is kept how far each log was read.'),
});
type Options = z.output<typeof options>;
type File = Options['files'][number];

const own = ['path', 'parser'] as const;
const metrics = {
  lines: delta('cullinan.logs.lines', {
    unit: 'count',
    labels: own,
    help: 'Lines that were read.',
  }),
  known: delta('cullinan.logs.known', {
    unit: 'count',
    labels: own,
    help: 'Of these, lines that the parser knew.',
  }),
  bytes: delta('cullinan.logs.bytes', { unit: 'bytes', labels: own, help: 'What was read.' }),
  lost: delta('cullinan.logs.lost', {
    unit: 'count',
    labels: own,
    help: 'Times that something of a log could not be read any more.',
  }),
  logs: gauge('cullinan.logs.files', {
    unit: 'count',
    labels: own,
    help: 'Logs that are followed.',
  }),
};

/** The parser's metrics as this file has them, by their own names. */
const declared = new WeakMap<File, ReadonlyMap<string, Metric>>();

function metricsOf(file: File): ReadonlyMap<string, Metric> {
  const known = declared.get(file);
  if (known !== undefined) return known;
  const { as, labels, parser } = file;
  const more = Object.keys(labels);
  const made = parser.parser.metrics(parser.options).map((metric): [string, Metric] => {
    const name = as === undefined ? metric.name : `${as}.${metric.name}`;
    return [metric.name, { ...metric, name, labels: [...metric.labels, ...more] }];
  });
  const all = new Map(made);
  declared.set(file, all);
  return all;
}

function* observed(file: File, look: Look): Generator<Observation | Error> {
  const all = metricsOf(file);
  for (const { metric, labels, ...rest } of look.observations) {
    const its = all.get(metric.name);
    if (its === undefined)
      throw new Error(`${file.parser.parser.name}: ${metric.name} is not declared`);
    yield { ...rest, metric: its, labels: { ...labels, ...file.labels } };
  }
  const where = { path: file.path, parser: file.parser.parser.name };
  yield metrics.lines.observe(count(look.lines), where);
  yield metrics.known.observe(count(look.known), where);
  yield metrics.bytes.observe(bytes(look.bytes), where);
  yield metrics.lost.observe(count(look.lost.length), where);
  yield metrics.logs.observe(count(look.logs), where);
  if (look.absent) yield new NoData(`${file.path}: there is no such log`);
  yield* look.errors;
  for (const loss of look.lost) yield new Foreseen(said(loss));
}

const LOST: Readonly<Record<Loss['why'], string>> = {
  gone: 'was rotated away and is nowhere to be found; what was written to it last is lost',
  unfinished: 'ended within a line, which is not counted',
  damaged: 'cannot be unpacked; what is in it is lost',
  vacuumed: 'was vacuumed up to an entry that was not read yet; what was before it is lost',
  unreadable: 'has a file that cannot be read; what is in it is lost',
};
const said = ({ path, why }: Loss): string => `${path} ${LOST[why]}`;

export default defineCollector({
  name: 'logs',
  summary: 'Follows logs, and makes numbers of what is new in them.',
  source: 'the files that it is given',
  enabled: false,
  options,
  metrics,
  moreMetrics: ({ files }) => files.flatMap((file) => [...metricsOf(file).values()]),
  open(): Session<typeof options> {
    let ledger: Ledger | undefined;
    let follows: readonly { readonly file: File; readonly follow: Follow }[] | undefined;
    const begin = ({ files, state }: Options) => {
      const opened = new Ledger(state);
      const shared = scratch();
      ledger = opened;
      return files.map((file) => {
        const { parser, options } = file.parser;
        const { path, from } = file;
        const how = { parser: parser.name, parsing: parser.open(options), ledger: opened };
        const needles = parser.needles?.(options);
        return { file, follow: new Follow({ path, from, needles, ...how }, shared) };
      });
    };
    return {
      async *collect({ options, signal }) {
        follows ??= begin(options);
        for (const { file, follow } of follows) yield* observed(file, await follow.look(signal));
      },
      settled(collections) {
        for (const { follow } of follows ?? []) follow.settled(collections);
      },
      async close() {
        for (const { follow } of follows ?? []) await follow.written();
        await ledger?.close();
      },
    };
  },
});
