/** A word of a command as the shell would see it, and where it stands. */
export interface Word {
  /** Without quotes; what is not known before it is run stands as it is written. */
  readonly text: string;
  readonly from: number;
  /** Behind its last character. */
  readonly to: number;
  /** Whether the shell puts something in its place: `$HOST`, `$(date)`, a glob. */
  readonly open: boolean;
}

/** Words of one command; what stands between commands (`|`, `&&`, `;`) and redirections are none. */
export type Command = readonly Word[];

const OPERATOR = /(?:&&|\|\||;;|[|&;()\n])/y;
const REDIRECTION = /\d*(?:>>|>&|<&|<<<?|<>|>\||[<>])&?\s*/y;
const BLANK = /(?:[ \t]|\\\n)+/y;

/** What stands there, by a sticky expression. */
function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/**
 * The commands of a line, as sh(1) splits it, without running or replacing anything.
 *
 * @param percents whether the line is cron's: there `\%` is a percent sign, and the first other one ends it.
 * @returns undefined where a quote is not closed.
 */
export function commandsOf(line: string, percents: boolean): readonly Command[] | undefined {
  const commands: Word[][] = [];
  let words: Word[] = [];
  let target = false;
  let at = 0;
  while (at < line.length) {
    const blank = matchAt(BLANK, line, at);
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    if (percents && line[at] === '%') break;
    if (line[at] === '#') {
      const end = line.indexOf('\n', at);
      at = end < 0 ? line.length : end;
      continue;
    }
    const redirection = matchAt(REDIRECTION, line, at);
    if (redirection !== undefined) {
      at += redirection.length;
      target = true;
      continue;
    }
    const operator = matchAt(OPERATOR, line, at);
    if (operator !== undefined) {
      at += operator.length;
      commands.push(words);
      words = [];
      target = false;
      continue;
    }
    const word = wordAt(line, at, percents);
    if (word === undefined) return undefined;
    if (!target) words.push(word);
    target = false;
    at = word.to;
  }
  commands.push(words);
  return commands.filter((command) => command.length > 0);
}

const ENDS = /[\s|&;()<>]/;

function wordAt(line: string, from: number, percents: boolean): Word | undefined {
  let text = '';
  let open = false;
  let at = from;
  /** Behind what the shell replaces; its end is not looked for within quotes of its own. */
  const replaced = (): void => {
    open = true;
    const opened = line.startsWith('$(', at) ? ')' : line[at] === '`' ? '`' : undefined;
    const end = opened === undefined ? -1 : line.indexOf(opened, at + 2);
    const to = opened === undefined || end < 0 ? at + 1 : end + 1;
    text += line.slice(at, to);
    at = to;
  };
  while (at < line.length) {
    const character = line[at] as string;
    if (ENDS.test(character) || (percents && character === '%')) break;
    if (character === '\\') {
      text += line[at + 1] === '\n' ? '' : (line[at + 1] ?? '');
      at += 2;
    } else if (character === "'") {
      const end = line.indexOf("'", at + 1);
      if (end < 0) return undefined;
      text += line.slice(at + 1, end);
      at = end + 1;
    } else if (character === '"') {
      at += 1;
      while (at < line.length && line[at] !== '"') {
        if (line[at] === '\\' && '"\\$`%\n'.includes(line[at + 1] ?? ' ')) {
          text += line[at + 1];
          at += 2;
        } else if (line[at] === '$' || line[at] === '`') replaced();
        else {
          text += line[at];
          at += 1;
        }
      }
      if (at >= line.length) return undefined;
      at += 1;
    } else if (character === '$' || character === '`') replaced();
    else {
      if ('*?['.includes(character)) open = true;
      text += character;
      at += 1;
    }
  }
  return { text, from, to: Math.min(at, line.length), open };
}

/** A word as the shell takes it. */
export const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
