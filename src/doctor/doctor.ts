import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { createOutlet, destinations, type Identity } from '../agent/index.ts';
import { systemClock } from '../clock/index.ts';
import type { Config } from '../config/index.ts';
import type { Trouble } from '../log/index.ts';
import type { Sample } from '../metric/index.ts';
import {
  AccessDenied,
  type AgentStatus,
  type CollectorStatus,
  NoData,
  Remark,
  Unresponsive,
} from '../plugin/index.ts';
import { meet } from './agent.ts';
import { checkRetention, parseSchemas } from './carbon.ts';
import { checkClock } from './clock.ts';
import { type Peer, peersOf } from './endpoints.ts';
import { type Finding, messageOf, ok, problem, warning } from './finding.ts';
import { checkFolders } from './folders.ts';
import { checkFiles, checkHostname, checkLimits, checkOthers, checkRuntime } from './machine.ts';
import { checkNames, checkPeer } from './network.ts';

/** What one collection of everything came to. */
export interface Collected {
  readonly agent: AgentStatus;
  readonly identity: Identity;
  readonly samples: readonly Sample[];
  readonly collectors: readonly CollectorStatus[];
  readonly troubles: readonly Trouble[];
}

export interface DoctorNeeds {
  readonly config: Config;
  readonly version: string;
  /** Where the agent may answer. */
  readonly sockets: readonly string[];
  /** A time server to ask. */
  readonly ntp: string | undefined;
  /** Carbon's storage-schemas.conf. */
  readonly schemas: string;
  /** Runs every collector of a configuration, without handlers. */
  collect(config: Config): Promise<Collected>;
}

/** Collectors that keep places in what they read: only the agent may read on there. */
const KEEPS_PLACES = ['logs'];

/** Looks at everything that operators get wrong; nothing is changed, and no point sent. */
export async function* examine(needs: DoctorNeeds): AsyncGenerator<Finding> {
  const { config, version, sockets } = needs;
  yield checkRuntime();
  yield ok({ check: 'configuration', found: config.files.join(', ') || 'no file: defaults hold' });
  yield* checkFiles(config);
  const { agent, socket, findings } = await meet(sockets, version);
  yield* findings;
  yield* checkLimits(agent?.pid ?? 'self');
  yield* checkOthers([process.pid, process.ppid, ...(agent === undefined ? [] : [agent.pid])]);
  const safe = config.collectors.filter(({ collector }) => !KEEPS_PLACES.includes(collector.name));
  const collected = await needs.collect({ ...config, collectors: safe });
  yield checkHostname(collected.identity);
  yield* checkCollectors(collected);
  // The socket of an agent that runs is where it should be.
  yield* await checkFolders(config, socket === undefined ? config.status.socket : undefined);
  const peers = distinct(config.handlers.flatMap(peersOf));
  yield* await checkNames(peers);
  const reached = await Promise.all(peers.map(checkPeer));
  for (const { findings } of reached) yield* findings;
  yield* await checkLogins(needs, collected);
  const told = reached.flatMap(({ ahead }, i) => {
    const name = peers[i]?.host ?? '';
    return ahead === undefined ? [] : [{ name, ahead }];
  });
  yield* await checkClock({ ntp: needs.ntp, peers: told });
  yield* checkCarbon(needs, collected);
}

function* checkCollectors({ collectors, troubles }: Collected): Generator<Finding> {
  for (const { name, series } of collectors) {
    const said = { check: 'collector', subject: name };
    const own = troubles.filter(({ where }) => where === `collector ${name}`);
    if (own.length === 0) yield ok({ ...said, found: `${series} series` });
    for (const { error, remedy } of own) {
      if (error instanceof Remark) {
        yield ok({ ...said, found: messageOf(error) });
        continue;
      }
      const finding = { ...said, found: messageOf(error), remedy };
      // Where something else was seen, a part of it is no reason to call anybody; but what hangs is.
      const grave = error instanceof AccessDenied || error instanceof Unresponsive;
      const mild = error instanceof NoData || (series > 0 && !grave);
      yield mild ? warning(finding) : problem(finding);
    }
  }
}

/** Each place once, with all that send there. */
function distinct(peers: readonly Peer[]): readonly Peer[] {
  const known = new Map<string, Peer>();
  for (const peer of peers) {
    const key = JSON.stringify([peer.host, peer.port, peer.protocol, peer.tls]);
    const before = known.get(key);
    const handler = before === undefined ? peer.handler : `${before.handler}, ${peer.handler}`;
    known.set(key, { ...peer, handler });
  }
  return [...known.values()];
}

/** Milliseconds for a login. */
const PATIENCE = 10_000;

/**
 * What a broker says to our login and our exchange. The other protocols have none of either, or (MQTT)
 * know a client by its name: a second one would throw out the agent that runs.
 */
async function checkLogins({ config }: DoctorNeeds, { agent, identity }: Collected) {
  const brokers = config.handlers.filter(({ handler }) => handler.name === 'amqp');
  const logins = brokers.map(async (it): Promise<Finding> => {
    const { instance, handler, options, dialect } = it;
    const said = { check: 'login', subject: instance };
    const signal = AbortSignal.timeout(PATIENCE);
    const interval = it.interval ?? config.interval;
    const context = { options, signal, agent, interval, dialect };
    try {
      const connection = await handler.open({
        ...context,
        ...{ host: identity.label, clock: systemClock },
      });
      await connection.close();
      return ok({ ...said, found: 'the broker accepts the login and has the exchange' });
    } catch (error) {
      const remedy = 'Check user, password, virtual host and exchange, there and here.';
      return problem({ ...said, found: messageOf(error), remedy });
    }
  });
  return Promise.all(logins);
}

/** Only of a Carbon on this host it can be known what it keeps. */
function* checkCarbon({ config, schemas }: DoctorNeeds, collected: Collected): Generator<Finding> {
  const handlers = config.handlers.filter(
    (it) => it.handler.name === 'graphite' && peersOf(it).some(({ host }) => isHere(host)),
  );
  if (handlers.length === 0) return;
  let text: string;
  try {
    text = readFileSync(schemas, 'utf8');
  } catch {
    return;
  }
  const intervals = new Map(config.collectors.map((it) => [it.instance, it.interval]));
  for (const handler of handlers) {
    const sent = destinations(handler).flatMap((destination) => {
      const outlet = createOutlet(destination, config, collected.identity);
      return collected.samples.flatMap(({ series }) => {
        const own = intervals.get(series.collector) ?? config.interval;
        const interval = Math.max(own, handler.interval ?? 0);
        return outlet.names(series).map(({ path }) => ({ path, interval }));
      });
    });
    yield* checkRetention(parseSchemas(text), handler.instance, sent);
  }
}

const isHere = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
