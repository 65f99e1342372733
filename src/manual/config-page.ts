import { describeConfig, type Option } from '../config/index.ts';
import { allFacts, commonParserOptions, type Facts, type Plugins } from '../reference/index.ts';
import {
  bold,
  breakable,
  entry,
  example,
  italic,
  page,
  prose,
  section,
  subsection,
  text,
} from './roff.ts';

/** cullinan.yaml(5): every option that there is. `date` is that of the sources, as YYYY-MM-DD. */
export function configPage(plugins: Plugins, version: string, date: string): string {
  const facts = allFacts(plugins);
  const { agent, collector, handler } = describeConfig();
  return page({ name: 'cullinan.yaml', section: 5, about: 'File formats' }, { version, date }, [
    section('Name', text('cullinan.yaml - configuration of cullinan, the host metrics agent')),
    section(
      'Synopsis',
      italic('/etc/cullinan/cullinan.yaml'),
      '.br',
      italic('/etc/cullinan/conf.d/*.yaml'),
    ),
    section(
      'Description',
      text('YAML. Every key may be left out: then what is said here to be its default holds.'),
      text(
        'Files in conf.d are read after the main file, in the order of their names, and merged into it:',
      ),
      text('maps key by key; of anything else, the later one holds.'),
      '.PP',
      text('Within a value,'),
      `${filledIn('NAME')} ${text('is a variable of the environment,')}`,
      `${filledIn('file:/run/secrets/x')} ${text('what a file holds, and')}`,
      `${filledIn('credential:x')} ${text('a credential that systemd hands to the service.')}`,
      text('Durations are numbers with a unit (10s, 500ms, 1h), sizes as well (16MiB, 1GB).'),
      '.PP',
      text('A file that is wrong starts nothing, and changes nothing in an agent that runs.'),
      `${bold('cullinan check')} ${text('says what is wrong, and where.')}`,
    ),
    section('The agent', ...agent.map(option)),
    section(
      'Collectors',
      text('Below'),
      `${bold('collectors')},`,
      text('by their names. Another name takes a type:'),
      `${bold('disk-slow: { type: disk }')}.`,
      subsection('Every collector', ...collector.map(option)),
      ...facts.filter(({ type }) => type === 'collector').map(plugin),
    ),
    section(
      'Handlers',
      text('Below'),
      `${bold('handlers')},`,
      text('by their names, with a type where the name is another.'),
      subsection('Every handler', ...handler.map(option)),
      ...facts.filter(({ type }) => type === 'handler').map(plugin),
    ),
    section(
      'Dialects',
      text('The names that a handler sends:'),
      `${bold('dialect: diamond')}, ${text('or')} ${bold('dialect: { name: diamond }')}`,
      text('with options beside the name.'),
      ...facts.filter(({ type }) => type === 'dialect').map(plugin),
    ),
    section(
      'Parsers',
      text('What the collector logs and'),
      `${bold('cullinan cull')} ${text('make of the lines of a log.')}`,
      subsection('Every parser', ...commonParserOptions().map(option)),
      ...facts.filter(({ type }) => type === 'parser').map(plugin),
    ),
    section(
      'Examples',
      text('To Carbon, with what waits on disk while it is away:'),
      example([
        'labels: { site: ams1 }',
        'handlers:',
        '  graphite:',
        '    host: graphite.example.net',
        '    queue: { spool: { size: 256MiB } }',
      ]),
    ),
    section('See also', '.BR cullinan (1),', '.BR systemd.exec (5)'),
  ]);
}

/** As a value that is not written out is written. */
const filledIn = (what: string): string => bold(`\${${what}}`);

const plugin = ({ name, summary, options }: Facts): string =>
  subsection(name, prose(summary), ...options.map(option));

const option = (it: Option): string =>
  entry(`${bold(it.name)}: ${italic(it.type)}`, prose(it.help), ...defaultOf(it));

function defaultOf({ required, inWords, default: value }: Option): readonly string[] {
  if (required) return [text('Required.')];
  if (value === undefined) return [];
  return [inWords ? prose(`Default: ${value}.`) : `${text('Default:')} ${breakable(bold(value))}`];
}
