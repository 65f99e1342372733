import { connect } from 'node:net';
import type { Clock, Timer } from '../clock/index.ts';
import { type Endpoint, lookup } from '../net/index.ts';
import { ClusterReader } from '../wire/ganglia/xml.ts';
import type { Cluster, ClusterLimits } from './cluster.ts';

export interface ExchangeOptions {
  readonly peers: readonly Pick<Endpoint, 'host' | 'port'>[];
  /** Seconds between two questions. */
  readonly every: number;
  readonly most: ClusterLimits;
}

export interface ExchangeCounts {
  /** Pages that were read to their end. */
  readonly learned: number;
  /** Peers that did not answer, or not to the end. */
  readonly failed: number;
}

/** Milliseconds that a peer has for its page. */
const PATIENCE = 15_000;
/** Bytes of a page for one of what is held of it, at most. */
const WORDY = 4;

/**
 * Learns the cluster from peers: asks one after the other for its page, as gmetad does, one in each round, or the
 * next if it does not answer.
 */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #cluster: Cluster;
  readonly #clock: Pick<Clock, 'monotonic' | 'after'>;
  readonly #aborter = new AbortController();
  readonly #counts = { learned: 0, failed: 0 };
  #timer: Timer | undefined;
  #turn = 0;

  constructor(
    options: ExchangeOptions,
    cluster: Cluster,
    clock: Pick<Clock, 'monotonic' | 'after'>,
  ) {
    this.#options = options;
    this.#cluster = cluster;
    this.#clock = clock;
    void this.#round();
  }

  get counts(): ExchangeCounts {
    return { ...this.#counts };
  }

  close(): void {
    this.#aborter.abort();
    this.#timer?.cancel();
  }

  async #round(): Promise<void> {
    const { peers, every } = this.#options;
    for (let left = peers.length; left > 0; left -= 1) {
      const peer = peers[this.#turn % peers.length];
      this.#turn += 1;
      const answered = peer !== undefined && (await this.#ask(peer));
      if (this.#aborter.signal.aborted) return;
      this.#counts[answered ? 'learned' : 'failed'] += 1;
      if (answered) break;
    }
    this.#timer = this.#clock.after(every * 1000, () => void this.#round());
  }

  /** Whether a peer gave its page to the end. */
  #ask(peer: Pick<Endpoint, 'host' | 'port'>): Promise<boolean> {
    const { metrics, bytes } = this.#options.most;
    return new Promise((resolve) => {
      const { signal } = this.#aborter;
      const reader = new ClusterReader(this.#clock.monotonic(), metrics, (host) =>
        this.#cluster.learn(host),
      );
      let left = bytes * WORDY;
      const socket = connect({ ...peer, lookup, signal });
      const deadline = this.#clock.after(PATIENCE, () => socket.destroy());
      socket.setEncoding('latin1').on('data', (text: string) => {
        left -= text.length;
        if (left < 0) socket.destroy();
        else reader.push(text);
      });
      let ended = false;
      socket.once('end', () => {
        ended = true;
      });
      socket.on('error', () => {});
      socket.once('close', () => {
        deadline.cancel();
        resolve(ended && reader.whole);
      });
    });
  }
}
