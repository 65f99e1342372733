import { basename } from 'node:path';
import {
  type CollectorFacts,
  commonParserOptions,
  type HandlerFacts,
  type ParserFacts,
  type Plugins,
} from './facts.ts';
import { blocks, prose } from './markdown.ts';
import { observedTable } from './observed.ts';
import { aboutCollector, aboutHandler, metricsTable, optionsTable } from './pages.ts';
import { sampleSection } from './parser-pages.ts';
import { aboutOf, remarksOf } from './remarks.ts';

/** A file beside a plugin's. */
export interface Beside {
  /** Where it is, seen from the plugin's folder. */
  readonly link: string;
  readonly text: string;
}

/** What is known of a plugin besides what it declares. */
export interface PluginEvidence {
  /** The text of its own file; '' where it cannot be had. */
  readonly source: string;
  /** What `cullinan test` holds it to: golden files, and the logs that a parser reads. */
  readonly tests: readonly Beside[];
}

/**
 * A page of one plugin in Markdown, as the reference has a section of each built-in one: options, metrics, what
 * each is called in each dialect, and an example from its tests.
 */
export function pluginPage(
  facts: CollectorFacts | HandlerFacts | ParserFacts,
  plugins: Plugins,
  evidence: PluginEvidence,
): string {
  return blocks(`# ${facts.name}`, ...sections(facts, plugins, evidence));
}

function sections(
  facts: CollectorFacts | HandlerFacts | ParserFacts,
  { collectors, parsers, dialects }: Plugins,
  { source, tests }: PluginEvidence,
): readonly string[] {
  switch (facts.type) {
    case 'collector': {
      const metrics = Object.values(collectors.get(facts.name)?.metrics ?? {});
      return aboutCollector(facts, metrics, dialects, { source, golden: tests });
    }
    case 'handler':
      return aboutHandler(facts, source);
    case 'parser': {
      const parser = parsers.get(facts.name);
      const usual = parser?.options.safeParse({});
      const metrics = usual?.success ? (parser?.metrics(usual.data) ?? []) : [];
      return [
        aboutOf(source) || prose(facts.summary),
        remarksOf(source),
        ...samplesOf(tests),
        '## Options',
        optionsTable([...facts.options, ...commonParserOptions()]),
        ...(metrics.length === 0
          ? []
          : [
              '## Metrics',
              metricsTable(facts.metrics),
              'What each is called in each dialect:',
              observedTable(metrics, undefined, dialects),
            ]),
        `The format of its lines: ${prose(facts.source)}.`,
      ];
    }
  }
}

/** Each log that has a golden file. */
function samplesOf(tests: readonly Beside[]): readonly string[] {
  const goldens = new Map(tests.map(({ link, text }) => [link, text]));
  return tests.flatMap(({ link, text }) => {
    const golden = goldens.get(link.replace(/\.log$/, '.txt'));
    if (!link.endsWith('.log') || golden === undefined) return [];
    return sampleSection({ name: basename(link, '.log'), link, log: text, golden });
  });
}
