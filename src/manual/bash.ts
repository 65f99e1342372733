import { type CommandFacts, type Flag, type ProgramFacts, spellings, type Takes } from './facts.ts';

/** What bash makes of a word that is begun, as a line of shell. */
function candidates(takes: Takes): string {
  switch (takes.kind) {
    case 'file':
      return '_cullinan_files';
    case 'folder':
      return '_cullinan_files -d';
    case 'words':
      return `_cullinan_words "${takes.words.join(' ')}"`;
    case 'text':
      return ':';
  }
}

const valued = ({ name, flags }: CommandFacts): readonly string[] =>
  flags.flatMap((flag: Flag) =>
    flag.value === undefined
      ? []
      : [
          `    ${spellings(flag)
            .map((spelling) => `${name}:${spelling}`)
            .join(' | ')}) ${candidates(flag.value.takes)}; return ;;`,
        ],
  );

const flagsOf = ({ name, flags }: CommandFacts): string =>
  `      ${name}) _cullinan_words "${[...flags.flatMap(spellings), '--help'].join(' ')}" ;;`;

/** Each word behind a command by its place; the last one again and again, where it repeats. */
function wordsOf({ name, words }: CommandFacts): readonly string[] {
  return words.map(({ takes, variadic }, i) => {
    const place = variadic ? '*' : String(i);
    return `    ${name}:${place}) ${candidates(takes)} ;;`;
  });
}

/** The completion for bash, without the helpers of bash-completion. */
export function bash({ commands }: ProgramFacts): string {
  const takesValue = commands.flatMap(({ name, flags }) =>
    flags.flatMap((flag) =>
      flag.value === undefined ? [] : spellings(flag).map((spelling) => `${name}:${spelling}`),
    ),
  );
  const all = ['help', ...commands.map(({ name }) => name)].join(' ');
  return `\
# bash completion for cullinan. Generated from its commands.

_cullinan_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_cullinan_files() {
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen "\${1:--f}" -- "$cur")
}

_cullinan() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev='' command='' place=0 i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    prev=\${COMP_WORDS[i]}
    if [[ $command == '' ]]; then
      [[ $prev == -* ]] || command=$prev
    elif [[ $prev != -* ]]; then
      case $command:\${COMP_WORDS[i - 1]} in
        ${takesValue.join(' | ')}) ;;
        *) place=$((place + 1)) ;;
      esac
    fi
  done
  if [[ $command == '' ]]; then
    if [[ $cur == -* ]]; then _cullinan_words '--version --help'; else _cullinan_words '${all}'; fi
    return
  fi
  case $command:$prev in
${commands.flatMap(valued).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case $command in
${commands.map(flagsOf).join('\n')}
    esac
    return
  fi
  case $command:$place in
    help:0) _cullinan_words '${all}' ;;
${commands.flatMap(wordsOf).join('\n')}
  esac
}

complete -F _cullinan cullinan
`;
}
