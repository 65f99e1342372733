import { readFileSync } from 'node:fs';

/** A datagram that gmond 3.7.2 or gmetric sent, or that gmond took, and what another decoder read in it. */
export interface Capture {
  readonly name: string;
  readonly bytes: Buffer;
  readonly fields: {
    readonly kind: string;
    readonly metric_id: { readonly host: string; readonly name: string; readonly spoof: boolean };
    readonly [field: string]: unknown;
  };
}

interface Recorded extends Omit<Capture, 'bytes'> {
  readonly hex: string;
}

const FILE = new URL('../wire/ganglia/captures.json', import.meta.url);

/** Real packets of every kind that there is. */
export const CAPTURES: readonly Capture[] = (
  JSON.parse(readFileSync(FILE, 'utf8')) as Recorded[]
).map(({ name, hex, fields }) => ({ name, bytes: Buffer.from(hex, 'hex'), fields }));
