import { readFileSync } from 'node:fs';
import { hostname as osHostname } from 'node:os';
import { type Agent, createAgent, type Identity, registry, type Taps } from '../agent/index.ts';
import { type Clock, systemClock } from '../clock/index.ts';
import { type CollectorConfig, type Config, loadConfig, PLUGIN_FOLDER } from '../config/index.ts';
import { hostFacts, hostnameByShell, liveHost } from '../host/index.ts';
import { createLog, createReport, type Log, type Report } from '../log/index.ts';
import { hostnameFor } from '../naming/index.ts';
import type { Collector, Host } from '../plugin/index.ts';
import { hintFor } from './hint.ts';
import { type Io, UsageError } from './io.ts';
import { atHomeWithParsers, type Bringing, type Brought, bringPlugins } from './plugins.ts';

/** What a configuration is loaded with, besides its files. */
export interface Loading extends Bringing {
  /** Stand in where it names no handlers; the console, unless said. */
  readonly handlers?: Readonly<Record<string, unknown>>;
  /** What an error means for the agent; `Nothing was started.` unless said. */
  readonly consequence?: string | undefined;
  /** Names of collectors that are on, whatever is written. */
  readonly asked?: readonly string[] | undefined;
}

/**
 * Finds the plugins that a configuration speaks of, and loads it. The files are read once for both: else the
 * plugins may be others than those that it speaks of.
 *
 * @param path its file; the usual one, unless said.
 * @throws a ConfigError.
 */
export async function loadWithPlugins(
  io: Io,
  path: string | undefined,
  { handlers: defaultHandlers = { console: {} }, consequence, asked, ...bringing }: Loading = {},
): Promise<{ readonly config: Config; readonly plugins: Brought }> {
  const plugins = await bringPlugins(io, path, bringing);
  try {
    const { environment } = io;
    const given = { files: plugins.files, environment, defaultHandlers, consequence, asked };
    return { config: loadConfig({ registry, ...given }), plugins };
  } catch (error) {
    await plugins.close();
    throw error;
  }
}

/** Only the named collectors of a configuration; all of them where none is named. */
export function only(config: Config, names: readonly string[]): Config {
  const instances = config.collectors.map(({ instance }) => instance);
  for (const name of names) {
    if (instances.includes(name)) continue;
    const there = [...new Set([...registry.collectors.keys(), ...instances])];
    const more = `Your own are found in plugins.folders, ${PLUGIN_FOLDER} unless configured.`;
    throw new UsageError(`no collector is called "${name}". ${hintFor(name, there, more)}`);
  }
  if (names.length === 0) return config;
  const chosen = config.collectors.filter(({ instance }) => names.includes(instance));
  return { ...config, collectors: chosen };
}

/** What the agent calls the host it runs on. */
export async function identify(
  { hostname: { method, name } }: Config,
  log: Log,
): Promise<Identity> {
  if (method === 'shell') {
    const { path } = await hostnameByShell(name ?? '');
    return { path, label: path };
  }
  const hostname = osHostname();
  // Only the full name is somebody else's to know; nobody is asked for it in vain.
  const asks = name === undefined && (method === 'smart' || method.startsWith('fqdn'));
  const facts = asks ? await hostFacts() : { hostname, fqdn: hostname, uname: hostname };
  if (facts.problem !== undefined && method.startsWith('fqdn')) log.warn({}, facts.problem);
  return { path: hostnameFor(method, facts, name).path, label: name ?? hostname };
}

/** A log on standard error, and the report that speaks through it. */
export function openLog(
  io: Io,
  config: Config,
  {
    write = io.err,
    clock = systemClock,
    secrets = config.secrets,
  }: {
    readonly write?: (line: string) => void;
    readonly clock?: Clock;
    readonly secrets?: ReadonlySet<string>;
  } = {},
): { log: Log; report: Report } {
  const format = io.errIsTerminal ? 'text' : 'json';
  const log = createLog({ level: config.log.level, format, write, secrets });
  return { log, report: createReport(log, clock) };
}

/** An agent that is wired and not started, with what it stands on. */
export interface Assembled {
  readonly agent: Agent;
  readonly host: Host;
  readonly identity: Identity;
  /** Ends the agent without waiting for its peers, and gives back what the host holds. */
  dispose(): Promise<void>;
}

/** How collectors observe where they cannot read /proc; loaded only where that is so. */
async function otherSource({ source }: Config['host']) {
  const reads = source === 'auto' ? process.platform === 'linux' : source === 'proc';
  return reads ? undefined : (await import('../portable/index.ts')).portable;
}

/** Wires an agent for a configuration; what is not given is this machine's own. */
export async function assemble(
  config: Config,
  needs: {
    readonly log: Log;
    readonly report: Report;
    readonly host?: Host;
    readonly identity?: Identity;
    readonly clock?: Clock;
    /** Wraps the host, to record what is read of it. */
    readonly through?: (host: Host) => Host;
    /** Where points are shown as they pass. */
    readonly taps?: Taps;
    /** Called after each wake-up of the scheduler in which something was due. */
    readonly ticked?: () => void;
  },
): Promise<Assembled> {
  const live = liveHost(config.host);
  const plain = needs.host ?? live;
  const host = needs.through?.(plain) ?? plain;
  const identity = needs.identity ?? (await identify(config, needs.log));
  const { log, report, taps, ticked, clock = systemClock } = needs;
  // A recording is of a host with these files, wherever it is replayed.
  const other = needs.host === undefined ? await otherSource(config.host) : undefined;
  const atHome = needs.host === undefined ? await atHomeWithParsers() : undefined;
  const adapt = (collector: Collector, of: CollectorConfig): Collector => {
    const adapted = other?.(collector) ?? collector;
    return atHome?.(adapted, of) ?? adapted;
  };
  const random = Math.random;
  const agent = createAgent({
    ...{ config, host, identity, clock, log, report, random, adapt, taps, ticked },
  });
  return {
    agent,
    host,
    identity,
    dispose: async () => {
      await agent.stop(0);
      live.close();
    },
  };
}

/** The environment of a process, as far as we may see it: of the agent, what `${NAME}` stands for. */
export function environmentOf(pid: number): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return {};
  }
  const entries = text.split('\0').flatMap((it) => {
    const at = it.indexOf('=');
    return at > 0 ? [[it.slice(0, at), it.slice(at + 1)] as const] : [];
  });
  return Object.fromEntries(entries);
}
