import { hostname } from 'node:os';
import { createOutlet, type Destination, destinations, type Identity } from '../agent/index.ts';
import { systemClock } from '../clock/index.ts';
import { Draft } from '../columns/index.ts';
import type { Early, HandlerConfig } from '../config/index.ts';
import { createDelivery } from '../deliver/index.ts';
import type { LiveHostOptions } from '../host/index.ts';
import type { Found } from '../logs/index.ts';
import type { Labels, Observation, Point, Sample, Series } from '../metric/index.ts';
import { type AgentStatus, Foreseen, type Handler } from '../plugin/index.ts';
import { type Affixes, CullNames } from './cull-names.ts';
import type { CullOptions } from './cull-options.ts';
import { type Output, standardOutput } from './cull-output.ts';
import { outputsOf, type Wanted } from './cull-wanted.ts';
import type { Io } from './io.ts';
import { identify, openLog } from './setup.ts';

/** How output is sent, and what of it is said. */
interface Sending {
  /** Milliseconds until what is not taken has failed. */
  readonly patience: number;
  readonly identity: Identity;
  /** For what a person should know and what is no failure. */
  warn(text: string): void;
}

/**
 * Every output that was asked for, and where the configuration has the host.
 *
 * @param read the configuration's files, whose plugins are there already.
 */
export async function configuredOutputs(
  io: Io,
  options: CullOptions,
  read: Early['files'] | undefined,
  affixes: Omit<Affixes, 'separator'>,
  { patience, warn }: Pick<Sending, 'patience' | 'warn'>,
): Promise<{ readonly outputs: readonly Output[]; readonly host: LiveHostOptions }> {
  const { wanted, config } = outputsOf(io, options, read);
  // Only names of a configuration have the host in them; nobody is asked for it in vain.
  const named = wanted.some(({ kind }) => kind === 'configured');
  const own = { path: hostname(), label: hostname() };
  const identity = named ? await identify(config, openLog(io, config).log) : own;
  const output = (it: Wanted): Output => {
    const sending = { patience, identity, warn };
    if (it.kind === 'configured') return configuredOutput(it.config, config, sending);
    const spelled = { ...affixes, separator: it.separator };
    if (it.kind === 'stdout') return standardOutput(io, spelled, identity.label);
    return handlerOutput(it.config, spelled, sending);
  };
  return { outputs: wanted.map(output), host: config.host };
}

/** A handler, to which points go under logster's names. */
function handlerOutput(config: HandlerConfig, affixes: Affixes, sending: Sending): Output {
  const names = new CullNames(affixes, config.counters, sending.identity.label);
  const peers = destinations(config);
  return {
    name: config.instance,
    parcels(found, where) {
      const all = names.points(found, where);
      return peers.map((peer) => {
        const { accepts } = peer;
        const points = accepts ? all.filter(({ name }) => accepts(name.path)) : all;
        return { points, send: () => deliver(peer, points, sending) };
      });
    },
  };
}

/** A handler of a configuration, to which points go under the names that it has there. */
function configuredOutput(
  config: HandlerConfig,
  globals: { readonly labels: Labels },
  sending: Sending,
): Output {
  const { identity } = sending;
  const peers = destinations(config).map((peer) => {
    // A run is one moment: nothing is held back for an interval of its own.
    return { peer, outlet: createOutlet({ ...peer, interval: undefined }, globals, identity) };
  });
  const series = new Map<string, Series>();
  return {
    name: `handlers.${config.instance}`,
    parcels(found, where) {
      const samples = found.map((each) => samplesOf(each, where, series, identity));
      return peers.map(({ peer, outlet }) => {
        const draft = new Draft();
        for (const each of samples) outlet.samples(each, draft);
        const points = draft.since(0);
        return { points, send: () => deliver(peer, points, sending) };
      });
    },
  };
}

/** Which of several logs it is. */
const LOG = 'log';

function samplesOf(
  { time, seconds, observations }: Found,
  where: string,
  known: Map<string, Series>,
  { label }: Identity,
): readonly Sample[] {
  return observations.map(({ value, host = label, time: own = time, ...said }) => {
    const { metric, labels } = where === '' ? said : ofLog(said, where);
    const key = JSON.stringify([metric.name, host, labels]);
    const its = known.get(key) ?? { id: known.size, metric, collector: 'logs', host, labels };
    known.set(key, its);
    const growth = metric.kind === 'gauge' ? undefined : { amount: value, seconds };
    return { series: its, value, time: Math.floor(own), growth };
  });
}

const ofLog = ({ metric, labels }: Pick<Observation, 'metric' | 'labels'>, where: string) => ({
  metric: { ...metric, labels: [LOG, ...metric.labels] },
  labels: { ...labels, [LOG]: where },
});

/** For handlers that show an agent's health: here is none. */
const NO_AGENT: AgentStatus = {
  collectors: [],
  handlers: [],
  schedule: { clockSteps: 0, suspends: 0, lateTicks: 0 },
  counterResets: 0,
  eventLoopLag: 0,
  residentMemory: 0,
  cpu: { user: 0, system: 0 },
  problem: undefined,
};

const BACKOFF = { least: 0.2, most: 2 };

/** Hands points to a handler's own delivery, and waits until it has taken all of them. */
async function deliver(
  { instance, handler, options, dialect, batch, timeout }: Destination,
  points: readonly Point[],
  { patience, identity, warn }: Sending,
): Promise<void> {
  if (points.length === 0) return;
  let why: unknown;
  // The state of the log is what remembers; nothing waits for a turn, nothing is put on another disk.
  const { name, summary, dialect: own, counters, idempotent, acknowledged } = handler;
  const plain: Handler = {
    ...{
      name,
      summary,
      options: handler.options,
      dialect: own,
      counters,
      idempotent,
      acknowledged,
    },
    open: (context) => handler.open(context),
  };
  const delivery = createDelivery(
    {
      ...{ name: instance, handler: plain, options, dialect, batch, timeout, backoff: BACKOFF },
      queue: { samples: points.length, bytes: Number.MAX_SAFE_INTEGER },
      interval: 60,
      resend: handler.idempotent ? patience / 1000 : 0,
      confirm: true,
    },
    {
      ...{ clock: systemClock, random: Math.random, agent: NO_AGENT, host: identity.label },
      log: { info: () => {} },
      report: {
        problem: (_key, { error }) => {
          why = error;
        },
        recovered: () => {},
      },
    },
  );
  delivery.offer(points);
  const before = await delivery.drain(patience);
  // What was queued while the connection was being closed in order is still to be heard of.
  const after = await delivery.stop('shutdown', before.left > 0 ? 0 : patience);
  const left = Math.max(before.left, after.left);
  const message = why instanceof Error ? why.message : `not taken within ${patience / 1000} s`;
  if (left > 0 || after.unread) throw new Foreseen(`${instance}: ${message}`);
  const refused = delivery.status().dropped.unsendable;
  if (refused > 0)
    warn(`${instance} refused ${refused} of ${points.length} points for good: ${message}`);
}
