/**
 * Follows logs, and makes numbers of what is new in them at each tick.
 *
 * Source  Any number of files and globs, through everything that they are rotated to: renamed, copied and
 *         truncated, dated, compressed (src/logs). What was found and how far each was read is written to
 *         `state` before it is handed over, and struck out once it has left the agent's memory: delivered,
 *         on disk in a spool, or dropped and counted. Whoever begins after a crash hands out what was not.
 *         The journal of systemd likewise, by its cursor.
 * Units   Those of the parsers. What is counted is an amount since the tick before.
 * Access  The agent's user has to be able to read the logs: on Debian as a member of the group adm, for
 *         the journal of systemd-journal.
 */
import {
  type Followed,
  Following,
  isJournal,
  journalQuery,
  type Look,
  type Noted,
} from 'cullinan/logs';
import { parserOption } from 'cullinan/parsers';
import {
  defineCollector,
  delta,
  dottedName,
  gauge,
  type Metric,
  wholePath,
  z,
} from 'cullinan/plugin';

const absolute = wholePath();

/** A path, or the journal in its place. */
const log = z.string().superRefine((path, context) => {
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  if (!isJournal(path)) {
    const [issue] = absolute.safeParse(path).error?.issues ?? [];
    if (issue !== undefined) wrong(issue.message);
    return;
  }
  try {
    journalQuery(path);
  } catch (error) {
    wrong((error as Error).message);
  }
});

const file = z.strictObject({
  path: log.describe(
    'The log, or a glob: `/var/log/nginx/*.log`. The lines of all that it matches are counted together. Or the journal ' +
      'of systemd: `journal:unit=ssh.service` (docs/journal.md).',
  ),
  parser: parserOption().describe(
    'What reads its lines: `access`, or a map with its options: `{ name: access, format: common }`.',
  ),
  as: dottedName()
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

type File = z.output<typeof file>;

/** What tells one of the files from the others, before and after a restart. */
const readerOf = ({ as, labels, parser }: Pick<File, 'as' | 'labels' | 'parser'>): string => {
  const own = Object.entries(labels).sort();
  const rest = own.length === 0 ? [] : [JSON.stringify(Object.fromEntries(own))];
  return [...(as === undefined ? [] : [as]), parser.parser.name, ...rest].join(' ');
};

const options = z.strictObject({
  files: z
    .array(file)
    .default([])
    .superRefine((files, context) => {
      const seen = new Map<string, number>();
      for (const [i, file] of files.entries()) {
        const key = readerOf(file);
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

/** The parser's metrics as this file has them: the same objects, as long as it is configured. */
const declared = new WeakMap<File, readonly Metric[]>();

function metricsOf(file: File): readonly Metric[] {
  const known = declared.get(file);
  if (known !== undefined) return known;
  const { as, labels, parser } = file;
  const more = Object.keys(labels);
  const made = parser.parser.metrics(parser.options).map((metric): Metric => {
    const name = as === undefined ? metric.name : `${as}.${metric.name}`;
    return { ...metric, name, labels: [...metric.labels, ...more] };
  });
  declared.set(file, made);
  return made;
}

/** What a look brought, under the names that it goes by here. */
function* noted(file: File, parser: string, look: Look): Generator<Noted> {
  const { path, as } = file;
  const { seconds } = look;
  for (const { metric, value, labels } of look.observations) {
    const name = as === undefined ? metric.name : `${as}.${metric.name}`;
    yield { metric: name, value, labels: { ...labels, ...file.labels }, seconds };
  }
  const labels = { path, parser };
  yield { metric: metrics.lines.name, value: look.lines, labels, seconds };
  yield { metric: metrics.known.name, value: look.known, labels, seconds };
  yield { metric: metrics.bytes.name, value: look.bytes, labels, seconds };
  yield { metric: metrics.lost.name, value: look.lost.length, labels, seconds };
  yield { metric: metrics.logs.name, value: look.logs, labels };
}

const followed = (file: File, _: number, files: readonly File[]): Followed => {
  const { parser, options } = file.parser;
  const { path, from } = file;
  const isTwin = (it: File) =>
    it !== file && it.path === path && it.parser.parser.name === parser.name;
  // Its name is all that is said of it, unless that does not tell two apart.
  const label = files.some(isTwin) ? readerOf(file) : parser.name;
  const all = [...metricsOf(file), ...Object.values(metrics)];
  return {
    ...{ reader: readerOf(file), path, from },
    metrics: new Map(all.map((metric) => [metric.name, metric])),
    parsing: parser.open(options),
    needles: parser.needles?.(options),
    journal: parser.journal,
    note: (look) => noted(file, label, look),
  };
};

export default defineCollector({
  name: 'logs',
  summary: 'Follows logs, and makes numbers of what is new in them.',
  source: 'the files that it is given',
  enabled: false,
  options,
  metrics,
  moreMetrics: ({ files }) => files.flatMap(metricsOf),
  open: () =>
    new Following<typeof options>(({ files, state }) => {
      return { followed: files.map(followed), folder: state };
    }),
});
