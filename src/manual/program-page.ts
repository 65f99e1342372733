import { type CommandFacts, type Flag, type ProgramFacts, spellings, type Word } from './facts.ts';
import { bold, entry, example, italic, page, prose, section, subsection, text } from './roff.ts';

/** cullinan(1). `date` is that of the sources, as YYYY-MM-DD. */
export function programPage(facts: ProgramFacts, date: string): string {
  const { summary, version, commands } = facts;
  return page({ name: 'cullinan', section: 1, about: 'User commands' }, { version, date }, [
    section('Name', text(`cullinan - ${sentence(summary)}`)),
    section('Synopsis', `${bold('cullinan')} ${italic('command')} [${italic('option')} ...]`),
    section(
      'Description',
      text(
        'cullinan reads what the kernel knows about a machine, every ten seconds unless it is told otherwise,',
      ),
      text('and sends it where it is wanted, under the names that are known there.'),
      text('As a service it is'),
      `${bold('cullinan run')},`,
      text('with the configuration of'),
      '.BR cullinan.yaml (5).',
      '.PP',
      text('Data goes to standard output, talk to standard error.'),
    ),
    section('Commands', ...commands.map(command)),
    section(
      'Exit status',
      ...[
        ['0', 'fine'],
        ['1', 'anything that is not below'],
        ['2', 'diff-names: names go'],
        ['64', 'wrong usage'],
        ['65', 'cull: lines are lost'],
        ['78', 'wrong configuration'],
      ].map(([code = '', meaning = '']) => entry(bold(code), text(meaning))),
    ),
    section(
      'Signals',
      entry(
        bold('SIGHUP'),
        text('reads the configuration anew, and touches only what has changed'),
      ),
      entry(bold('SIGTERM'), text('delivers what is queued, says what was left, and ends')),
    ),
    section(
      'Files',
      entry(italic('/etc/cullinan/cullinan.yaml'), text('the configuration')),
      entry(
        italic('/etc/cullinan/conf.d/*.yaml'),
        text('parts of it, read in the order of their names'),
      ),
      entry(italic('/etc/cullinan/plugins/'), text('plugins of your own')),
      entry(
        italic('/run/cullinan/status.sock'),
        text('where the agent answers'),
        bold('cullinan status'),
      ),
      entry(
        italic('/var/lib/cullinan/'),
        text('what waits while a peer is away, and how far logs were read'),
      ),
    ),
    section('See also', '.BR cullinan.yaml (5),', '.BR systemd.service (5)'),
  ]);
}

/** Without the capital and the full stop that a sentence has. */
const sentence = (words: string): string =>
  `${words.charAt(0).toLowerCase()}${words.slice(1).replace(/\.$/, '')}`;

const command = ({ name, summary, words, flags, examples }: CommandFacts): string =>
  subsection(
    [
      'cullinan',
      name,
      ...words.map(wordAsUsed),
      ...(flags.length > 0 ? ['[option ...]'] : []),
    ].join(' '),
    `${prose(capital(summary))}.`,
    ...words.map(({ name: word, help }) => entry(italic(word), prose(help))),
    ...flags.map((it) => entry(flag(it), prose(withDefault(it)))),
    ...(examples.length === 0 ? [] : [example(examples)]),
  );

const capital = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}`;

const wordAsUsed = ({ name, required, variadic }: Word): string => {
  const word = variadic ? `${name} ...` : name;
  return required ? word : `[${word}]`;
};

const flag = (it: Flag): string => {
  const names = spellings(it).map(bold).join(', ');
  return it.value === undefined ? names : `${names} ${italic(it.value.name)}`;
};

const withDefault = ({ help, default: value }: Flag): string =>
  value === undefined ? help : `${help} (default: ${value})`;
