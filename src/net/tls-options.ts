import { wholePath, z } from '../plugin/index.ts';

/** The oldest version that is spoken where the configuration names none. */
export const OLDEST = 'TLSv1.2';

const file = wholePath();

/** The options of TLS, for a handler that can speak it; `tls: {}` is enough where the system's authorities do. */
export const tls = () =>
  z
    .strictObject({
      ca: file.optional().meta({
        description:
          'PEM file with the certificates of the authorities that may vouch for the peer.',
        fallback: "Node's own list of public authorities",
      }),
      cert: file.optional().meta({
        description:
          'PEM file with our own certificate, where the peer wants one; its issuers may follow it.',
      }),
      key: file
        .optional()
        .meta({ description: 'PEM file with the private key of that certificate.' }),
      servername: z.string().min(1).optional().meta({
        description: "The name that the peer's certificate must bear.",
        fallback: 'the host as it is configured',
      }),
      minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).optional().meta({
        description: 'The oldest version that is spoken.',
        fallback: OLDEST,
      }),
    })
    .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
      error: 'must have both "cert" and "key", or neither',
    });

/** Files are named, not held: they are read anew for each connection, so that a renewal needs no reload. */
export type TlsOptions = z.output<ReturnType<typeof tls>>;
