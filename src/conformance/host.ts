import type { Host, Tree } from '../plugin/index.ts';

/** Passes on one question to a host, such as `read proc/stat` or `statfs /`, or answers itself. */
type Ask = <T>(question: string, ask: () => T) => T;

function asking(host: Host, ask: Ask): Host {
  const tree = (name: 'proc' | 'sys' | 'root'): Tree => ({
    read: (path) => ask(`read ${name}/${path}`, () => host[name].read(path)),
    list: (path) => ask(`list ${name}/${path}`, () => host[name].list(path)),
    link: (path) => ask(`link ${name}/${path}`, () => host[name].link(path)),
  });
  return {
    proc: tree('proc'),
    sys: tree('sys'),
    root: tree('root'),
    foreign: host.foreign,
    statfs: (mount) => ask(`statfs ${mount}`, () => host.statfs(mount)),
    statfsGuarded: async (mount, signal) =>
      ask(`guarded ${mount}`, () => host.statfsGuarded(mount, signal)),
  };
}

/** Answers from memory after the first time, so that thousands of collections stay fast. */
export function remembering(host: Host): {
  readonly host: Host;
  readonly files: ReadonlySet<string>;
} {
  const answers = new Map<string, () => unknown>();
  const files = new Set<string>();
  const remember = <T>(question: string, ask: () => T): T => {
    let answer = answers.get(question);
    if (answer === undefined) {
      try {
        const value = ask();
        answer = () => value;
        if (question.startsWith('read ')) files.add(question);
      } catch (error) {
        answer = () => {
          throw error;
        };
      }
      answers.set(question, answer);
    }
    return answer() as T;
  };
  return { host: asking(host, remember), files };
}

/** The host with some answers changed. */
export const changing = (host: Host, change: (question: string, text: string) => string): Host =>
  asking(host, (question, ask) => {
    const answer = ask();
    return typeof answer === 'string' ? (change(question, answer) as typeof answer) : answer;
  });

/** The host with every question, or one, answered by an error. */
export const refusing = (host: Host, refuse: (question: string) => Error | undefined): Host =>
  asking(host, (question, ask) => {
    const error = refuse(question);
    if (error !== undefined) throw error;
    return ask();
  });

/** The text behind a question such as `read proc/stat`. */
export function readAgain(host: Host, question: string): string {
  const [, name = '', path = ''] = /^read (proc|sys|root)\/(.*)$/s.exec(question) ?? [];
  return host[name as 'proc' | 'sys' | 'root'].read(path);
}
