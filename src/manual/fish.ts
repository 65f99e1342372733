import type { Flag, ProgramFacts, Takes } from './facts.ts';

const quoted = (words: string): string =>
  `'${words.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

function candidates(takes: Takes): string {
  switch (takes.kind) {
    case 'file':
      return ' -F';
    case 'folder':
      return " -a '(__fish_complete_directories)'";
    case 'words':
      return ` -a ${quoted(takes.words.join(' '))}`;
    case 'text':
      return '';
  }
}

const flag = ({ short, long, value, help }: Flag): string => {
  const names = `${short === undefined ? '' : ` -s ${short.slice(1)}`} -l ${long.slice(2)}`;
  // Files are offered for whatever takes a value, unless fish is told that there are none.
  const none = value?.takes.kind === 'file' ? '' : ' -f';
  const takes = value === undefined ? '' : ` -r${none}${candidates(value.takes)}`;
  return `${names}${takes} -d ${quoted(help)}`;
};

/** The completion for fish. */
export function fish({ commands }: ProgramFacts): string {
  const first = '__fish_use_subcommand';
  return `\
# fish completion for cullinan. Generated from its commands.
complete -c cullinan -f
complete -c cullinan -n ${first} -l version -d 'print the version'
complete -c cullinan -l help -d 'explain'
complete -c cullinan -n ${first} -a help -d 'explain a command'
complete -c cullinan -n '__fish_seen_subcommand_from help' -a '${commands.map(({ name }) => name).join(' ')}'
${commands
  .flatMap(({ name, summary, flags, words }) => {
    const here = quoted(`__fish_seen_subcommand_from ${name}`);
    const line = `complete -c cullinan -n ${here}`;
    return [
      `complete -c cullinan -n ${first} -a ${name} -d ${quoted(summary)}`,
      ...flags.map((it) => line + flag(it)),
      ...words
        .filter(({ takes }) => takes.kind !== 'text')
        .map(({ takes }) => line + candidates(takes)),
    ];
  })
  .join('\n')}
`;
}
