import type { Clock } from '../clock/index.ts';
import type { KnownHost, KnownMetric } from '../wire/ganglia/xml.ts';
import type { GangliaMetadata, GangliaValue, MetricId } from '../wire/ganglia.ts';
import { printed } from './printed.ts';

/** The most that is held of a cluster. What would be more is refused, and counted. */
export interface ClusterLimits {
  readonly hosts: number;
  /** Of one host. */
  readonly metrics: number;
  /** Of everything together, about. */
  readonly bytes: number;
}

export interface ClusterOptions {
  readonly most: ClusterLimits;
  /** Seconds of silence after which a host is forgotten; 0 is never. */
  readonly hostDmax: number;
}

/** What is held, and what became of what was heard. */
export interface ClusterCounts {
  readonly hosts: number;
  /** Those included whose metadata or value is still to come. */
  readonly metrics: number;
  readonly bytes: number;
  /** Packets that were heeded. */
  readonly heard: number;
  /** Packets and hosts of peers that have no proper name. */
  readonly bad: number;
  /** Packets and hosts of peers for which there was no room. */
  readonly refused: number;
  /** Hosts and metrics that were silent for too long, or made room for others. */
  readonly forgotten: number;
}

/** Whom a packet came from. */
export interface Sender {
  readonly address: string;
  readonly name: string;
}

type Metadata = Pick<KnownMetric, 'type' | 'units' | 'slope' | 'tmax' | 'dmax' | 'extra'>;

interface Shared extends Metadata {
  readonly bytes: number;
}

interface Metric {
  readonly name: string;
  metadata: Shared | undefined;
  value: string | undefined;
  /** Milliseconds on the monotonic clock. */
  heard: number;
  /** When its metadata was asked for. */
  asked: number;
  bytes: number;
}

interface Host extends Omit<KnownHost, 'metrics' | 'tmax' | 'dmax'> {
  address: string;
  location: string;
  started: number;
  heard: number;
  readonly metrics: Map<string, Metric>;
}

/** Seconds between two words of a host at most: gmond says this of every host. */
const HOST_TMAX = 20;
/** Milliseconds of silence after which a host is taken for dead, as gmetad does. */
const DEAD = 4 * HOST_TMAX * 1000;
/** Milliseconds between two requests for the same metadata. */
const ASK_AGAIN = 10_000;
/** Milliseconds after which a value without metadata is forgotten. */
const INCOMPLETE = 600_000;
/** What a host takes without its metrics, and a metric without its texts, about. */
const HOST_BYTES = 1024;
const METRIC_BYTES = 250;
const EXTRA_BYTES = 50;
/** Metadata that is held once for all hosts that say the same. */
const SHARED = 1024;

/** gmetad makes a folder of it, and must not be led out of its own. */
const HOST_NAME = /^(?=.*[A-Za-z\d])[\w.:%-]{1,255}$/;
const LONGEST_NAME = 200;

/**
 * What one node knows of the whole cluster: every host's metrics, and when each was heard.
 *
 * A host is told by its name, as gmetad tells it: the one that its address resolves to, or that a spoofed
 * packet gives. Where several say something of a metric, who was heard last is right.
 */
export class Cluster {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #most: ClusterLimits;
  readonly #hostDmax: number;
  /** Who was heard last comes last. */
  readonly #hosts = new Map<string, Host>();
  readonly #shared = new Map<string, Shared>();
  readonly #counts = { metrics: 0, bytes: 0, heard: 0, bad: 0, refused: 0, forgotten: 0 };

  constructor({ most, hostDmax }: ClusterOptions, clock: Pick<Clock, 'monotonic'>) {
    this.#most = most;
    this.#hostDmax = hostDmax;
    this.#clock = clock;
  }

  get counts(): ClusterCounts {
    return { ...this.#counts, hosts: this.#hosts.size };
  }

  /**
   * Heeds a packet.
   *
   * @returns whose metadata to ask for, if a value has none and it was not asked for lately.
   */
  hear(packet: GangliaMetadata | GangliaValue, sender: Sender): MetricId | undefined {
    const { id } = packet;
    const { address, name } = id.spoof ? spoofed(id.host) : sender;
    const metric = metricName(id);
    const now = this.#clock.monotonic();
    const host = this.#reach(name, address, metric, now);
    if (host === undefined) return undefined;
    this.#counts.heard += 1;
    if (metric === 'heartbeat' || metric === 'location') {
      if (packet.kind === 'value') describe(host, metric, packet.value);
      return undefined;
    }
    if (packet.kind === 'metadata') {
      // gmond shows them the other way round.
      this.#put(host, metric, { ...packet, extra: packet.extra.toReversed() });
      return undefined;
    }
    const known = this.#put(host, metric, undefined, printed(packet), now);
    if (known === undefined || known.metadata !== undefined) return undefined;
    if (now - known.asked < ASK_AGAIN) return undefined;
    known.asked = now;
    return id.spoof ? id : { ...id, host: address };
  }

  /** Takes over what a peer knows of a host, as far as it heard it later. */
  learn(known: KnownHost): void {
    // A peer cuts ages to whole seconds: two that learn from each other must not make the dead younger.
    const late = (at: number): number => at - 1000;
    if (this.#over(late(known.heard), this.#hostDmax)) return;
    const host = this.#reach(known.name, known.address, 'of a host', late(known.heard));
    if (host === undefined) return;
    if (late(known.heard) >= host.heard) {
      describe(host, 'location', known.location);
      if (known.started > 0) describe(host, 'heartbeat', known.started);
    }
    for (const metric of known.metrics) {
      const name = metric.name.replaceAll('/', '_');
      const heard = late(metric.heard);
      const before = host.metrics.get(name);
      const whole = before?.metadata !== undefined && before.value !== undefined;
      if (!named(name) || this.#over(heard, metric.dmax)) continue;
      if (!whole || before.heard < heard) this.#put(host, name, metric, metric.value, heard);
    }
  }

  /** Forgets what was silent for longer than its dmax. */
  sweep(): void {
    const now = this.#clock.monotonic();
    for (const host of this.#hosts.values()) {
      if (this.#over(host.heard, this.#hostDmax)) {
        this.#forget(host);
        continue;
      }
      for (const metric of host.metrics.values()) {
        const { metadata, heard } = metric;
        const over =
          metadata === undefined ? now - heard > INCOMPLETE : this.#over(heard, metadata.dmax);
        if (!over) continue;
        host.metrics.delete(metric.name);
        this.#counts.forgotten += 1;
        this.#counts.metrics -= 1;
        this.#counts.bytes -= metric.bytes;
      }
    }
  }

  /** Every host; its metrics are those of the moment at which they are looked at. */
  hosts(): readonly KnownHost[] {
    return [...this.#hosts.values()].map((host) => ({
      ...host,
      tmax: HOST_TMAX,
      dmax: this.#hostDmax,
      metrics: complete(host.metrics.values()),
    }));
  }

  /** Whether its time of `dmax` seconds is over; it never is where that is 0. */
  #over(heard: number, dmax: number): boolean {
    return dmax > 0 && this.#clock.monotonic() - heard > dmax * 1000;
  }

  /** The host of that name, made if need be and if there is room. */
  #reach(name: string, address: string, metric: string, heard: number): Host | undefined {
    if (!HOST_NAME.test(name) || !HOST_NAME.test(address) || !named(metric)) {
      this.#counts.bad += 1;
      return undefined;
    }
    let host = this.#hosts.get(name);
    if (host === undefined) {
      if (!this.#room(HOST_BYTES, 1)) return undefined;
      const unknown = { tags: '', location: 'unspecified', started: 0 };
      host = { name, address, ...unknown, heard, metrics: new Map() };
      this.#hosts.set(name, host);
      this.#counts.bytes += HOST_BYTES;
    }
    if (heard >= host.heard) {
      host.address = address;
      host.heard = heard;
      this.#hosts.delete(name);
      this.#hosts.set(name, host);
    }
    return host;
  }

  /** What is said of a metric, beside what was said before, if there is room. */
  #put(
    host: Host,
    name: string,
    metadata: Metadata | undefined,
    value?: string,
    heard?: number,
  ): Metric | undefined {
    const before = host.metrics.get(name);
    const said = metadata === undefined ? before?.metadata : this.#share(metadata);
    const text = value ?? before?.value;
    const bytes = METRIC_BYTES + 2 * (name.length + (text?.length ?? 0)) + (said?.bytes ?? 0);
    const more = bytes - (before?.bytes ?? 0);
    if (before === undefined && host.metrics.size >= this.#most.metrics) {
      this.#counts.refused += 1;
      return undefined;
    }
    if (more > 0 && !this.#room(more, 0, host)) return undefined;
    this.#counts.bytes += more;
    if (before !== undefined) {
      before.metadata = said;
      before.value = text;
      before.bytes = bytes;
      before.heard = heard ?? before.heard;
      return before;
    }
    this.#counts.metrics += 1;
    const metric: Metric = {
      name,
      metadata: said,
      value: text,
      heard: heard ?? this.#clock.monotonic(),
      asked: Number.NEGATIVE_INFINITY,
      bytes,
    };
    host.metrics.set(name, metric);
    return metric;
  }

  /** Whether there is room, made by forgetting who is dead if need be. */
  #room(bytes: number, hosts: number, keep?: Host): boolean {
    const fits = (): boolean =>
      this.#counts.bytes + bytes <= this.#most.bytes &&
      this.#hosts.size + hosts <= this.#most.hosts;
    for (const host of this.#hosts.values()) {
      if (fits()) return true;
      if (host === keep || this.#clock.monotonic() - host.heard <= DEAD) break;
      this.#forget(host);
    }
    if (fits()) return true;
    this.#counts.refused += 1;
    return false;
  }

  #forget(host: Host): void {
    this.#hosts.delete(host.name);
    this.#counts.forgotten += 1;
    this.#counts.metrics -= host.metrics.size;
    this.#counts.bytes -= HOST_BYTES;
    for (const { bytes } of host.metrics.values()) this.#counts.bytes -= bytes;
  }

  /** All hosts of a cluster say the same of a metric; it is held once. */
  #share({ type, units, slope, tmax, dmax, extra }: Metadata): Shared {
    const key = JSON.stringify([type, units, slope, tmax, dmax, extra]);
    const before = this.#shared.get(key);
    if (before !== undefined) return before;
    // Who says something new for ever makes it be held twice, and no more.
    if (this.#shared.size >= SHARED) this.#shared.clear();
    const bytes = 2 * key.length + EXTRA_BYTES * extra.length;
    const metadata = { type, units, slope, tmax, dmax, extra, bytes };
    this.#shared.set(key, metadata);
    return metadata;
  }
}

const named = (metric: string): boolean => metric !== '' && metric.length <= LONGEST_NAME;

/** A name that gmetad can make a file of; a spoofed metric of a gmond has its host behind a colon. */
function metricName({ name, spoof }: MetricId): string {
  if (name.length > LONGEST_NAME) return '';
  const own = spoof ? (name.split(':', 1)[0] ?? '') : name;
  return own.replaceAll('/', '_');
}

/** `address:name`; the address may be an IPv6 one. */
function spoofed(host: string): Sender {
  const at = host.lastIndexOf(':');
  return { address: host.slice(0, Math.max(at, 0)), name: host.slice(at + 1) };
}

/** What gmond's protocol sends as metrics and shows as facts of the host. */
function describe(host: Host, fact: 'heartbeat' | 'location', value: string | number): void {
  if (fact === 'location') host.location = String(value).slice(0, LONGEST_NAME);
  else {
    const started = Math.trunc(Number(value));
    host.started = started > 0 && started <= 0xffff_ffff ? started : 0;
  }
}

function* complete(metrics: Iterable<Metric>): Generator<KnownMetric, void> {
  for (const { name, metadata, value, heard } of metrics) {
    if (metadata === undefined || value === undefined) continue;
    // gmetad copies what it takes for a number into a small buffer, and dies of a long one.
    if (metadata.type !== 'string' && !NUMBER.test(value)) continue;
    yield { ...metadata, name, value, heard };
  }
}

/** What strtod reads, and no longer than any number must be. */
const NUMBER = /^(?=.{1,40}$)[-+]?(?:\d+(?:\.\d*)?(?:e[-+]?\d+)?|nan|inf)$/i;
