/** What a broker says when it refuses, and what amqplib makes of it, in words that say what to do. */

/** What was asked of the broker. */
export interface Asked {
  readonly vhost: string;
  /** Absent where a certificate says who we are. */
  readonly username: string | undefined;
  readonly exchange: string;
  readonly tls: boolean;
  /** Seconds. */
  readonly heartbeat: number;
}

type Remedy = (asked: Asked, words: readonly string[]) => string;

/** By what it says; the words in brackets are handed on. */
const REMEDIES: readonly (readonly [RegExp, Remedy])[] = [
  [
    /Login was refused using authentication mechanism EXTERNAL/,
    () =>
      'it does not know us by our certificate. Set tls.cert and tls.key, and have a user there with the name that the certificate bears (ssl_cert_login_from).',
  ],
  [
    /Login was refused/,
    ({ username }) =>
      `it does not accept the username ${JSON.stringify(username)} with this password. Check "username" and "password"${
        username === 'guest'
          ? ': RabbitMQ lets guest in from its own host only, so create a user of its own for the agent (rabbitmqctl add_user).'
          : ' (rabbitmqctl authenticate_user).'
      }`,
  ],
  [
    /SASL mechanism (\w+) is not provided/,
    (_, [mechanism]) =>
      mechanism === 'EXTERNAL'
        ? 'nobody can log in there with a certificate. Enable the plugin rabbitmq_auth_mechanism_ssl and name EXTERNAL in auth_mechanisms, or set auth to plain.'
        : 'nobody can log in there with a password. Name PLAIN in auth_mechanisms, or set auth to external.',
  ],
  [
    /Expected ConnectionOpenOk; got <ConnectionClose/,
    ({ vhost, username }) =>
      `there is no virtual host ${JSON.stringify(vhost)}, or the user ${JSON.stringify(username)} may not use it. Check "vhost"; see them with: rabbitmqctl list_permissions -p ${vhost}`,
  ],
  [
    /inequivalent arg '([\w-]+)' for exchange .*: received '?([\w-]+)'? but current is '?([\w-]+)'?/,
    ({ exchange }, [argument = '', ours, theirs]) => {
      const remedy = ['type', 'durable'].includes(argument)
        ? `Set exchange.${argument} to ${theirs}`
        : 'Set exchange.declare to passive, which takes it as it is';
      return `the exchange ${JSON.stringify(exchange)} is there already, and its ${argument} is ${theirs}, not ${ours}. ${remedy}, or name another exchange.`;
    },
  ],
  [
    /no exchange '/,
    ({ exchange, vhost }) =>
      `there is no exchange ${JSON.stringify(exchange)} in the virtual host ${JSON.stringify(vhost)}. Create it, or set exchange.declare to active.`,
  ],
  [
    /access to exchange '.*' .*refused for user/,
    ({ exchange, username }) =>
      `the user ${JSON.stringify(username)} may not declare the exchange ${JSON.stringify(exchange)} or publish to it. Let it configure and write (rabbitmqctl set_permissions), or set exchange.declare to none where it may only write.`,
  ],
  [
    /contains reserved prefix/,
    ({ exchange }) =>
      `names such as ${JSON.stringify(exchange)} are the broker's own. Set exchange.declare to passive, or name another exchange.`,
  ],
  [
    /unknown exchange type '([\w-]+)'/,
    (_, [type]) =>
      type === 'x-consistent-hash'
        ? 'it has no exchanges of type x-consistent-hash. Enable the plugin: rabbitmq-plugins enable rabbitmq_consistent_hash_exchange'
        : `it has no exchanges of type ${type}. Change exchange.type, or enable the plugin that brings it.`,
  ],
  [
    /CONNECTION.FORCED/,
    () => 'somebody ended the connection there, or it is shutting down. Its log says why.',
  ],
  [
    /Heartbeat timeout/,
    ({ heartbeat }) =>
      `it has not been heard of for ${2 * heartbeat} s. Either it hangs, or the way to it is broken.`,
  ],
  [
    /Socket closed abruptly|[Ff]rame|Expected ConnectionStart|handshake; got/,
    ({ tls }) =>
      `it does not speak AMQP 0-9-1${tls ? ' behind TLS' : ''}. Check the port${tls ? '' : ': one with TLS, such as 5671, needs "tls"'}.`,
  ],
];

/** What to do about an error, if it is one of those that are known. */
export function remedyFor(message: string, asked: Asked): string | undefined {
  for (const [pattern, remedy] of REMEDIES) {
    const match = pattern.exec(message);
    if (match !== null) return remedy(asked, match.slice(1));
  }
  return undefined;
}
