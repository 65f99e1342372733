import { readFile } from 'node:fs/promises';
import { isIP, type Socket } from 'node:net';
import type { SecureContext, SecureContextOptions, TLSSocket } from 'node:tls';
import { Foreseen } from '../plugin/index.ts';
import { OLDEST, type TlsOptions } from './tls-options.ts';
import type { Secured } from './tls-trouble.ts';

/**
 * Milliseconds that a peer has to object to our certificate. In TLS 1.3 the client is done before
 * the server has seen it; the server's next word is a session ticket, or that it objects. Some
 * send no tickets: then silence is consent.
 */
const OBJECTION = 1000;

const BEGINS = {
  ca: /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/,
  cert: /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/,
  key: /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
} as const;

async function pem(option: keyof typeof BEGINS, path: string | undefined) {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    const remedy =
      code === 'ENOENT'
        ? `Create it, or change tls.${option}.`
        : "Let the agent's user read it, or change its path.";
    throw new Foreseen(`tls.${option}: ${path} cannot be read (${code}). ${remedy}`);
  }
  if (BEGINS[option].test(text)) return text;
  const what = option === 'key' ? 'private key' : 'certificate';
  throw new Foreseen(
    `tls.${option}: there is no ${what} in ${path}. It must be a PEM file: text with "-----BEGIN …-----" lines.`,
  );
}

/** Reads the files, anew each time, and has OpenSSL take what is in them. */
async function contextOf<T>(
  { ca, cert, key, minVersion = OLDEST }: TlsOptions,
  create: (options: SecureContextOptions) => T,
): Promise<T> {
  const [caText, certText, keyText] = await Promise.all([
    pem('ca', ca),
    pem('cert', cert),
    pem('key', key),
  ]);
  try {
    return create({ ca: caText, cert: certText, key: keyText, minVersion });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') {
      throw new Foreseen(
        `tls.cert and tls.key: the key in ${key} is not that of the certificate in ${cert}. Give the two files that belong together.`,
      );
    }
    throw new Foreseen(
      `tls: OpenSSL cannot use the certificate or the key: ${message}. Check ${[ca, cert, key].filter((path) => path !== undefined).join(', ')}.`,
    );
  }
}

/** Resolves once the peer has proved who it is, and had the time to object to who we are. */
function agreed(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    let silence: NodeJS.Timeout | undefined;
    const over = (act: () => void) => () => {
      clearTimeout(silence);
      act();
    };
    socket.once('error', (error) => over(() => reject(error))());
    const cut = over(() => reject(new Error('it closed the connection before TLS was agreed on')));
    socket.once('close', cut);
    socket.once('secureConnect', () => {
      if (socket.getProtocol() !== 'TLSv1.3') return resolve();
      // Later: this is called from within OpenSSL, and whoever writes there breaks the connection.
      socket.once(
        'session',
        over(() => setImmediate(resolve)),
      );
      socket.once('end', cut);
      silence = setTimeout(resolve, OBJECTION);
    });
  });
}

/**
 * What a client library is given that speaks TLS by itself; the files are read anew each time.
 *
 * @throws {@link Foreseen} if a file is not there or not what it should be.
 */
export async function tlsContext(tls: TlsOptions): Promise<SecureContext> {
  const { createSecureContext } = await import('node:tls');
  return contextOf(tls, createSecureContext);
}

/** Speaks TLS over a connection that was just made. */
export type Secure = (plain: Socket) => Promise<TLSSocket>;

/**
 * Reads the files that TLS needs, before a connection is made: once it is there, its first word and
 * its end must find TLS listening.
 *
 * The peer's certificate must be valid, be vouched for by a trusted authority and bear the peer's
 * name; there is no option to do without.
 *
 * @returns what rejects with an error that `explain` of tls-trouble.ts makes sense of.
 * @throws {@link Foreseen} if a file is not there or not what it should be.
 */
export async function prepareTls({ host, tls }: Secured): Promise<Secure> {
  // Most agents speak no TLS, and it takes memory.
  const { connect, createSecureContext } = await import('node:tls');
  const secureContext = await contextOf(tls, createSecureContext);
  const servername = tls.servername ?? (isIP(host) === 0 ? host : '');
  return async (plain) => {
    const socket = connect({ socket: plain, host, servername, secureContext });
    await agreed(socket);
    return socket;
  };
}
