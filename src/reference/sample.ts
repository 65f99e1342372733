import { describeConfig, type Option } from '../config/index.ts';
import {
  type CollectorFacts,
  collectorFacts,
  type Facts,
  type HandlerFacts,
  handlerFacts,
  type ParserFacts,
  type Plugins,
} from './facts.ts';

/** Text that needs no quotes in YAML. */
const PLAIN = /^[A-Za-z/][\w./ -]*$|^\d[\w.]*$/;

/** Stands where only the user knows what to say. */
const BLANK = '…';

/** Columns, the number sign included. */
const WIDEST = 100;

/** A value as it is written in YAML. `Option.default` is JSON already, except for text. */
function written({ type, default: value, inWords }: Option): string {
  if (value === undefined || inWords) return BLANK;
  // Of what may be a word or a list of words, the default may be a list.
  const words = type.includes(' | ') && !type.startsWith('list of ') && !value.startsWith('[');
  const text = type === 'text' || type === 'duration' || type === 'size' || words;
  if (!text || PLAIN.test(value) || value === '""') return value;
  return JSON.stringify(value);
}

/** A line with its depth in front of it, and `#` where it stays a comment. */
interface Line {
  readonly depth: number;
  readonly text: string;
  readonly comment?: boolean;
}

/** Words on as many comment lines as they need. */
const comment = (depth: number, text: string): Line[] =>
  wrapped(text.split(' '), ' ', WIDEST - 3 - 2 * depth).map((line) => ({
    depth,
    text: line,
    comment: true,
  }));

function wrapped(words: readonly string[], between: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && line.length + between.length + word.length > width) {
      lines.push(line + between.trimEnd());
      line = word;
    } else line = line === '' ? word : line + between + word;
  }
  return [...lines, line];
}

/** A key with its value; a list on as many lines as it needs. A key without a value is a comment. */
function keyed(depth: number, key: string, option: Option): Line[] {
  const text = written(option);
  const isBlank = text === BLANK;
  const room = WIDEST - 1 - 2 * depth;
  if (key.length + 2 + text.length <= room || !text.startsWith('[')) {
    return [{ depth, text: `${key}: ${text}`, comment: isBlank }];
  }
  const items = (JSON.parse(text) as unknown[]).map((item) => JSON.stringify(item));
  return [
    { depth, text: `${key}: [` },
    ...wrapped(items, ', ', room - 3).map((line) => ({ depth: depth + 1, text: line })),
    { depth, text: ']' },
  ];
}

/** The keys of options as nested lines, with their help above them unless it is not wanted. */
function nested(options: readonly Option[], depth: number, helps: boolean): Line[] {
  const lines: Line[] = [];
  let open: readonly string[] = [];
  let said = '';
  for (const option of options) {
    // In the sample there is no entry yet that could have it.
    if (helps && option.ofEach) continue;
    // An entry of a list is a level of its own, whose first key stands behind the dash.
    const path = option.name.replaceAll('[].', '.-.').split('.');
    const key = path.pop() ?? '';
    let common = 0;
    while (common < path.length && path[common] === open[common]) common += 1;
    for (const [i, part] of path.entries()) {
      if (i >= common && part !== '-') lines.push({ depth: depth + i, text: `${part}:` });
    }
    const first = common < path.length && path.at(-1) === '-';
    open = path;
    const at = depth + path.length;
    if (first) {
      lines.push({ depth: at - 1, text: `- ${key}: ${written(option)}` });
      continue;
    }
    const help = helpOf(option);
    if (helps && help !== said) lines.push(...comment(at, help));
    said = help;
    lines.push(...keyed(at, key, option));
  }
  return lines;
}

function helpOf({ help, inWords, default: value, required }: Option): string {
  if (required) return `${help} Required.`;
  return inWords ? `${help} Default: ${value}.` : help;
}

const indented = ({ depth, text, comment }: Line): string =>
  `${'  '.repeat(depth)}${comment ? '# ' : ''}${text}`;

/** Whether an option is of the entries that are for the user to name, such as the targets of a check. */
const ofNamed = ({ name, required }: Option, options: readonly Option[]): boolean => {
  const list = options.find((it) => it.name === /^(.*?)(?:[.]NAME|\[\])[.]/.exec(name)?.[1]);
  return required && list !== undefined && written(list) === BLANK;
};

/**
 * A plugin in a configuration, with its own options at their defaults, and those it cannot do without;
 * a collector of what the user names with one such entry; a dialect in that of a handler.
 */
export function example({ type, name, options }: Exclude<Facts, ParserFacts>): string {
  const shown = options.filter((option) =>
    option.ofEach
      ? type === 'collector' && ofNamed(option, options)
      : option.required || written(option) !== BLANK,
  );
  const head: Line[] =
    type === 'dialect'
      ? ['handlers:', 'graphite:', 'dialect:', `name: ${name}`].map((text, depth) => ({
          depth,
          text,
        }))
      : [
          { depth: 0, text: `${type}s:` },
          { depth: 1, text: shown.length === 0 ? `${name}: {}` : `${name}:` },
        ];
  const own = nested(shown, type === 'dialect' ? 3 : 2, false);
  const lines = [...head, ...own.map((line) => ({ ...line, comment: false }))];
  return `${lines.map(indented).join('\n')}\n`;
}

const HEAD = `\
# yaml-language-server: $schema=/usr/share/cullinan/cullinan.schema.json
## The configuration of cullinan. Every key is here, commented out and at its default: without any
## of them the agent runs the collectors below. As a service it then sends nothing, and shows what
## they observe to \`cullinan top\`; elsewhere it draws it on the terminal, or prints it. To set a
## key, take the first # away from its line and from those it is nested in.
##
## Files in conf.d/*.yaml beside this one are read after it. To see what you have written, and the
## exact names that would be sent: cullinan check
##
## Generated by \`npm run generate\`. Editors find the keys by the first line, which stays a comment.
`;

/**
 * The sample configuration: every key with its default and its help, commented out. What stays a
 * comment has a second number sign, so that taking the first away from every line uncomments all
 * keys, and changes nothing.
 */
export function sample({ collectors, handlers, dialects }: Plugins): string {
  const { agent, collector, handler } = describeConfig();
  const commented = (lines: readonly Line[]): string =>
    lines.map((line) => `#${indented(line)}\n`).join('');
  const plugin = (facts: CollectorFacts | HandlerFacts, more: readonly Option[] = []): string => {
    const options = [...facts.options, ...more];
    // A collector that is named runs, unless it says otherwise.
    const off = facts.type === 'collector' && !facts.enabled;
    const bare = options.length === 0 && !off;
    return commented([
      ...comment(1, off ? `${facts.summary} Off unless it is configured.` : facts.summary),
      { depth: 1, text: bare ? `${facts.name}: {}` : `${facts.name}:` },
      ...(off ? [{ depth: 2, text: 'enabled: false' }] : []),
      ...nested(options, 2, true),
    ]);
  };
  const standard = collector.filter(({ name }) => name !== 'type');
  const sections = [
    [commented(nested(agent, 0, true))],
    [
      commented([
        { depth: 0, text: 'collectors:' },
        ...comment(1, 'Gives these to every collector; each may have its own.'),
        { depth: 1, text: 'default:' },
        ...nested(standard, 2, true),
      ]),
      ...[...collectors.values()].map((it) => plugin(collectorFacts(it, dialects))),
    ],
    [
      commented([
        ...comment(0, 'Every handler also has the options that are shown for graphite.'),
        { depth: 0, text: 'handlers:' },
      ]),
      ...[...handlers.values()]
        .map(handlerFacts)
        .map((it) => plugin(it, it.name === 'graphite' ? handler : [])),
    ],
  ];
  return [HEAD, ...sections.map((parts) => parts.join('#\n'))].join('\n');
}
