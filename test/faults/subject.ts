import type { PeerName } from '../support/peers.ts';

/** A point as it arrived; without a time where the protocol has none. */
export interface Arrival {
  readonly path: string;
  readonly value: number;
  /** Seconds since the Unix epoch. */
  readonly time?: number;
}

/** Where an agent finds a peer. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** The authority that vouches for it, where TLS is spoken. */
  readonly ca?: string | undefined;
}

/** A real server that a handler sends to, and what has arrived there for good. */
export interface FaultPeer extends AsyncDisposable {
  readonly port: number;
  /** The configuration of a handler that sends to it, as YAML; names as the archive has them. */
  handler(address: Address, more: string): string;
  /** Everything so far, in the order it came. */
  received(): readonly Arrival[] | Promise<readonly Arrival[]>;
  /** Ends it and starts it again, with what it had received. */
  restart(): Promise<void>;
}

/** A handler that faults are tried on. */
export interface Subject {
  readonly name: string;
  /** The program that has to be there. */
  readonly needs?: PeerName;
  /** Whether it can speak TLS. */
  readonly tls: boolean;
  /**
   * Whether what was under way when a connection broke is sent again: the peer acknowledges, or takes a
   * point twice for one.
   */
  readonly repeats: boolean;
  /** What the archive is told besides, for it to have the numbers that this peer is sent. */
  readonly archive?: string;
  /** How the peer spells a path. */
  spelled?(path: string): string;
  /** @param alone whether it may be restarted: then no other test has it. */
  start(alone: boolean): Promise<FaultPeer>;
  /** Ends what the tests had in common. */
  end?(): Promise<void>;
}

/** What every handler is told: the names of the archive, and little patience. */
export const COMMON =
  "prefix: '', dialect: diamond, timeout: 1s, backoff: { least: 50ms, most: 300ms }";
