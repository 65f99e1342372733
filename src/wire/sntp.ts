/**
 * The time of a server, asked once. Pure.
 *
 * Source  RFC 5905, 7.3 and 8 (NTP version 4), of which a client that asks once needs four stamps.
 */

/** Bytes of a packet without extensions. */
const LENGTH = 48;
/** Seconds from 1900 to 1970. */
const EPOCH = 2_208_988_800;
/** Where the four stamps stand. */
const ORIGINATE = 24;
const RECEIVE = 32;
const TRANSMIT = 40;

/** What a server says. Milliseconds since the Unix epoch. */
export interface SntpAnswer {
  /** When the question came there. */
  readonly received: number;
  /** When the answer went. */
  readonly sent: number;
}

/** A question. What stands for our time is a number that comes back, so that an answer can be told. */
export function encodeSntp(nonce: Uint8Array): Buffer {
  const packet = Buffer.alloc(LENGTH);
  // No warning, version 4, mode 3 (client).
  packet[0] = 0x23;
  packet.set(nonce.subarray(0, 8), TRANSMIT);
  return packet;
}

/** @returns nothing where it is no answer to this question, or of a server that does not know the time. */
export function decodeSntp(packet: Buffer, nonce: Uint8Array): SntpAnswer | undefined {
  if (packet.length < LENGTH) return undefined;
  const [first = 0, stratum = 0] = packet;
  const unsynchronized = first >> 6 === 3;
  const answers = (first & 7) === 4;
  if (unsynchronized || !answers || stratum === 0 || stratum > 15) return undefined;
  const asked = packet.subarray(ORIGINATE, ORIGINATE + 8);
  if (!asked.equals(nonce.subarray(0, 8))) return undefined;
  return { received: stamp(packet, RECEIVE), sent: stamp(packet, TRANSMIT) };
}

/** Seconds and their fraction, each in 32 bits; those below 2^31 are of the era that begins in 2036. */
function stamp(packet: Buffer, at: number): number {
  const seconds = packet.readUInt32BE(at);
  const era = seconds < 2 ** 31 ? 2 ** 32 : 0;
  return (seconds + era - EPOCH + packet.readUInt32BE(at + 4) / 2 ** 32) * 1000;
}
