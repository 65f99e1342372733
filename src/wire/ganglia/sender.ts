/**
 * What a gmond says of its hosts, and when: metadata before a metric's first value, again from time to
 * time and when somebody asks for it; values when they changed or were not said for long; heartbeats.
 * Time comes in, packets go out: no clock, no socket.
 */
import type { Batch, Name, Point } from '../../metric/index.ts';
import { encodePacket, type GangliaMetadata, type MetricId } from '../ganglia.ts';
import { Deriver, isReplaced } from './derived.ts';
import { factsOf, fitting, formatOf, isGmonds, type MetricFacts } from './facts.ts';
import type { SendPolicy } from './groups.ts';
import { plainName } from './text.ts';

/** Seconds between two heartbeats; a host is late after four times as many. */
export const HEARTBEAT = 20;

/** A {@link SendPolicy}, and the metrics of a host that are sent together. */
export interface GroupPolicy extends SendPolicy {
  /** Absent: the metric alone. */
  readonly group: string | undefined;
}

export interface SenderOptions {
  /** The host the agent runs on. */
  readonly host: string;
  /**
   * `address:name` of that host, where receivers shall not go by the address that it sends from. Other
   * hosts (guests, what was forwarded) always have theirs.
   */
  readonly spoof: string | undefined;
  /** Seconds after which a value has its metadata before it again; 0 is never, unless asked for. */
  readonly metadataInterval: number;
  /** Whether metrics are sent that gmond does not have. */
  readonly others: boolean;
  /** Seconds, as packets have it; not for gmond's own metrics. */
  readonly dmax: number;
  /** Whether metadata has a title, a description and a group. */
  readonly extra: boolean;
  /** Where the host stands; '' says nothing. */
  readonly location: string;
  /** When the agent was started, in seconds since the Unix epoch. */
  readonly started: number;
  /** When a metric of this name is sent; asked once for each. */
  readonly policy: (name: string) => GroupPolicy;
}

/** A metric of one host. */
interface Metric {
  readonly id: MetricId;
  readonly facts: MetricFacts;
  readonly extra: GangliaMetadata['extra'];
  readonly policy: SendPolicy;
  /** What is sent together with it: the same object. */
  readonly group: object;
  value: number | string;
  time: number;
  /** What was last sent, and when. */
  sent: number | string | undefined;
  sentAt: number;
  /** When its metadata was; `undefined` where it has to be. */
  announcedAt: number | undefined;
}

interface Host {
  readonly name: string;
  readonly id: Pick<MetricId, 'host' | 'spoof'>;
  /** By path, as points have it. */
  readonly metrics: Map<string, Metric>;
  /** By the name that is sent. */
  readonly named: Map<string, Metric>;
  readonly groups: Map<string, object>;
  readonly heartbeat: Metric;
  /** Heartbeats since it was observed. */
  quiet: number;
}

/** Seconds after which what is not observed any more is forgotten, and between two looks for it. */
const FORGET = 3600;
const SWEEP = 600;
/** Heartbeats that a host has left after its last point, except the agent's own. */
const QUIET = 4;

const CORE = { digits: 0, dmax: 0, group: 'core', slope: 'unspecified' } as const;
const HEARTBEAT_FACTS: MetricFacts = {
  ...{ ...CORE, type: 'uint32', units: '', tmax: HEARTBEAT },
  ...{ title: 'heartbeat', description: 'When the agent was started' },
};
const LOCATION: MetricFacts = {
  ...{ ...CORE, type: 'string', units: '(x,y,z)', tmax: 1200 },
  ...{ title: 'Location', description: 'Where the host stands' },
};
const ALWAYS: SendPolicy = { timeThreshold: 0, valueThreshold: undefined };

export class GangliaSender {
  readonly #options: SenderOptions;
  readonly #hosts = new Map<string, Host>();
  readonly #own: Host;
  readonly #deriver = new Deriver();
  #swept = Number.NaN;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#own = this.#host(options.host);
  }

  /** The packets that these points give rise to, which may be none. Of a metric, its last point counts. */
  take(batch: Batch): Buffer[] {
    const touched = new Set<Metric>();
    for (let i = 0; i < batch.length; i += 1) {
      const point = batch[i] as Point;
      const { path } = point.name;
      if (isReplaced(point) || !(this.#options.others || isGmonds(path))) continue;
      touched.add(this.#observe(point, path, point.value));
    }
    for (const { of, name, value } of this.#deriver.derive(batch)) {
      touched.add(this.#observe(of, name, value));
    }
    const last = batch.at(-1);
    if (last === undefined) return [];
    if (this.#options.location !== '') touched.add(this.#located(last.time));

    const due = new Set<object>();
    for (const metric of touched) if (isDue(metric)) due.add(metric.group);
    const packets: Buffer[] = [];
    for (const metric of touched) if (due.has(metric.group)) this.#say(metric, packets);
    this.#sweep(last.time);
    return packets;
  }

  /** The heartbeats that are due every {@link HEARTBEAT} seconds. @param now seconds since the Unix epoch. */
  beat(now: number): Buffer[] {
    const packets: Buffer[] = [];
    for (const host of this.#hosts.values()) {
      if (host.quiet >= QUIET && host !== this.#own) continue;
      host.quiet += 1;
      host.heartbeat.time = now;
      this.#say(host.heartbeat, packets);
    }
    return packets;
  }

  /**
   * Somebody does not know what a metric is: it is said with its next value, which is then sent. As gmond
   * does, every host that has a metric of that name answers, because a host goes by many names.
   */
  requested({ host, name, spoof }: MetricId): void {
    const asked = spoof ? plainName(host.slice(host.indexOf(':') + 1)) : undefined;
    for (const { id, named } of this.#hosts.values()) {
      if (id.spoof !== spoof || (asked !== undefined && !id.host.endsWith(`:${asked}`))) continue;
      const metric = named.get(name);
      if (metric !== undefined) metric.announcedAt = undefined;
    }
  }

  #observe(point: Point, path: string, value: number | string): Metric {
    const { series } = point.name;
    const host = series.host === this.#own.name ? this.#own : this.#host(series.host);
    host.quiet = 0;
    let metric = host.metrics.get(path);
    if (metric === undefined) {
      metric = this.#metric(host, path, point.name);
      host.metrics.set(path, metric);
      host.named.set(metric.id.name, metric);
    }
    metric.value = value;
    metric.time = point.time;
    return metric;
  }

  #located(time: number): Metric {
    const host = this.#own;
    let metric = host.named.get('location');
    if (metric === undefined) {
      const policy = { timeThreshold: 60, valueThreshold: undefined };
      metric = this.#make(host.id, 'location', LOCATION, policy, {});
      host.named.set('location', metric);
    }
    metric.value = this.#options.location;
    metric.time = time;
    return metric;
  }

  #host(name: string): Host {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const { host: own, spoof } = this.#options;
    const plain = plainName(name);
    const spoofed = name === own ? spoof : `${plain}:${plain}`;
    const id = { host: spoofed ?? plain, spoof: spoofed !== undefined };
    const heartbeat = this.#make(id, 'heartbeat', HEARTBEAT_FACTS, ALWAYS, {});
    heartbeat.value = this.#options.started;
    const host: Host = {
      ...{ name, id, metrics: new Map(), named: new Map(), groups: new Map(), heartbeat },
      quiet: 0,
    };
    host.named.set('heartbeat', heartbeat);
    this.#hosts.set(name, host);
    return host;
  }

  #metric(host: Host, path: string, name: Name): Metric {
    const { policy: policyOf, dmax } = this.#options;
    const policy = policyOf(path);
    let group: object | undefined;
    if (policy.group !== undefined) {
      group = host.groups.get(policy.group) ?? {};
      host.groups.set(policy.group, group);
    }
    const facts = factsOf(path, name, policy.timeThreshold, dmax);
    return this.#make(host.id, plainName(path), facts, policy, group ?? {});
  }

  #make(
    { host, spoof }: Host['id'],
    name: string,
    facts: MetricFacts,
    policy: SendPolicy,
    group: object,
  ): Metric {
    const extra: [string, string][] = spoof ? [['SPOOF_HOST', host]] : [];
    if (spoof && name === 'heartbeat') extra.push(['SPOOF_HEARTBEAT', 'yes']);
    if (this.#options.extra) {
      if (facts.title !== undefined) extra.push(['TITLE', facts.title]);
      extra.push(['DESC', facts.description], ['GROUP', facts.group]);
    }
    return {
      ...{ id: { host, name, spoof }, facts, extra, policy, group },
      ...{ value: 0, time: 0, sent: undefined, sentAt: 0, announcedAt: undefined },
    };
  }

  /** A value, and before it what it is, if that has to be said. A value that its type has not is not sent. */
  #say(metric: Metric, into: Buffer[]): void {
    const { id, facts, extra, time, announcedAt } = metric;
    const { type, units, slope, tmax, dmax } = facts;
    const value = fitting(type, metric.value);
    if (value === undefined) return;
    const { metadataInterval: interval } = this.#options;
    if (announcedAt === undefined || (interval > 0 && isOver(announcedAt, interval, time))) {
      into.push(encodePacket({ kind: 'metadata', id, type, units, slope, tmax, dmax, extra }));
      metric.announcedAt = time;
    }
    into.push(encodePacket({ kind: 'value', id, type, format: formatOf(facts, value), value }));
    metric.sent = metric.value;
    metric.sentAt = time;
  }

  /** Forgets devices and hosts that are gone. */
  #sweep(now: number): void {
    if (!isOver(this.#swept, SWEEP, now)) return;
    this.#swept = now;
    for (const [name, host] of this.#hosts) {
      for (const [path, metric] of host.metrics) {
        if (now - metric.time <= FORGET) continue;
        host.metrics.delete(path);
        host.named.delete(metric.id.name);
      }
      if (host.metrics.size === 0 && host !== this.#own) this.#hosts.delete(name);
    }
  }
}

/** Whether so many seconds are over, which they also are when the clock was set back. */
const isOver = (since: number, seconds: number, now: number): boolean =>
  !(now - since < seconds && now >= since);

function isDue({ announcedAt, sent, sentAt, value, time, policy }: Metric): boolean {
  const { timeThreshold, valueThreshold } = policy;
  if (announcedAt === undefined || isOver(sentAt, timeThreshold, time)) return true;
  if (typeof value === 'string' || typeof sent === 'string') return value !== sent;
  if (valueThreshold === undefined || sent === undefined) return false;
  const change = Math.abs(value - sent);
  return change > 0 && change >= valueThreshold;
}
