import { type Flag, type ProgramFacts, spellings, type Takes, type Word } from './facts.ts';

/** Within single quotes. */
const quoted = (words: string): string => `'${words.replaceAll("'", "'\\''")}'`;
/** A description in a specification of _arguments, where colons and brackets mean something. */
const told = (words: string): string => words.replace(/[[\]:\\]/g, '\\$&');

function action(takes: Takes): string {
  switch (takes.kind) {
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'words':
      return `(${takes.words.join(' ')})`;
    case 'text':
      return ' ';
  }
}

const flag = (it: Flag): readonly string[] =>
  spellings(it).map((spelling) => {
    const value = it.value === undefined ? '' : `:${told(it.value.name)}:${action(it.value.takes)}`;
    return quoted(`*${spelling}[${told(it.help)}]${value}`);
  });

const word = ({ name, variadic, required, takes }: Word): string =>
  quoted(`${variadic ? '*' : ''}:${required || variadic ? '' : ':'}${told(name)}:${action(takes)}`);

/** The completion for zsh. */
export function zsh({ commands }: ProgramFacts): string {
  return `\
#compdef cullinan
# Generated from the commands of cullinan.

local line state
_arguments -C '--version[print the version]' '--help[explain]' '1: :->command' '*:: :->words'
case $state in
  command)
    local -a commands=(
${[{ name: 'help', summary: 'explain a command' }, ...commands]
  .map(({ name, summary }) => `      ${quoted(`${name}:${told(summary)}`)}`)
  .join('\n')}
    )
    _describe command commands
    ;;
  words)
    case $line[1] in
${commands
  .map(({ name, flags, words }) => {
    const specs = [...flags.flatMap(flag), ...words.map(word)];
    return `      ${name})\n        _arguments '--help[explain]' ${specs
      .map((spec) => `\\\n          ${spec}`)
      .join(' ')}\n        ;;`;
  })
  .join('\n')}
    esac
    ;;
esac
`;
}
