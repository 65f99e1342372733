import type { IncomingHttpHeaders } from 'node:http';
import { z } from '../plugin/index.ts';
import { proxyOption } from './proxy.ts';
import { type TlsOptions, tls } from './tls-options.ts';

/** What {@link httpOptions} puts out. */
export interface HttpOptions {
  readonly url: string;
  readonly method: 'POST' | 'PUT';
  readonly gzip: boolean;
  /** Sent with each request, the content's type among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** What stands before a token: `Bearer`, or `Token` for InfluxDB. */
  readonly scheme?: 'Bearer' | 'Token';
  readonly tls?: TlsOptions | undefined;
  /** The URL of a proxy, or `none`; absent, the environment says. */
  readonly proxy?: string | undefined;
  /** What a refusal says, where it says it neither in text nor in JSON. */
  readonly sentence?: (answer: HttpAnswer) => string | undefined;
  /** How many points a refusal is about, where the others were taken. */
  readonly lost?: (answer: HttpAnswer) => number | undefined;
}

/** What was answered to a request. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Its first 64 KiB. */
  readonly body: Buffer;
}

/** The characters of a header's name, and of its value (RFC 9110, 5). */
const NAME = /^[!#$%&'*+.^`|~\w-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** What a request frames itself with. */
const OURS =
  /^(?:connection|content-encoding|content-length|host|proxy-authorization|transfer-encoding)$/i;

/** Where something is sent over HTTP. */
export const httpUrl = () =>
  z.string().superRefine((text, context) => {
    const problem = objection(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

function objection(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL, such as https://metrics.example.net/write';
  const { protocol, username, password, hash } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return 'must begin with http:// or https://';
  if (username !== '' || password !== '') {
    return 'must be without a login: there are "username" and "password"';
  }
  return hash === '' ? undefined : 'must be without a part behind "#": it is never sent';
}

const header = z.string().regex(VALUE, 'must be without line breaks and control characters');

/**
 * The options of every handler that sends over HTTP, besides the URL.
 *
 * @param gzip says when it compresses where nobody chose.
 */
export const httpOptions = (gzip: string) => ({
  gzip: z.boolean().optional().meta({ description: 'Compress what is sent.', fallback: gzip }),
  headers: z
    .record(z.string(), header)
    .superRefine((headers, context) => {
      for (const name of Object.keys(headers)) {
        const message = OURS.test(name)
          ? 'must not be one that each request has'
          : "must have a header's name";
        if (!NAME.test(name) || OURS.test(name)) {
          context.addIssue({ code: 'custom', path: [name], message });
        }
      }
    })
    .default({})
    .describe('Further headers of each request.'),
  username: z.string().min(1).optional().meta({ description: 'The name to log in with.' }),
  password: header
    .optional()
    .meta({ description: 'Its password; best kept in a file or a credential.' }),
  token: header.min(1).optional().meta({ description: 'A token to log in with instead.' }),
  proxy: proxyOption(),
  tls: tls().optional().meta({
    description: 'What TLS needs beyond a URL that begins with https.',
    fallback: 'the public authorities',
  }),
});

interface Coherent {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  readonly tls?: object | undefined;
}

/** What `superRefine` hands to a check. */
interface Refined {
  addIssue(issue: { code: 'custom'; path: string[]; message: string }): void;
}

/** Says what in these options contradicts itself; for `superRefine` of the handler's options. */
export function checkHttp(
  { url, username, password, token, tls }: Coherent,
  context: Refined,
): void {
  const issue = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  if (password !== undefined && username === undefined) {
    issue('password', 'must have a username beside it');
  }
  if (token !== undefined && username !== undefined) {
    issue('token', 'must be left out, or "username" and "password" must');
  }
  if (tls !== undefined && !url.startsWith('https:')) {
    issue('tls', 'must be left out, or the URL must begin with https');
  }
}
