import { printable } from '../wire/printable.ts';
import { commonParserOptions, type ParserFacts } from './facts.ts';
import { blocks, code, prose, table } from './markdown.ts';
import { type Seen, seen } from './observed.ts';
import { metricsTable, NOTE, optionsTable } from './pages.ts';
import { aboutOf, remarksOf } from './remarks.ts';

/** A log that a parser read, and what it reported: what its tests hold it to. */
export interface ParserSample {
  /** Of its files, without what they end with. */
  readonly name: string;
  /** Where the log is, seen from the page. */
  readonly link: string;
  readonly log: string;
  /** Its golden file; see test/support/parsers.ts. */
  readonly golden: string;
}

/** Where a parser stands, and what it is shown by. */
export interface ParserEvidence {
  /** The text of its file: its first comment says what it reads, in paragraphs that begin with a word. */
  readonly source: string;
  readonly samples: readonly ParserSample[];
  /** What its metrics are called in each dialect, as a table. */
  readonly names: string;
  /** The page as it is: what stands below {@link BY_HAND} stays. */
  readonly page: string;
}

const BY_HAND = '<!-- What stands below is written by hand and kept. -->';

/** Lines of a sample that are shown, and characters of one. */
const MOST_LINES = 8;
const WIDEST = 200;

/** docs/parsers/<name>.md */
export function parserPage(
  facts: ParserFacts,
  { source, samples, page, names }: ParserEvidence,
): string {
  const about = aboutOf(source);
  const [, byHand] = page.split(BY_HAND);
  const unnamed = facts.metrics.length === 0;
  return blocks(
    `# ${facts.name}`,
    NOTE,
    about,
    remarksOf(source),
    ...samples.flatMap(sampleSection),
    '## Options',
    facts.options.length === 0
      ? `It has none of its own, and [those of every parser](README.md#options-of-every-parser).`
      : optionsTable(facts.options),
    facts.options.length === 0
      ? ''
      : 'Beside these it has [those of every parser](README.md#options-of-every-parser).',
    unnamed ? '' : '## Metrics',
    unnamed ? '' : metricsTable(facts.metrics),
    names === '' ? '' : 'What each is called in each dialect:',
    names,
    `The format of its lines: ${prose(facts.source)}.`,
    ...(byHand === undefined ? [] : [BY_HAND, byHand.trim()]),
  );
}

/** docs/parsers/README.md */
export const parsersIndex = (facts: readonly ParserFacts[]): string =>
  blocks(
    '# Parsers',
    NOTE,
    'What makes numbers of log lines. Each has a page: what it reads, what it makes of a sample, its options.',
    parsersTable(facts, ''),
    '## How to use one',
    'To see what it makes of a log of yours:',
    '```sh\ncullinan check --sample /var/log/mail.log --parser postfix\n```',
    'From cron or a timer, from where the last run stopped ([cull](../cull.md)):',
    '```sh\ncullinan cull --output=graphite --graphite-host=carbon:2003 postfix /var/log/mail.log\n```',
    'All the time, by the agent ([logs](../reference/collectors.md#logs)):',
    '```yaml\ncollectors:\n  logs:\n    files:\n      - path: /var/log/nginx/*.log\n        parser: { name: access, format: combined, topPaths: 20 }\n```',
    '## Options of every parser',
    'Beside its own. On the command line they go into `--parser-options`: `--parser-options "wrapper: docker, join: time"`.',
    optionsTable(commonParserOptions()),
    'A record that goes on over several lines, or a line that a runtime has cut, counts once: where a report comes in the ' +
      'middle of it, as far as it has come. Only a run of `cull` that begins within a line that Docker or CRI has cut takes its ' +
      'rest for a line.',
  );

/** One line per parser. `folder` is where the pages are, seen from where the table is. */
export const parsersTable = (facts: readonly ParserFacts[], folder: string): string =>
  table(
    ['Parser', 'Reads'],
    facts.map(({ name, summary }) => [`[${name}](${folder}${name}.md)`, prose(summary)]),
  );

export function sampleSection({ name, link, log, golden }: ParserSample): string[] {
  const [head = '', summary = '', ...lines] = golden.split('\n');
  const options: unknown = JSON.parse(/^# \S+ with (.*)$/.exec(head)?.[1] ?? '{}');
  const [, known = '', all = ''] = /^# (\d+) of (\d+) lines/.exec(summary) ?? [];
  const end = lines.findIndex((line) => line.startsWith('#'));
  const given = Object.keys(options as object).length > 0;
  const shown = log.split('\n').slice(0, MOST_LINES).map(shownLine);
  return [
    given ? '## A sample, with options' : '## A sample',
    given ? `\`\`\`yaml\n${yamlOf(options)}\n\`\`\`` : '',
    `[${name}.log](${link}) begins with these lines:`,
    `\`\`\`\n${shown.join('\n').trimEnd()}\n\`\`\``,
    `Of its ${all} lines ${known} are known. In 60 seconds they come to this; what is 0 is left out:`,
    reported(lines.slice(0, end).flatMap((line) => seen(line) ?? [])),
  ];
}

function shownLine(line: string): string {
  const readable = line.split('\t').map(printable).join('\t');
  return readable.length > WIDEST ? `${readable.slice(0, WIDEST)}…` : readable;
}

/** Options in YAML: a list of maps on lines of their own, everything else as JSON, which YAML is. */
const yamlOf = (options: unknown): string =>
  Object.entries(options as object)
    .map(([name, value]) => {
      const isList = Array.isArray(value) && typeof value[0] === 'object';
      if (!isList) return `${name}: ${plain(value)}`;
      const items = value.map((item: object) => {
        const pairs = Object.entries(item).map(([key, each]) => `${key}: ${plain(each)}`);
        return `  - { ${pairs.join(', ')} }`;
      });
      return `${name}:\n${items.join('\n')}`;
    })
    .join('\n');

/** Texts that hold anything but letters, digits and dots in single quotes, in which nothing is special. */
function plain(value: unknown): string {
  if (typeof value !== 'string') {
    return Array.isArray(value) ? `[${value.map(plain).join(', ')}]` : JSON.stringify(value);
  }
  return /^[A-Za-z][\w.]*$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`;
}

interface Row {
  readonly metric: string;
  readonly labels: string;
  readonly values: string[];
  readonly unit: string;
  readonly kind: string;
}

/** A row a series; one for all statistics of the same. */
function reported(all: readonly Seen[]): string {
  const rows = new Map<string, Row>();
  for (const { metric, labels, value, unit, kind } of all) {
    const { statistic, ...others } = labels;
    if (Number(value) === 0 && statistic === undefined) continue;
    const key = Object.entries(others)
      .map(([label, text]) => `${label}=${text}`)
      .join(', ');
    const id = `${metric}{${key}}`;
    const row = rows.get(id) ?? { metric, labels: key, values: [], unit, kind };
    rows.set(id, row);
    const number = `${Number(Number(value).toPrecision(6))}`;
    row.values.push(statistic === undefined ? number : `${statistic} ${number}`);
  }
  return table(
    ['Metric', 'Labels', 'Value', 'Unit', 'Kind'],
    [...rows.values()].map(({ metric, labels, values, unit, kind }) => [
      code(metric),
      code(labels),
      values.join(', '),
      unit,
      kind,
    ]),
  );
}
