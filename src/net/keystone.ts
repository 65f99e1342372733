import type { Clock } from '../clock/index.ts';
import { Foreseen, z } from '../plugin/index.ts';
import { openHttp } from './http.ts';
import { checkHttp, type HttpAnswer, type HttpOptions, httpUrl } from './http-options.ts';
import { expectTaken } from './http-trouble.ts';
import { tls } from './tls-options.ts';

const text = z.string().min(1);

/**
 * The options of every handler that logs in to OpenStack. None of them has a default of its own: where
 * none is given, nobody logs in.
 */
export const keystoneOptions = () =>
  z
    .strictObject({
      url: httpUrl().optional().meta({
        description: 'Where Keystone is, with its version: https://controller:5000/v3.',
      }),
      username: text.optional().meta({ description: 'The name to log in with.' }),
      password: text
        .optional()
        .meta({ description: 'Its password; best kept in a file or a credential.' }),
      project: text
        .optional()
        .meta({ description: 'The project that the user acts for.', fallback: 'service' }),
      userDomain: text.optional().meta({ description: "The user's domain.", fallback: 'Default' }),
      projectDomain: text
        .optional()
        .meta({ description: "The project's domain.", fallback: 'Default' }),
      credentialId: text.optional().meta({
        description: 'An application credential to log in with instead: its identifier.',
      }),
      credentialSecret: text
        .optional()
        .meta({ description: 'Its secret; best kept in a file or a credential.' }),
      tls: tls().optional().meta({
        description: 'What TLS needs beyond a URL that begins with https.',
        fallback: 'the public authorities',
      }),
    })
    .superRefine((given, context) => {
      const { url, username, password, credentialId, credentialSecret } = given;
      const issue = (path: string, message: string) =>
        context.addIssue({ code: 'custom', path: [path], message });
      if (url === undefined) {
        // Nothing is set at all: as if it was not there.
        if (Object.values(given).some((value) => value !== undefined))
          issue('url', 'must be given');
        return;
      }
      checkHttp({ url, tls: given.tls }, context);
      if ((username === undefined) !== (password === undefined)) {
        issue('password', 'must be given together with "username"');
      } else if ((credentialId === undefined) !== (credentialSecret === undefined)) {
        issue('credentialSecret', 'must be given together with "credentialId"');
      } else if ((username === undefined) === (credentialId === undefined)) {
        issue('username', 'must be given with its password, or "credentialId" with its secret');
      }
    })
    .transform(({ url, ...given }) => (url === undefined ? undefined : { url, ...given }));

/** What {@link keystoneOptions} puts out. */
export type KeystoneOptions = NonNullable<z.output<ReturnType<typeof keystoneOptions>>>;

interface Token {
  readonly id: string;
  /** Unix milliseconds. */
  readonly expires: number;
}

/** Tokens by the options they were got with: they outlive the connection to whom they are shown. */
const tokens = new WeakMap<object, Token>();
/** Milliseconds before its end at which a token is no longer used. */
const MARGIN = 60_000;

/** What is sent to log in (Identity API v3, "Password authentication with scoped authorization"). */
function requestOf(given: KeystoneOptions): string {
  const { username, password, project = 'service', credentialId, credentialSecret } = given;
  const { userDomain = 'Default', projectDomain = 'Default' } = given;
  if (credentialId !== undefined) {
    const identity = {
      methods: ['application_credential'],
      application_credential: { id: credentialId, secret: credentialSecret },
    };
    return JSON.stringify({ auth: { identity } });
  }
  const user = { name: username, domain: { name: userDomain }, password };
  return JSON.stringify({
    auth: {
      identity: { methods: ['password'], password: { user } },
      scope: { project: { name: project, domain: { name: projectDomain } } },
    },
  });
}

/** What Keystone says of a refusal: it is in an object within the object. */
function sentence({ body }: HttpAnswer): string | undefined {
  return /"message": ?"((?:[^"\\]|\\.)*)"/.exec(body.toString())?.[1];
}

/** When a token ends; now where that cannot be read, so that it is used once. */
function expiryOf({ body }: HttpAnswer, now: number): number {
  const time = /"expires_at": ?"([^"]{1,40})"/.exec(body.toString())?.[1];
  const expires = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(expires) ? now : expires;
}

/** A login to OpenStack. */
export interface Keystone {
  /** A token that holds for a minute at least, as far as Keystone says; asked for where there is none. */
  token(signal: AbortSignal): Promise<string>;
  /** Has the next one asked for: somebody did not take this one. */
  refused(): void;
}

/**
 * Gets tokens from Keystone (Identity API v3) and keeps each for as long as it holds.
 *
 * @param proxy as {@link HttpOptions} has it.
 */
export function keystoneTokens(
  given: KeystoneOptions,
  clock: Clock,
  proxy?: string | undefined,
): Keystone {
  async function login(signal: AbortSignal): Promise<Token> {
    const url = `${given.url.replace(/\/+$/, '')}/auth/tokens?nocatalog`;
    const options: HttpOptions = {
      ...{ url, method: 'POST', gzip: false, tls: given.tls, proxy, sentence },
      headers: { 'content-type': 'application/json', accept: 'application/json' },
    };
    const peer = await openHttp(options, { clock, signal, key: given });
    try {
      const answer = await peer.ask({ body: requestOf(given) }, signal);
      if (answer.status === 401) {
        const who = given.username ?? 'the application credential';
        throw new Foreseen(
          `Keystone does not let ${who} in: ${sentence(answer) ?? '401'} Check what is under "keystone".`,
        );
      }
      expectTaken(options, answer);
      const id = answer.headers['x-subject-token'];
      if (typeof id !== 'string' || id === '') {
        throw new Foreseen(`${given.url} gives no token. Check "keystone.url": it ends in /v3.`);
      }
      return { id, expires: expiryOf(answer, clock.now()) };
    } finally {
      await peer.close();
    }
  }

  return {
    async token(signal) {
      let token = tokens.get(given);
      if (token === undefined || token.expires - MARGIN <= clock.now()) {
        token = await login(signal);
        tokens.set(given, token);
      }
      return token.id;
    },
    refused: () => void tokens.delete(given),
  };
}
