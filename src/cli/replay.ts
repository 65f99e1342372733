import { setTimeout as sleep } from 'node:timers/promises';
import { registry } from '../agent/index.ts';
import { type Clock, systemClock } from '../clock/index.ts';
import { loadConfig } from '../config/index.ts';
import { openRecording, recordedHost } from '../host/index.ts';
import { hostnameFor } from '../naming/index.ts';
import type { Host } from '../plugin/index.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { dialectNamed } from './once.ts';
import { assemble, loadWithPlugins, openLog } from './setup.ts';

export interface ReplayOptions {
  readonly config?: string;
  readonly dialect: string;
  readonly json?: boolean;
  readonly raw?: boolean;
  /** Sends to the configuration's handlers instead of printing. */
  readonly send?: boolean;
}

/** The queues of a replay are kept below this, so that a long recording does not overflow them. */
const MOST_QUEUED = 20_000;

/** Collectors that observe what is in no recording: programs, peers, logs, and the agent itself. */
export const OF_THIS_MACHINE: ReadonlySet<string> = new Set([
  ...['activemq', 'agent', 'apache', 'chrony', 'exec', 'files', 'http', 'libvirt', 'logs', 'nginx'],
  ...['ntpd', 'ping', 'push', 'rabbitmq', 'redis', 'smart', 'systemd', 'tcp', 'textfile'],
]);

/**
 * `cullinan replay`: runs the whole program over a recording, each recorded moment as one tick with
 * its recorded time, as fast as it can. What is in no recording is left out: it would describe this machine, not
 * the recorded one, and to read this machine's logs would move on in them.
 */
export async function replay(io: Io, directory: string, options: ReplayOptions): Promise<number> {
  dialectNamed(options.dialect);
  const recording = openRecording(directory);
  const format = options.json ? 'json' : options.dialect === 'otel' ? 'series' : 'path';
  const print = {
    console: { dialect: options.dialect, format, counters: options.raw ? 'raw' : 'rates' },
  };
  if (options.send && options.config === undefined) {
    throw new UsageError('--send needs --config: the file that says where to send');
  }
  // A recording is another host's: this one's configuration is used only where it is named.
  const printing = loadConfig({ files: false, registry, environment: {}, defaultHandlers: print });
  const named =
    options.config === undefined
      ? printing
      : (await loadWithPlugins(io, options.config, { handlers: print, inProcess: true })).config;
  const loaded = options.send ? named : { ...named, handlers: printing.handlers };
  const config = {
    ...loaded,
    collectors: loaded.collectors.filter(({ collector }) => !OF_THIS_MACHINE.has(collector.name)),
  };
  const host = new ReplayedHost();
  const clock = new ReplayedClock();
  const facts = { hostname: recording.hostname, fqdn: recording.fqdn, uname: recording.hostname };
  const { method, name } = config.hostname;
  // The shell of this machine knows nothing of the recorded one.
  const { path } = hostnameFor(method === 'shell' ? 'smart' : method, facts, name);
  const identity = { path, label: name ?? recording.hostname };
  const needs = { ...openLog(io, config, { clock }), host, identity, clock };
  const { agent, dispose } = await assemble(config, needs);
  for (const { time, directory: moment } of recording.moments) {
    host.at = recordedHost(moment);
    clock.time = time * 1000;
    await agent.collect(time);
    while (agent.status.handlers.some(({ queued }) => queued > MOST_QUEUED)) await sleep(1);
  }
  const left = await agent.stop(config.shutdown.timeout);
  await dispose();
  if (left === 0) return EXIT.ok;
  io.err(`cullinan: ${left} points of the recording could not be delivered\n`);
  return EXIT.failure;
}

/** The recorded host at the moment that is being replayed. */
class ReplayedHost implements Host {
  at: Host | undefined;

  get #now(): Host {
    if (this.at === undefined) throw new Error('the replay has not begun');
    return this.at;
  }
  get proc() {
    return this.#now.proc;
  }
  get sys() {
    return this.#now.sys;
  }
  get root() {
    return this.#now.root;
  }
  get foreign() {
    return this.#now.foreign;
  }
  statfs(mountpoint: string) {
    return this.#now.statfs(mountpoint);
  }
  statfsGuarded(mountpoint: string, signal: AbortSignal) {
    return this.#now.statfsGuarded(mountpoint, signal);
  }
}

/** Recorded time; real timers, because the peers are real. */
class ReplayedClock implements Clock {
  time = 0;
  now = (): number => this.time;
  monotonic = (): number => this.time;
  boottime = (): number => this.time;
  after = systemClock.after;
}
