import { readFileSync } from 'node:fs';
import { registry } from '../agent/index.ts';
import {
  type Config,
  ConfigError,
  type Early,
  type HandlerConfig,
  loadConfig,
} from '../config/index.ts';
import { type CullOptions, outputNamed, separatorOf } from './cull-options.ts';
import { hintFor } from './hint.ts';
import { type Io, listed, UsageError } from './io.ts';

/** Where numbers are to go, as it was asked for. */
export type Wanted =
  | { readonly kind: 'stdout'; readonly separator: string }
  /** Under logster's names, with what stands between their parts. */
  | { readonly kind: 'handler'; readonly separator: string; readonly config: HandlerConfig }
  /** Under the names that the configuration has for it. */
  | { readonly kind: 'configured'; readonly config: HandlerConfig };

/** What logster sends to that this does not, and what does. */
const REFUSED: Readonly<Record<string, string>> = {
  nsca:
    'it is no place for numbers but for states of checks. Let Nagios ask Graphite or Prometheus, or ' +
    'send with --output exec of a configuration (--config, --to) to a script that calls send_nsca',
  cloudwatch:
    'its interface changes with its vendor. Send to an OpenTelemetry collector with --output otlp, ' +
    'which passes on to CloudWatch',
};

/** Handlers that have nobody to tell within one run, by their type, and what tells them instead. */
const FOR_AGENTS: Readonly<Record<string, string>> = {
  prometheus:
    'its page ends with the run, before anybody has read it. Follow the log with the collector logs of an agent ' +
    'that has this handler',
  live: 'it draws what an agent collects. Print with --output stdout',
};

function deliverable(wanted: Wanted): Wanted {
  const { handler, instance } = 'config' in wanted ? wanted.config : {};
  const why = FOR_AGENTS[handler?.name ?? ''];
  if (why === undefined) return wanted;
  throw new UsageError(`the handler ${instance} cannot be sent to by one run: ${why}.`);
}

/**
 * Every output that was asked for, and the configuration that it is part of.
 *
 * @param read the files of the configuration that was asked for.
 */
export function outputsOf(
  io: Io,
  options: CullOptions,
  read: Early['files'] | undefined,
): { readonly wanted: readonly Wanted[]; readonly config: Config } {
  const known = { registry, environment: io.environment };
  const files = options.config === undefined ? false : read;
  const config = loadConfig({ ...known, files, defaultHandlers: { console: {} } });
  const single = (type: string, given: object): HandlerConfig => {
    try {
      const defaultHandlers = { [type]: given };
      const [handler] = loadConfig({ ...known, files: false, defaultHandlers }).handlers;
      if (handler !== undefined) return handler;
    } catch (error) {
      // There is no configuration that could be wrong: what was given on the command line is.
      if (error instanceof ConfigError) throw misused(type, error);
      throw error;
    }
    throw new UsageError(`--output ${type} could not be made`);
  };
  const outputs = (options.output ?? []).map((name) => one(name, options, config, single));
  const affixed = options.metricPrefix !== undefined || options.metricSuffix !== undefined;
  const to = (options.to ?? []).map((name): Wanted => {
    const found = configured(name, config, options);
    return affixed
      ? { kind: 'handler', separator: '.', config: found }
      : { kind: 'configured', config: found };
  });
  const wanted = [...outputs, ...to].map(deliverable);
  if (wanted.length > 0) return { wanted, config };
  if (options.dryRun || options.json) return { wanted: [stdout(options)], config };
  throw new UsageError(
    'where to? Give --output stdout, graphite, statsd, ganglia, amqp or another handler, or --config FILE --to HANDLER',
  );
}

function misused(type: string, { problems: [problem] }: ConfigError): UsageError {
  const what = problem?.message
    .replace(`handlers.${type}.`, '')
    .replace(`handlers.${type} `, 'it ');
  return new UsageError(
    `--output ${type}: ${what}. What has no flag here is an option of a handler in a file: --config FILE --to NAME. ` +
      `Try: cullinan describe ${type}`,
  );
}

const stdout = (options: CullOptions): Wanted => ({
  kind: 'stdout',
  separator: separatorOf(options),
});

function one(
  given: string,
  options: CullOptions,
  config: Config,
  single: (type: string, given: object) => HandlerConfig,
): Wanted {
  const name = outputNamed(given);
  const as = (handler: HandlerConfig, separator = '.'): Wanted => ({
    kind: 'handler',
    separator,
    config: handler,
  });
  switch (name) {
    case 'stdout':
      return stdout(options);
    case 'graphite': {
      const host = hostOf('graphite', '--graphite-host', options.graphiteHost);
      const { graphiteProtocol: protocol = 'tcp' } = options;
      if (protocol !== 'tcp' && protocol !== 'udp') {
        throw new UsageError(`--graphite-protocol is "${protocol}"; it must be tcp or udp`);
      }
      return as(single('graphite', { host, protocol }));
    }
    case 'statsd': {
      const [host, port] = parted(hostOf('statsd', '--statsd-host', options.statsdHost));
      return as(single('statsd', { host, port }));
    }
    case 'ganglia':
      return as(single('ganglia', gangliaOptions(options.gmetricOptions ?? GMETRIC)), '_');
  }
  const why = REFUSED[name];
  if (why !== undefined) throw new UsageError(`--output ${name} is not sent to: ${why}.`);
  const known = config.handlers.find(({ instance }) => instance === name);
  if (options.config !== undefined && known !== undefined) return as(known);
  if (registry.handlers.has(name)) return as(single(name, {}));
  const names = ['stdout', ...registry.handlers.keys()];
  throw new UsageError(`no output is called "${given}". ${hintFor(name, names)}`);
}

function configured(name: string, { handlers }: Config, { config }: CullOptions): HandlerConfig {
  if (config === undefined) {
    throw new UsageError(`--to ${name} needs --config: the file that has this handler`);
  }
  const found = handlers.find(({ instance }) => instance === name);
  if (found !== undefined) return found;
  const names = handlers.map(({ instance }) => instance);
  throw new UsageError(`${config} has no handler "${name}". It has ${listed(names)}.`);
}

function hostOf(output: string, flag: string, given: string | undefined): string {
  if (given === undefined) throw new UsageError(`--output ${output} needs ${flag} host:port`);
  const port = /^(?:\[[\da-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(given)?.[1];
  if (port === undefined) throw new UsageError(`${flag} is "${given}"; it must be host:port`);
  if (Number(port) >= 1 && Number(port) <= 65_535) return given;
  throw new UsageError(`${flag} is "${given}"; its port must be from 1 to 65535`);
}

function parted(text: string): readonly [host: string, port: number] {
  const colon = text.lastIndexOf(':');
  return [text.slice(0, colon).replace(/^\[|\]$/g, ''), Number(text.slice(colon + 1))];
}

/** What logster gives gmetric unless told otherwise. */
const GMETRIC = '-d 180 -c /etc/ganglia/gmond.conf';

/** gmetric's options that tell where and for how long, as the handler has them. */
function gangliaOptions(text: string): Readonly<Record<string, unknown>> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const given: Record<string, unknown> = { requests: false, timeThreshold: '1s' };
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] as string;
    const [, flag = word, joined] = /^(--[\w-]+)=(.*)$/.exec(word) ?? [];
    const value = () => {
      if (joined !== undefined) return joined;
      i += 1;
      const next = words[i];
      if (next === undefined) throw new UsageError(`--gmetric-options: ${flag} has no value`);
      return next;
    };
    if (flag === '-d' || flag === '--dmax') given['dmax'] = `${value()}s`;
    else if (flag === '-c' || flag === '--conf') Object.assign(given, channelOf(value()));
    else if (flag === '-S' || flag === '--spoof') {
      const [ip, host] = value().split(':');
      Object.assign(given, { overrideIp: ip, overrideHostname: host });
    } else {
      throw new UsageError(
        `--gmetric-options has "${flag}", which cannot be carried over: only -d, -c and -S can. For the rest, ` +
          'configure the handler ganglia and name it with --config and --to.',
      );
    }
  }
  return given;
}

/** Where the udp_send_channels of a gmond.conf send to; Ganglia's own group where there is none. */
function channelOf(path: string): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (path === '/etc/ganglia/gmond.conf') return {};
    throw new UsageError(`--gmetric-options: -c cannot be read: ${(error as Error).message}`);
  }
  const plain = text.replace(/\/\*[\s\S]*?\*\/|(?:^|\s)(?:#|\/\/).*$/gm, '');
  const hosts: string[] = [];
  const given: Record<string, unknown> = {};
  for (const [, body = ''] of plain.matchAll(/udp_send_channel\s*\{([^}]*)\}/g)) {
    const of = (key: string) => new RegExp(`\\b${key}\\s*=\\s*"?([^"\\s]+)"?`).exec(body)?.[1];
    const host = of('mcast_join') ?? of('host');
    if (host !== undefined) hosts.push(`${host}:${of('port') ?? 8649}`);
    if (of('ttl') !== undefined) given['ttl'] = Number(of('ttl'));
    if (of('mcast_if') !== undefined) given['interface'] = of('mcast_if');
  }
  return hosts.length === 0 ? given : { ...given, host: hosts.length === 1 ? hosts[0] : hosts };
}
