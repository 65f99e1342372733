import { codeOf, Foreseen } from '../plugin/index.ts';
import { OLDEST, type TlsOptions } from './tls-options.ts';

/** With whom TLS is spoken. */
export interface Secured {
  /** As it is configured: the certificate must bear it, unless `tls.servername` says another. */
  readonly host: string;
  /** Host and port, as a person reads them. */
  readonly where: string;
  readonly tls: TlsOptions;
}

/** What is wrong, and what to do about it. */
type Finding = readonly [what: string, remedy: string];

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** How OpenSSL names the alerts with which a peer objects to our certificate. */
const OBJECTS =
  /_ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:REVOKED|EXPIRED|UNKNOWN)|ACCESS_DENIED|DECRYPT_ERROR)$/;
const WANTS_ONE = /_ALERT_(?:CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|NO_CERTIFICATE)$/;
const NO_TLS =
  /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE)$/;
/** What Node says of a peer that closed before it answered in TLS; it has no code of its own. */
const DISCONNECTED = /^Client network socket disconnected before secure TLS connection/;
const OTHER_VERSION = /_(?:ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW)$/;

function find(error: Error, { host, tls, where }: Secured): Finding | undefined {
  const code = codeOf(error) ?? '';
  const look = `See it with: openssl s_client -connect ${where} -showcerts`;
  if (code === 'CERT_HAS_EXPIRED') {
    return ['its certificate, or that of its authority, has expired', `Renew it there. ${look}`];
  }
  if (code === 'CERT_NOT_YET_VALID') {
    return ['its certificate is not valid yet', `Check the clocks of both hosts. ${look}`];
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { subjectaltname, subject } =
      (error as { cert?: { subjectaltname?: string; subject?: { CN?: string } } }).cert ?? {};
    const names = subjectaltname?.replaceAll('DNS:', '') ?? subject?.CN ?? 'another name';
    return [
      `its certificate is for ${names}, not for ${tls.servername ?? host}`,
      'Connect under a name that it bears, or set tls.servername to one. If it should bear this name, it has to be issued anew.',
    ];
  }
  if (UNKNOWN_AUTHORITY.has(code)) {
    return [
      'its certificate is vouched for by nobody who is trusted here',
      tls.ca === undefined
        ? `Set tls.ca to a PEM file with the certificate of the authority that issued it. ${look}`
        : `Put the certificate of the authority that issued it into ${tls.ca}. ${look}`,
    ];
  }
  if (OBJECTS.test(code)) {
    return [
      'it does not accept our certificate',
      `Have ${tls.cert ?? 'tls.cert'} issued by an authority that it trusts, and see that it has not expired.`,
    ];
  }
  if (WANTS_ONE.test(code)) {
    return tls.cert === undefined
      ? ['it wants a certificate from us', 'Set tls.cert and tls.key.']
      : [
          'it refuses to speak TLS with us',
          `Check whether it accepts ${tls.cert}; its log knows more.`,
        ];
  }
  if (DISCONNECTED.test(error.message)) {
    return [
      'it closed the connection without a word of TLS',
      'Check the port: it may be one without TLS, and then "tls" has to be left out. Its log may know more.',
    ];
  }
  if (NO_TLS.test(code)) {
    return ['it does not speak TLS', 'Check the port, or leave "tls" out.'];
  }
  if (OTHER_VERSION.test(code)) {
    return [
      `it does not speak ${tls.minVersion ?? OLDEST} or later`,
      'Let it speak a newer version, or lower tls.minVersion.',
    ];
  }
  return undefined;
}

/** An error of TLS in words that say what to do; any other is left as it is. */
export function explain(error: unknown, secured: Secured): unknown {
  if (!(error instanceof Error)) return error;
  const found = find(error, secured);
  if (found === undefined) return error;
  const [what, remedy] = found;
  return new Foreseen(`${what}. ${remedy}`, { cause: error });
}
