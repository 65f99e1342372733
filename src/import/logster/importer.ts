import { lstatSync } from 'node:fs';
import type { Draft, Line } from '../draft.ts';
import type { Importer } from '../importer.ts';
import { readInput } from '../input.ts';
import { InputError } from '../problem.ts';
import { callsIn, reasonsOf, type Translated, translate } from './command.ts';
import { type Command, commandsOf, quoted } from './shell.ts';

const SCHEDULE = /^\s*(?:@\w+|(?:[\d*~][\d*,/~-]*\s+){3}[\w*,/~-]+\s+[\w*,/~-]+)\s/;

/**
 * logster's calls as cullinan's: crontabs, of users and of /etc/cron.d, scripts, and single commands. Its
 * configuration is its command line, and that is what comes out: the same file, in which `cullinan cull`
 * takes logster's place and nothing else changes.
 */
export const logster: Importer = {
  name: 'logster',
  title: 'logster',
  takes: 'a crontab, or a command line',
  draft(words, draft) {
    const [first] = words;
    if (first === undefined)
      throw new InputError({ file: 'logster' }, 'name a crontab, or a command');
    const isFile =
      words.length === 1 && (first.includes('/') || exists(first)) && !/\s/.test(first);
    const text = isFile ? readInput(first) : commandLine(words);
    const file = isFile ? first : 'command line';
    const lines = text.replace(/\n$/, '').split('\n');
    const made: string[] = [];
    for (let i = 0; i < lines.length; i += 1) {
      let whole = lines[i] ?? '';
      const number = i + 1;
      // Only scripts have lines that go on; cron takes a backslash as it is.
      while (!SCHEDULE.test(whole) && whole.endsWith('\\') && i + 1 < lines.length) {
        i += 1;
        whole += `\n${lines[i]}`;
      }
      if (whole.trim() === '' || /^\s*#/.test(whole)) made.push(whole);
      else made.push(...converted(draft, draft.line(file, number, whole), whole));
    }
    draft.instead = `${made.join('\n')}\n`;
  },
};

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

const commandLine = (words: readonly string[]): string =>
  words.length === 1 ? (words[0] ?? '') : words.map(quoted).join(' ');

/** A line as it is to be written, with what there is to say before it. */
function converted(draft: Draft, line: Line, whole: string): string[] {
  if (!/logster/i.test(whole)) {
    draft.carry(line);
    return [whole];
  }
  const isCron = SCHEDULE.test(whole);
  const schedule = isCron ? (SCHEDULE.exec(whole)?.[0].length ?? 0) : 0;
  const commands = commandsOf(blanked(whole, schedule), isCron);
  if (commands === undefined) return left(draft, line, whole, 'a quote in it is not closed');
  const comments: string[] = [];
  const reasons: string[] = [];
  let made = whole;
  let calls = 0;
  // From the last one on, so that places before stay where they are.
  for (const command of commands.toReversed()) {
    const translated = callOf(command);
    if (translated === undefined) continue;
    calls += 1;
    if (typeof translated === 'string') {
      reasons.unshift(translated);
      continue;
    }
    for (const { from, to, text } of translated.edits.toReversed()) {
      const gap = text === '' && /\s/.test(made[from - 1] ?? '') ? 1 : 0;
      made = made.slice(0, from - gap) + text + made.slice(to);
    }
    comments.unshift(...translated.notes.map((note) => `# ${note}`));
    if (translated.without.length > 0) reasons.unshift(reasonsOf(translated.without));
  }
  if (calls === 0) {
    if (!/(?:^|[\s/])logster(?:\s|$)|\$\{?\w*logster/i.test(whole)) {
      draft.carry(line);
      return [whole];
    }
    return left(draft, line, whole, 'it names logster, but not as a command that could be read');
  }
  const told = [...new Set(reasons)];
  if (told.length === 0) draft.carry(line);
  else draft.leave(line, told.join('; '));
  return [
    ...comments,
    ...told.map((why) => `# of line ${line.line} not carried over: ${oneLine(why)}`),
    made,
  ];
}

/** What becomes of a command's call of logster; of several words that may be one, the one that can be. */
function callOf(command: Command): Translated | string | undefined {
  let why: string | undefined;
  for (const { first, rest, sure } of callsIn(command)) {
    const translated = translate(command, first, rest);
    if (typeof translated !== 'string') return translated;
    if (sure) why ??= translated;
  }
  return why;
}

function left(draft: Draft, line: Line, whole: string, why: string): string[] {
  draft.leave(line, why);
  return [`# line ${line.line} not carried over: ${oneLine(why)}`, whole];
}

const oneLine = (text: string): string => text.replace(/\p{Cc}/gu, '?');
const blanked = (whole: string, length: number): string => ' '.repeat(length) + whole.slice(length);
