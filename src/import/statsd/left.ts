/** Why code is left. */
export const CODE = 'it is code, which is not run: write what it comes to, by hand';
const APPLICATIONS =
  'it is about what applications send: statsd goes on counting it, unless the collector push takes its place (docs/push.md)';
/** Why what only names is left. */
export const NAMES =
  'it names what applications send; what cullinan sends is named by prefix, suffix and dialect of the handler';

/** What has no counterpart, each with why. */
export const LEFT: Readonly<Record<string, string>> = {
  histogram: APPLICATIONS,
  calculatedTimerMetrics: APPLICATIONS,
  keyFlush: `${APPLICATIONS}; cullinan tap shows what it sends`,
  flush_counts:
    'cullinan sends a counter once: counters: rates, deltas or raw of the handler says as what',
  deleteGauges: APPLICATIONS,
  gaugesMaxTTL: APPLICATIONS,
  deleteTimers: APPLICATIONS,
  deleteSets: APPLICATIONS,
  prefixStats: 'cullinan’s own numbers are called cullinan.…; relabel may rename them',
  mgmt_address: 'cullinan is asked over a local socket: cullinan status',
  mgmt_port: 'cullinan is asked over a local socket: cullinan status',
  healthStatus: 'cullinan is asked how it is with cullinan status',
  dumpMessages: 'cullinan tap shows what is sent, while it runs',
  title: 'cullinan does not change its name in process lists',
  automaticConfigReload:
    'cullinan reloads its configuration when it gets SIGHUP (systemctl reload)',
  stackTrace: 'cullinan logs stacks of errors that nobody foresaw anyway',
  nodes: 'cullinan is no proxy of statsd: leave it running, and have the handler statsd send to it',
  forkCount: 'cullinan is no proxy of statsd: leave it running',
  checkInterval: 'cullinan is no proxy of statsd: leave it running',
  cacheSize: 'cullinan is no proxy of statsd: leave it running',
};

/** What graphite's section has, each with why it is not carried over. */
export const OF_GRAPHITE: Readonly<Record<string, string>> = {
  legacyNamespace: NAMES,
  prefixCounter: NAMES,
  prefixTimer: NAMES,
  prefixGauge: NAMES,
  prefixSet: NAMES,
  globalPrefix: `${NAMES}. As prefix: it would stand before the host`,
  globalSuffix: `${NAMES}. Behind a name, relabel can put something`,
};
