import { configJsonSchema } from '../config/index.ts';
import { collectorFacts, handlerFacts, type Plugins, parserFacts } from './facts.ts';
import { fill } from './markdown.ts';
import {
  collectorsPage,
  collectorsTable,
  configurationPage,
  dialectsTable,
  handlersPage,
  handlersTable,
  parsersPage,
  parsersTable,
} from './pages.ts';
import { sample } from './sample.ts';
import { builtinParsersSource, builtinSource, type PluginFiles } from './sources.ts';

/**
 * Every file that is generated, by its path in the repository, with what it must hold.
 *
 * @param readme the README as it is; its marked sections are filled.
 */
export function generatedFiles(
  plugins: Plugins,
  files: PluginFiles,
  readme: string,
): ReadonlyMap<string, string> {
  const collectors = [...plugins.collectors.values()];
  return new Map([
    ['src/agent/builtin.ts', builtinSource(files)],
    ['src/parsers/builtin.ts', builtinParsersSource(files)],
    ['docs/reference/collectors.md', collectorsPage(plugins)],
    ['docs/reference/handlers.md', handlersPage(plugins)],
    ['docs/reference/parsers.md', parsersPage(plugins)],
    ['docs/reference/configuration.md', configurationPage(plugins)],
    [
      'docs/reference/cullinan.schema.json',
      `${JSON.stringify(configJsonSchema(plugins), null, 2)}\n`,
    ],
    ['packaging/cullinan.yaml', sample(plugins)],
    [
      'README.md',
      fill(readme, {
        collectors: collectorsTable(
          collectors.map((it) => collectorFacts(it, plugins.dialects)),
          'docs/reference/collectors.md',
        ),
        handlers: handlersTable(
          [...plugins.handlers.values()].map(handlerFacts),
          'docs/reference/handlers.md',
        ),
        parsers: parsersTable(
          [...plugins.parsers.values()].map(parserFacts),
          'docs/reference/parsers.md',
        ),
        dialects: dialectsTable(plugins),
      }),
    ],
  ]);
}
