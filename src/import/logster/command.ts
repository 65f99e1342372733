import type { Command, Word } from './shell.ts';

/** What becomes of a command of logster. */
export interface Translated {
  /** What is written instead of parts of the line, in their order. */
  readonly edits: readonly { readonly from: number; readonly to: number; readonly text: string }[];
  /** What of it could not be carried over, each with why. */
  readonly without: readonly { readonly what: string; readonly why: string }[];
  /** What does not change its meaning, and is worth knowing. */
  readonly notes: readonly string[];
}

/** logster's options, by their short names; those with a value are `true`. */
const OPTIONS: Readonly<Record<string, boolean>> = {
  ...{ tailer: true, locker: true, logtail: true, 'metric-prefix': true, 'metric-suffix': true },
  ...{ 'parser-help': false, 'parser-options': true, 'state-dir': true, 'log-dir': true },
  ...{ 'log-conf': true, output: true, 'dry-run': false, debug: false, help: false },
  ...{ 'graphite-host': true, 'graphite-protocol': true, 'statsd-host': true },
  ...{ 'stdout-separator': true, 'gmetric-options': true, 'nsca-host': true },
  ...{ 'nsca-service-hostname': true, 'aws-key': true, 'aws-secret-key': true },
};

const SHORT: Readonly<Record<string, string>> = {
  ...{ t: 'tailer', p: 'metric-prefix', x: 'metric-suffix', s: 'state-dir', l: 'log-dir' },
  ...{ o: 'output', d: 'dry-run', D: 'debug', h: 'help' },
};

const PARSERS = [
  ...['ErrorLogLogster', 'JsonLogster', 'Log4jLogster', 'MetricLogster', 'PostfixLogster'],
  ...['SampleLogster', 'SquidLogster'],
];
const OUTPUTS = ['stdout', 'graphite', 'statsd', 'ganglia'];

/** Options that say nothing here; what they were for. */
const NEEDLESS: Readonly<Record<string, string>> = {
  tailer: 'cullinan reads logs itself',
  logtail: 'cullinan reads logs itself',
  locker: 'cullinan locks by itself, and takes over a lock that nobody holds any more',
  'log-dir': 'cullinan says what there is to say on standard error, which cron sends by mail',
  'log-conf': 'cullinan says what there is to say on standard error, which cron sends by mail',
};

const ELSEWHERE: Readonly<Record<string, string>> = {
  nsca: 'cullinan does not send to NSCA: let Nagios ask Graphite or Prometheus for the numbers',
  cloudwatch:
    'cullinan does not send to CloudWatch: an OpenTelemetry collector passes on what -o otlp sends',
};
const OF_ELSEWHERE = /^(?:nsca|aws)-/;

interface Given {
  readonly option: string;
  readonly value: Word | undefined;
  /** The value alone, where it is part of the option's word. */
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** Programs that run the command behind them. */
const RUNS_OTHERS =
  /(?:^|\/)(?:sudo|su|doas|env|nice|ionice|chrt|taskset|timeout|time|flock|lockrun|solo|chronic|nohup|setsid|exec|command|python[\d.]*)$/;

/** A place in a command where logster may be called. */
export interface Call {
  /** The word that begins it: `python` in `python /usr/bin/logster`. */
  readonly first: number;
  /** The first word behind logster. */
  readonly rest: number;
  /** Whether it can be nothing else: a folder, a user may be called the same. */
  readonly sure: boolean;
}

/** Where logster may be called, as the first word or by another program. */
export function callsIn(command: Command): readonly Call[] {
  return command.flatMap(({ text }, i): Call[] => {
    if (!/(?:^|\/)logster$/.test(text) || command[i + 1] === undefined) return [];
    const before = command[i - 1]?.text ?? '';
    if (before.startsWith('-')) return [];
    const python = /(?:^|\/)python[\d.]*$/.test(before);
    const run = python || command.slice(0, i).some((word) => RUNS_OTHERS.test(word.text));
    const program = /^logster$|bin\/logster$/.test(text) && i <= 1;
    return [{ first: python ? i - 1 : i, rest: i + 1, sure: run || program }];
  });
}

/** @returns a text: why nothing of the command can be carried over. */
export function translate(command: Command, first: number, rest: number): Translated | string {
  const start = command[first];
  const program = command[rest - 1];
  if (start === undefined || program === undefined) return 'it is no command';
  const split = parted(command.slice(rest));
  if (typeof split === 'string') return split;
  const { given, operands } = split;
  if (given.some(({ option }) => option === 'help')) return 'it only shows logster’s help';
  const helps = given.some(({ option }) => option === 'parser-help');
  const [parser, log, more] = operands;
  if (parser === undefined || (log === undefined && !helps) || more !== undefined) {
    return `logster takes a parser and a log; here it has ${operands.length === 0 ? 'neither' : operands.map(({ text }) => text).join(' ')}`;
  }
  const edits = [{ from: start.from, to: program.to, text: 'cullinan cull' }];
  const without: { what: string; why: string }[] = [];
  const notes: string[] = [];

  if (parser.open) notes.push(`the parser is ${parser.text}: cullinan has ${PARSERS.join(', ')}`);
  else {
    const known = PARSERS.find((it) => isClass(parser.text, it));
    if (known === undefined) {
      return (
        `the parser ${parser.text} is your own: write its three methods in one file of TypeScript ` +
        '(docs/logster.md, “A parser of your own”), and name that file'
      );
    }
    if (known !== parser.text) edits.push({ from: parser.from, to: parser.to, text: known });
  }

  let outputs = 0;
  for (const { option, text, value, from, to } of given) {
    const remove = (what: string, why: string): void => {
      without.push({ what, why });
      edits.push({ from, to, text: '' });
    };
    const needless = NEEDLESS[option];
    if (needless !== undefined) {
      notes.push(`--${option} is left out: ${needless}`);
      edits.push({ from, to, text: '' });
    } else if (OF_ELSEWHERE.test(option)) {
      remove(`--${option}`, ELSEWHERE[option.startsWith('nsca') ? 'nsca' : 'cloudwatch'] ?? '');
    } else if (option === 'output') {
      const name = /^logster\.outputs\.(\w+)(?:\.\w+)?$/.exec(text)?.[1] ?? text;
      if (value?.open === true || OUTPUTS.includes(name)) outputs += 1;
      else {
        const own = 'it is an output of your own: have -o exec run a script';
        remove(`--output=${text}`, ELSEWHERE[name] ?? own);
      }
    } else if (option === 'state-dir') {
      notes.push(
        `logster’s states in ${text} are not read: the first run only takes note of where the log ends`,
      );
    } else if (option === 'gmetric-options' && !/^(?:\s*-[dcS]\s+\S+)*\s*$/.test(text)) {
      remove(
        '--gmetric-options',
        'only -d, -c and -S can be carried over, because gmetric is not called',
      );
    }
  }
  if (outputs === 0 && !helps) {
    return without.length === 0 ? 'it has no --output, which logster refuses' : reasonsOf(without);
  }
  edits.sort((a, b) => a.from - b.from);
  return { edits, without, notes };
}

/** Each reason once, behind all that it is the reason of. */
export function reasonsOf(without: Translated['without']): string {
  const reasons = new Set(without.map(({ why }) => why));
  return [...reasons]
    .map((reason) => {
      const what = without.filter(({ why }) => why === reason).map((it) => it.what);
      return `${what.join(', ')}: ${reason}`;
    })
    .join('; ');
}

const isClass = (text: string, name: string): boolean =>
  text === name || text === `logster.parsers.${name}.${name}` || text === `logster.parsers.${name}`;

/** Options and operands, as Python's optparse has them: mixed, and long ones abbreviated. */
function parted(
  words: Command,
): { readonly given: readonly Given[]; readonly operands: readonly Word[] } | string {
  const given: Given[] = [];
  const operands: Word[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] as Word;
    if (word.text === '--') {
      operands.push(...words.slice(i + 1));
      break;
    }
    if (!word.text.startsWith('-') || word.text === '-') {
      operands.push(word);
      continue;
    }
    const equals = word.text.startsWith('--') ? word.text.indexOf('=') : -1;
    const called = equals < 0 ? word.text : word.text.slice(0, equals);
    let joined = equals < 0 ? undefined : word.text.slice(equals + 1);
    let option: string | undefined;
    if (called.startsWith('--')) {
      const name = called.slice(2);
      const fits = Object.keys(OPTIONS).filter((it) => it.startsWith(name));
      option = fits.includes(name) ? name : fits.length === 1 ? fits[0] : undefined;
    } else {
      option = SHORT[called[1] ?? ''];
      const more = called.slice(2);
      if (option !== undefined && more !== '') {
        if (OPTIONS[option] !== true) return `${called} are several options: write each by itself`;
        joined = more;
      }
    }
    if (option === undefined) return `${called} is no option of logster`;
    if (OPTIONS[option] !== true) {
      given.push({ option, value: undefined, text: '', from: word.from, to: word.to });
      continue;
    }
    const value = joined === undefined ? words[i + 1] : word;
    if (value === undefined) return `${called} has no value`;
    if (joined === undefined) i += 1;
    given.push({ option, value, text: joined ?? value.text, from: word.from, to: value.to });
  }
  return { given, operands };
}
