/** Keeps secrets out of what people are shown. */

const SECRET_NAME =
  /pass?w(?:or|r)?d|pass(?:phrase)?$|secret|token|credential|api[_-]?key|private[_-]?key|authorization|cookie/i;
const SECRET_VALUE =
  /((?:pass?w(?:or|r)?d|pass(?:phrase)?|secret|token|credential|api[_-]?key|private[_-]?key|authorization|cookie)\w{0,20}["']?\s{0,20}:\s)(.*)$/i;
/** A password may be a token of some thousand characters, as RabbitMQ takes. */
const USER_INFO = /(:\/\/[^\s/:@]{0,200}:)([^\s"']{1,9999})(?=@)/g;
const QUERIED = /([?&]([\w-]{1,40})=)([^\s"'&#]+)/g;
/** Names of secrets in a query that mean other things elsewhere: of InfluxDB's, and of signatures. */
const SECRET_IN_QUERY = /^(?:p|u|sig|key|auth)$/i;
const ONE_REFERENCE = /^\s*["']?\$\{[^}]*\}["']?\s*[,}]?/;

/** Whether an option of this name holds something that nobody else should read. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name);

/** The same of a parameter of a URL. */
export const isSecretParameter = (name: string): boolean =>
  SECRET_IN_QUERY.test(name) || isSecretName(name);

/** A line of a file with every secret that is written out in it made unreadable, at the same width. */
export function mask(line: string): string {
  const stars = (text: string) => text.replace(/\S/g, '*');
  return line
    .replace(USER_INFO, (whole, head: string, word: string) =>
      ONE_REFERENCE.test(word) ? whole : head + stars(word),
    )
    .replace(QUERIED, (whole, head: string, name: string, word: string) =>
      !isSecretParameter(name) || ONE_REFERENCE.test(word) ? whole : head + stars(word),
    )
    .replace(SECRET_VALUE, (whole, head: string, rest: string) => {
      if (ONE_REFERENCE.test(rest)) return whole;
      const end = /^\s*"(?:[^"\\]|\\.)*"|^\s*'[^']*'/.exec(rest)?.[0].length ?? rest.length;
      return head + stars(rest.slice(0, end)) + rest.slice(end);
    });
}

/** Whether a text lets a reader see a part of a secret: three of its characters in a row. */
export function leaks(text: string, secrets: ReadonlySet<string>): boolean {
  for (const secret of secrets) {
    if (secret.length < 3 ? text.includes(secret) : shares(text, secret)) return true;
  }
  return false;
}

function shares(text: string, secret: string): boolean {
  for (let at = 0; at + 3 <= text.length; at += 1) {
    if (secret.includes(text.slice(at, at + 3))) return true;
  }
  return false;
}
