import { Foreseen, Unsendable } from '../plugin/index.ts';
import type { HttpAnswer, HttpOptions } from './http-options.ts';

/** The most that is repeated of what a peer says. */
const LONGEST = 300;
/** What in a query tells where something goes; the rest may be a login. */
const PLACES: ReadonlySet<string> = new Set(['db', 'rp', 'org', 'bucket']);

/** A URL as it may be shown: without what could be a secret. */
export function placeOf(text: string): string {
  const { origin, pathname, searchParams } = new URL(text);
  const known = [...searchParams].filter(([name]) => PLACES.has(name));
  const query = known.map(([name, value]) => `${name}=${value}`).join('&');
  return `${origin}${pathname}${query === '' ? '' : `?${query}`}`;
}

/** The `error` or `message` of a JSON object, or the text as it is. */
function textOf({ body }: HttpAnswer): string {
  const text = body.toString('utf8').trim();
  try {
    const { error, message } = JSON.parse(text) as Record<string, unknown>;
    const said = [error, message].find((each) => typeof each === 'string');
    return typeof said === 'string' ? said : text;
  } catch {
    return text;
  }
}

/** What a peer says of a refusal, on one short line. */
function sentenceOf({ sentence }: HttpOptions, answer: HttpAnswer): string {
  const text = sentence?.(answer) ?? textOf(answer);
  const line = text.split(/[\r\n]/, 1)[0] ?? '';
  return line.replaceAll(/[^\P{C}]/gu, '?').slice(0, LONGEST);
}

const NO_LOGIN = 'It wants a login: set "username" and "password", or "token".';

function remedyOf(status: number, { username, token, url, tls }: HttpOptions): string {
  const who = username === undefined ? undefined : `username "${username}"`;
  switch (status) {
    case 401:
      if (token !== undefined) return 'Check "token": it may have expired.';
      return who === undefined ? NO_LOGIN : `Check ${who} and its password.`;
    case 403:
      return username === undefined && token === undefined
        ? NO_LOGIN
        : `It does not let ${who ?? 'the owner of this token'} write there. Check what it may do.`;
    case 404: {
      const query = new URL(url).searchParams;
      const place = ['db', 'bucket'].find((name) => query.has(name));
      return place === undefined
        ? 'Check the path of "url".'
        : `Check the path of "url", and create ${place} "${query.get(place)}" if it is not there.`;
    }
    case 407:
      return 'The proxy wants a login: write it into its URL, http://USER:PASSWORD@HOST:PORT.';
    case 429:
    case 503:
      return 'It is busy, and is left alone for as long as it asks.';
    default:
      if (status >= 300 && status < 400) return 'It is somewhere else: change "url".';
      if (status >= 500) return 'Its log says why.';
      return tls === undefined && url.startsWith('http:')
        ? 'Check "url": it may want https.'
        : 'Check "url".';
  }
}

/** What to do about a body that nobody takes. */
const BODIES: Readonly<Record<number, string>> = {
  400: '',
  413: ' Lower "batch".',
  422: '',
};

/** Throws unless a request was taken. */
export function expectTaken(options: HttpOptions, answer: HttpAnswer): void {
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return;
  const place = placeOf(options.url);
  const moved = status < 400 && headers.location !== undefined;
  const said = moved
    ? `it is at ${headers.location?.slice(0, LONGEST)}`
    : sentenceOf(options, answer);
  const why = said === '' ? '' : `: ${said}`;
  const remedy = BODIES[status];
  if (remedy !== undefined) {
    const points = options.lost?.(answer);
    throw new Unsendable(
      `${place} refuses it with status ${status}${why}.${remedy}`,
      points === undefined ? {} : { points },
    );
  }
  throw new Foreseen(`${place} answers with status ${status}${why}. ${remedyOf(status, options)}`);
}
