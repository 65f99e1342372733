import querystring from 'node:querystring';
import type { Config } from './config.ts';
import { isSecretName, isSecretParameter } from './mask.ts';

/** Headers and the like, of which every value may be a secret. */
const ALL_OF = /^headers$/i;
/** What stands before the secret in a header. */
const SCHEME = /^\s*(?:Basic|Bearer|Token|ApiKey|Digest|Splunk|Key)\s+/i;

/**
 * Every value of a configuration that nobody else should see: what `${…}` brought in, and what is written
 * out under a name that says so, in a header or in a URL.
 */
export function privateValues({ secrets, collectors, handlers }: Config): ReadonlySet<string> {
  const found = new Set(secrets);
  for (const { options } of [...collectors, ...handlers]) gather(options, false, found);
  return found;
}

/** The same without what `${…}` brought in: what is written out in the files. */
export function writtenSecrets(config: Config): ReadonlySet<string> {
  const written = new Set(privateValues(config));
  for (const secret of config.secrets) written.delete(secret);
  return written;
}

function gather(value: unknown, secret: boolean, found: Set<string>): void {
  if (typeof value === 'string') {
    if (secret && value !== '') {
      found.add(value);
      found.add(value.replace(SCHEME, ''));
    }
    for (const part of [...userInfo(value), ...spelledOut(value)]) found.add(part);
    return;
  }
  if (Array.isArray(value)) {
    for (const [i, each] of value.entries()) {
      // Of a command, the word behind --password.
      const before: unknown = value[i - 1];
      const flagged =
        typeof before === 'string' && /^--?[\w-]+$/.test(before) && isSecretName(before);
      gather(each, secret || flagged, found);
    }
    return;
  }
  // A choice of names, or another thing that was made of an option, is a function or a class.
  if (typeof value !== 'object' || value === null) return;
  if (Object.getPrototypeOf(value) !== Object.prototype) return;
  for (const [name, each] of Object.entries(value)) {
    gather(each, secret || isSecretName(name) || ALL_OF.test(name), found);
  }
}

/** In a command or another text: `TOKEN=…`, `key: …`; `--password …`; `https://user:…@host`. */
const NAMED = /([\w-]{1,100})(?:=|:\s{0,9})("[^"]*"|'[^']*'|[^\s"';&|]+)/g;
const FLAGGED = /(?:^|\s)(--?[\w-]{1,100})\s{1,9}("[^"]*"|'[^']*'|[^\s"';&|-][^\s"';&|]*)/g;
/** A password may have an `@` in it, or a slash: the first ends at the last one before a slash. */
const LOGIN = /:\/\/[^\s/:@]{0,200}:([^\s"'/?#]{1,9999}|[^\s"'@]{1,9999})@/g;

function spelledOut(text: string): readonly string[] {
  const named = [...text.matchAll(NAMED), ...text.matchAll(FLAGGED)].flatMap(
    ([, name = '', value = '']) =>
      isSecretName(name) ? [value.replace(/^(["'])(.*)\1$/s, '$2')] : [],
  );
  const logins = [...text.matchAll(LOGIN)].map(([, password = '']) => password);
  return [...named, ...logins].filter((it) => it !== '');
}

/** What stands before the `@` of a URL, and what in its query has a name that says that it is a secret. */
function userInfo(text: string): readonly string[] {
  if (!URL.canParse(text) || !text.includes('://')) return [];
  const { password, searchParams } = new URL(text);
  const queried = [...searchParams].flatMap(([name, value]) =>
    isSecretParameter(name) ? [value] : [],
  );
  return [password, querystring.unescape(password), ...queried].filter((it) => it !== '');
}
