import type { Clock, Timer } from '../clock/index.ts';
import { spoken } from '../net/index.ts';
import { type ClusterFacts, renderCluster } from '../wire/ganglia/xml.ts';
import {
  decodePacket,
  encodePacket,
  type GangliaMetadata,
  type GangliaValue,
  type MetricId,
} from '../wire/ganglia.ts';
import { type Access, gate, plainAddress } from './access.ts';
import { type Channel, type ChannelOptions, openChannel } from './channel.ts';
import { Cluster, type ClusterCounts, type ClusterOptions } from './cluster.ts';
import { Exchange, type ExchangeCounts, type ExchangeOptions } from './exchange.ts';
import { Names, type Reverse } from './names.ts';
import {
  serveXml,
  type XmlServer,
  type XmlServerCounts,
  type XmlServerOptions,
} from './xml-server.ts';

/** A cluster, and how it is heard of. */
export interface GossipOptions extends ClusterOptions {
  readonly facts: ClusterFacts;
  /** Where hosts are heard. */
  readonly channels: readonly (ChannelOptions & Access)[];
  /** Where the cluster is shown; nowhere if it is left out. */
  readonly xml?: XmlServerOptions | undefined;
  /** Who is asked for what it knows. */
  readonly peers: ExchangeOptions['peers'];
  /** Seconds between two questions to peers. */
  readonly exchange: number;
  /** Whether a host is called by the name that its address resolves to. */
  readonly resolve: boolean;
  /** Whether metadata that is missing is asked for. */
  readonly ask: boolean;
}

export interface GossipCounts extends ClusterCounts {
  /** Datagrams that were no packets of this protocol. */
  readonly malformed: number;
  /** Datagrams of senders that are not let in. */
  readonly denied: number;
  /** Packets that came while too much waited for the name of its sender. */
  readonly unnamed: number;
  /** Requests for metadata that were sent. */
  readonly asked: number;
  readonly exchange: ExchangeCounts | undefined;
  readonly xml: XmlServerCounts | undefined;
}

type Said = GangliaMetadata | GangliaValue;
type Reply = (bytes: Uint8Array) => void;

/** What a request for metadata names, and who asks. */
export type Requested = (id: MetricId, address: string) => void;

/** Gossip that is under way. */
export interface Listening {
  readonly xml: XmlServer | undefined;
  close(): void;
  /** Settles when it is broken. */
  readonly ended: Promise<unknown>;
}

/** gmond takes no longer datagrams. */
const LONGEST = 1472;
/** Requests for metadata in a second, at most. */
const MOST_REQUESTS = 100;
/** Milliseconds between two looks at who was silent for too long. */
const SWEEP = 60_000;
const SAY_AGAIN = 600_000;

/**
 * Keeps the state of a whole cluster: hears every host on the channel, learns from peers what it does not hear,
 * asks for metadata that it missed, and shows it all. What it knows outlives its sockets.
 */
export class Gossip {
  readonly cluster: Cluster;
  readonly #options: GossipOptions;
  readonly #clock: Clock;
  readonly #names: Names;
  readonly #counts = { malformed: 0, denied: 0, unnamed: 0, asked: 0 };
  /** Of the sockets that were opened last. */
  #exchange: Exchange | undefined;
  #xml: XmlServer | undefined;
  /** Who sent the latest malformed datagram, and what was said of them when. */
  #odd = '';
  #said;
  #requests = { since: Number.NEGATIVE_INFINITY, sent: 0 };

  constructor(options: GossipOptions, clock: Clock, reverse?: Reverse) {
    this.#options = options;
    this.#clock = clock;
    this.cluster = new Cluster(options, clock);
    const { channels, xml } = options;
    const where = xml === undefined ? 'nowhere' : `at ${spoken(xml)}`;
    const text = `it hears the cluster at ${channels.map(spoken).join(', ')}, and shows it ${where}`;
    this.#said = { text, malformed: 0, at: Number.NEGATIVE_INFINITY };
    this.#names = new Names(clock, options.resolve ? reverse : async () => undefined);
  }

  get counts(): GossipCounts {
    return {
      ...this.#counts,
      ...this.cluster.counts,
      exchange: this.#exchange?.counts,
      xml: this.#xml?.counts,
    };
  }

  /** Those of the counts that only grow, by name. */
  get totals(): Readonly<Record<string, number>> {
    const { exchange, xml, hosts: _, metrics: __, bytes: ___, ...totals } = this.counts;
    return {
      ...totals,
      learned: exchange?.learned ?? 0,
      'peer-failed': exchange?.failed ?? 0,
      'xml-served': xml?.served ?? 0,
      'xml-refused': xml?.refused ?? 0,
      'xml-broken': xml?.broken ?? 0,
    };
  }

  /** What a person should know: where it listens, and who sends what is no packet, at most every ten minutes. */
  get note(): string {
    const { malformed } = this.#counts;
    const now = this.#clock.monotonic();
    if (malformed > this.#said.malformed && now - this.#said.at >= SAY_AGAIN) {
      const text = `${malformed} datagrams on its channel were no packets of Ganglia's, the latest from ${this.#odd}. They are dropped and counted, and told of every ten minutes at most`;
      this.#said = { text, malformed, at: now };
    }
    return this.#said.text;
  }

  /**
   * Opens its sockets.
   *
   * @param requested is told what metadata others ask for, ours perhaps.
   * @throws {@link Foreseen} if one of them cannot be had, with what to do; the others are closed then.
   */
  async open(requested: Requested): Promise<Listening> {
    const { channels, xml, peers, exchange: every, most } = this.#options;
    const open: { close(): void; readonly ended?: Promise<unknown> }[] = [];
    const close = (): void => {
      for (const it of open.splice(0)) it.close();
    };
    try {
      for (const options of channels) {
        const admits = gate(options);
        const channel: Channel = await openChannel(options, (bytes, from) => {
          const address = plainAddress(from.address);
          if (!admits(address)) this.#counts.denied += 1;
          else this.#take(bytes, address, requested, (answer) => channel.send(answer, from));
        });
        open.push(channel);
      }
      if (xml !== undefined) {
        this.#xml = await serveXml(xml, () => this.page(), this.#clock);
        open.push(this.#xml);
      }
    } catch (error) {
      close();
      throw error;
    }
    if (peers.length > 0) {
      this.#exchange = new Exchange({ peers, every, most }, this.cluster, this.#clock);
      open.push(this.#exchange);
    }
    open.push(this.#sweeping());
    const ended = Promise.race(open.flatMap((it) => it.ended ?? []));
    return { xml: this.#xml, close, ended };
  }

  /** The XML, as it is served. */
  page(): Iterable<string> {
    this.cluster.sweep();
    const moment = { wall: this.#clock.now(), steady: this.#clock.monotonic() };
    return renderCluster(this.#options.facts, this.cluster.hosts(), moment);
  }

  #take(bytes: Uint8Array, address: string, requested: Requested, reply: Reply): void {
    const packet = bytes.length <= LONGEST ? decodePacket(bytes) : undefined;
    if (packet === undefined) {
      this.#counts.malformed += 1;
      this.#odd = address;
    } else if (packet.kind === 'request') requested(packet.id, address);
    else if (packet.id.spoof) this.#heed(packet, address, address, reply);
    else if (!this.#names.of(address, (name) => this.#heed(packet, address, name, reply))) {
      this.#counts.unnamed += 1;
    }
  }

  #heed(packet: Said, address: string, name: string, reply: Reply): void {
    const id = this.cluster.hear(packet, { address, name });
    if (id === undefined || !this.#options.ask) return;
    const now = this.#clock.monotonic();
    if (now - this.#requests.since >= 1000) this.#requests = { since: now, sent: 0 };
    this.#requests.sent += 1;
    if (this.#requests.sent > MOST_REQUESTS) return;
    this.#counts.asked += 1;
    reply(encodePacket({ kind: 'request', id }));
  }

  #sweeping(): { close(): void } {
    let timer: Timer;
    const again = (): void => {
      timer = this.#clock.after(SWEEP, () => {
        this.cluster.sweep();
        again();
      });
    };
    again();
    return { close: () => timer.cancel() };
  }
}
