import { configJsonSchema } from '../config/index.ts';
import {
  collectorFacts,
  handlerFacts,
  type ParserFacts,
  type Plugins,
  parserFacts,
} from './facts.ts';
import { guestsTable } from './guests.ts';
import { fill } from './markdown.ts';
import { observedTable } from './observed.ts';
import {
  collectorsPage,
  collectorsTable,
  configurationPage,
  dialectsTable,
  type Evidence,
  handlersPage,
  handlersTable,
} from './pages.ts';
import { parserPage, parsersIndex, parsersTable } from './parser-pages.ts';
import { sample } from './sample.ts';
import {
  builtinParsersSource,
  builtinSource,
  type PluginFiles,
  type Template,
  templatesSource,
} from './sources.ts';

/** The lists of files that are generated from. */
export interface SourceFiles extends PluginFiles {
  /** What parsers are shown by: names in test/golden/parsers and test/fixtures/logs. */
  readonly samples: readonly string[];
  /** What collectors observe at their defaults in their tests: paths of files, by name. */
  readonly golden: ReadonlyMap<string, readonly string[]>;
  /** By kind. */
  readonly templates: ReadonlyMap<string, Template>;
}

/**
 * Every file that is generated, by its path in the repository, with what it must hold.
 *
 * @param textOf a file of the repository as it is; '' where there is none.
 */
export function generatedFiles(
  plugins: Plugins,
  files: SourceFiles,
  textOf: (path: string) => string,
): ReadonlyMap<string, string> {
  const parsers = [...plugins.parsers.values()].map(parserFacts);
  const collectors = [...plugins.collectors.values()];
  return new Map([
    ['src/agent/builtin.ts', builtinSource(files)],
    ['src/parsers/builtin.ts', builtinParsersSource(files)],
    ['src/cli/templates.ts', templatesSource(files.templates)],
    ...[...files.templates].map(([kind, template]): [string, string] => {
      const path = `docs/write-a-${kind}.md`;
      return [path, fill(textOf(path), codeOf(template))];
    }),
    [
      'docs/reference/collectors.md',
      collectorsPage(plugins, evidenceOf('collectors', plugins, files, textOf)),
    ],
    [
      'docs/reference/handlers.md',
      handlersPage(plugins, evidenceOf('handlers', plugins, files, textOf)),
    ],
    ['docs/parsers/README.md', parsersIndex(parsers)],
    ...parserPages(parsers, plugins, files, textOf),
    ['docs/reference/configuration.md', configurationPage(plugins)],
    [
      'docs/reference/cullinan.schema.json',
      `${JSON.stringify(configJsonSchema(plugins), null, 2)}\n`,
    ],
    ['packaging/cullinan.yaml', sample(plugins)],
    [
      'docs/guests.md',
      fill(textOf('docs/guests.md'), {
        names: guestsTable(
          Object.values(plugins.collectors.get('libvirt')?.metrics ?? {}),
          plugins.dialects,
        ),
      }),
    ],
    [
      'README.md',
      fill(textOf('README.md'), {
        collectors: collectorsTable(
          collectors.map((it) => collectorFacts(it, plugins.dialects)),
          'docs/reference/collectors.md',
        ),
        handlers: handlersTable(
          [...plugins.handlers.values()].map(handlerFacts),
          'docs/reference/handlers.md',
        ),
        parsers: parsersTable(parsers, 'docs/parsers/'),
        dialects: dialectsTable(plugins),
      }),
    ],
  ]);
}

/** By the names of plugins: their files, and what they observed in their tests. */
const evidenceOf = (
  folder: 'collectors' | 'handlers',
  plugins: Plugins,
  files: SourceFiles,
  textOf: (path: string) => string,
): ReadonlyMap<string, Evidence> =>
  new Map(
    [...plugins[folder].keys()].map((name, i) => [
      name,
      {
        source: textOf(`${folder}/${files[folder][i]}.ts`),
        golden: (folder === 'collectors' ? (files.golden.get(name) ?? []) : []).map((path) => ({
          link: `../../${path}`,
          text: textOf(path),
        })),
      },
    ]),
  );

/** The files of a template, fenced, by their paths. */
const codeOf = ({ files }: Template): Readonly<Record<string, string>> =>
  Object.fromEntries(
    files.map(([path, text]) => [
      path,
      `\`\`\`${path.endsWith('.ts') ? 'ts' : ''}\n${text}\`\`\`\n`,
    ]),
  );

/** A page for each parser. Its first sample is the one that is called as it is. */
const parserPages = (
  parsers: readonly ParserFacts[],
  plugins: Plugins,
  files: SourceFiles,
  textOf: (path: string) => string,
): readonly (readonly [string, string])[] =>
  parsers.map((facts, i) => {
    const { name } = facts;
    const path = `docs/parsers/${name}.md`;
    const samples = files.samples
      .filter((sample) => sample === name || sample.startsWith(`${name}.`))
      .map((sample) => ({
        name: sample,
        link: `../../test/fixtures/logs/${sample}.log`,
        log: textOf(`test/fixtures/logs/${sample}.log`),
        golden: textOf(`test/golden/parsers/${sample}.txt`),
      }));
    const source = textOf(`parsers/${files.parsers[i]}.ts`);
    const parser = plugins.parsers.get(name);
    const usual = parser?.options.safeParse({});
    const metrics = usual?.success ? (parser?.metrics(usual.data) ?? []) : [];
    const names = observedTable(metrics, undefined, plugins.dialects);
    return [path, parserPage(facts, { source, samples, page: textOf(path), names })];
  });
