import type { Settings } from './settings.ts';

/** One of Diamond's handlers, and what sends the same here. */
export interface Sender {
  readonly handler: string;
  /** Carries its options over, to the handler at this place. */
  readonly options: (settings: Settings, at: readonly string[]) => void;
}

const UNNEEDED = 'there is nothing to set: docs/delivery.md says what waits, and how it is sent';
const QUEUE = 'what waits is bounded by queue, whatever a batch has: docs/delivery.md';

function address(settings: Settings, at: readonly string[], port: number): void {
  const hosts = settings.list('host');
  const one = hosts?.length === 1 ? hosts[0] : hosts;
  settings.put([...at, 'host'], 'host', typeof one === 'string' ? one : settings.text('host'));
  if (hosts !== undefined && hosts.length > 1) {
    settings.draft.set([...at, 'host'], hosts, settings.lines('host'));
  }
  settings.draft.set([...at, 'port'], settings.number('port') ?? port, settings.lines('port'));
}

function batching(settings: Settings, at: readonly string[]): void {
  // Here a batch that is not full goes at every tick; a smaller one than Diamond's costs, and no more.
  settings.expect('batch', true, UNNEEDED);
  settings.leave(QUEUE, 'max_backlog_multiplier', 'trim_backlog_multiplier');
  const timeout = settings.number('timeout');
  settings.put([...at, 'timeout'], 'timeout', timeout === undefined ? undefined : `${timeout}s`);
}

const TLS = { cafile: 'ca', certfile: 'cert', keyfile: 'key' } as const;

function graphite(settings: Settings, at: readonly string[], pickle: boolean): void {
  address(settings, at, pickle ? 2004 : 2003);
  if (pickle) settings.draft.set([...at, 'format'], 'pickle');
  const protocol = settings.text('proto')?.toLowerCase();
  if (protocol?.startsWith('udp')) settings.put([...at, 'protocol'], 'proto', 'udp');
  else settings.expect('proto', protocol?.startsWith('tcp') === true, 'it is tcp or udp');
  batching(settings, at);
  const alive = settings.number('keepalive');
  const idle = settings.number('keepaliveinterval') ?? 10;
  if (alive !== undefined && alive > 0) {
    settings.draft.set(
      [...at, 'keepalive'],
      `${idle}s`,
      settings.lines('keepalive', 'keepaliveinterval'),
    );
  } else settings.draft.carry(settings.lines('keepalive', 'keepaliveinterval'));
  settings.leave('an IPv6 address is written with its zone: fe80::1%eth0', 'scope_id');
  settings.leave('flow labels are left to the kernel', 'flow_info');
  settings.leave(
    'the connection stays: what a broken one carried is sent again',
    'reconnect_interval',
  );
}

function credentials(settings: Settings, at: readonly string[], user: string, secret: string) {
  settings.put([...at, 'username'], user, settings.text(user));
  const password = settings.text(secret);
  if (password !== undefined) {
    settings.draft.secret([...at, 'password'], password, settings.lines(secret));
  }
}

/** The topic exchange's routing keys, by Diamond's words. */
const ROUTING: Readonly<Record<string, string>> = {
  metric: '{path}',
  host: '{host}',
  'collector.path': '{collector}',
};

function rabbit(settings: Settings, at: readonly string[], server: string | undefined): void {
  if (server !== undefined) settings.draft.set([...at, 'host'], server);
  settings.draft.set([...at, 'body'], 'lines');
}

/** By the class, or by the module where classes have one name. */
export const SENDERS: Readonly<Record<string, Sender>> = {
  GraphiteHandler: {
    handler: 'graphite',
    options: (settings, at) => graphite(settings, at, false),
  },
  GraphitePickleHandler: {
    handler: 'graphite',
    options: (settings, at) => graphite(settings, at, true),
  },
  MultiGraphiteHandler: {
    handler: 'graphite',
    options: (settings, at) => graphite(settings, at, false),
  },
  MultiGraphitePickleHandler: {
    handler: 'graphite',
    options: (settings, at) => graphite(settings, at, true),
  },
  HostedGraphiteHandler: {
    handler: 'graphite',
    options(settings, at) {
      const { draft } = settings;
      if (settings.get('host') === undefined) {
        draft.set([...at, 'host'], 'carbon.hostedgraphite.com');
      }
      graphite(settings, at, false);
      const key = settings.text('apikey');
      const prefix = draft.get([...at, 'prefix']) ?? 'servers';
      if (key !== undefined) {
        draft.secret([...at, 'prefix'], `${key}.${prefix}`, settings.lines('apikey'));
      }
    },
  },
  ArchiveHandler: {
    handler: 'file',
    options(settings, at) {
      settings.put([...at, 'path'], 'log_file', settings.text('log_file'));
      settings.put([...at, 'keep'], 'days', settings.number('days'));
      const when = settings.text('when')?.toLowerCase();
      settings.expect('when', when === 'midnight', 'it rotates at midnight, by size, or never');
      const every = settings.number('rollover_interval') === 1;
      settings.expect('rollover_interval', every, 'it rotates each midnight');
      const encoding = /^(utf-?8|none|)$/i.test(settings.text('encoding') ?? '');
      settings.expect('encoding', encoding, 'it is UTF-8');
      settings.leave('nothing of it goes to the log', 'propagate');
    },
  },
  StatsdHandler: {
    handler: 'statsd',
    options(settings, at) {
      address(settings, at, 1234);
      settings.expect('batch', true, UNNEEDED);
    },
  },
  rabbitmq_pubsub: {
    handler: 'amqp',
    options(settings, at) {
      const { draft } = settings;
      const servers = settings.list('rmq_server') ?? settings.list('server');
      const line = settings.lines('rmq_server', 'server');
      if (servers !== undefined) {
        draft.set([...at, 'host'], servers.length === 1 ? (servers[0] ?? '') : servers, line);
      }
      rabbit(settings, at, undefined);
      settings.put([...at, 'port'], 'rmq_port', settings.number('rmq_port'));
      settings.put([...at, 'vhost'], 'rmq_vhost', settings.text('rmq_vhost'));
      credentials(settings, at, 'rmq_user', 'rmq_password');
      const beat = settings.number('rmq_heartbeat_interval');
      const heartbeat = beat === undefined ? undefined : `${beat}s`;
      settings.put([...at, 'heartbeat'], 'rmq_heartbeat_interval', heartbeat);
      draft.set(
        [...at, 'exchange'],
        {
          name: settings.text('rmq_exchange') ?? 'diamond',
          type: settings.text('rmq_exchange_type') ?? 'fanout',
          durable: settings.truth('rmq_durable') ?? true,
        },
        settings.lines('rmq_exchange', 'rmq_exchange_type', 'rmq_durable'),
      );
      draft.note(
        [...at, 'body'],
        'Diamond sends each point by itself; here a message has many lines.',
      );
    },
  },
  rabbitmq_topic: {
    handler: 'amqp',
    options(settings, at) {
      const { draft } = settings;
      rabbit(settings, at, settings.get('server') === undefined ? '127.0.0.1' : undefined);
      settings.put([...at, 'host'], 'server', settings.text('server'));
      settings.put([...at, 'port'], 'port', settings.number('port'));
      settings.put([...at, 'vhost'], 'vhost', settings.text('vhost'));
      credentials(settings, at, 'user', 'password');
      draft.set(
        [...at, 'exchange'],
        { name: settings.text('topic_exchange') ?? 'diamond', type: 'topic', durable: false },
        settings.lines('topic_exchange'),
      );
      const word = settings.text('routing_key') ?? 'metric';
      const key = word === 'custom' ? settings.text('custom_routing_key') : ROUTING[word];
      if (key === undefined) {
        settings.leave('a routing key has {path}, {host} or {collector} in it', 'routing_key');
        settings.leave('only routing_key = custom asks for it', 'custom_routing_key');
      } else {
        const lines = settings.lines('routing_key', 'custom_routing_key');
        draft.set([...at, 'routingKey'], key, lines);
      }
    },
  },
  RiemannHandler: {
    handler: 'riemann',
    options(settings, at) {
      address(settings, at, 123);
      settings.put([...at, 'protocol'], 'transport', settings.text('transport')?.toLowerCase());
      settings.draft.set([...at, 'service'], 'path');
      settings.draft.note(
        [...at, 'service'],
        "Diamond leaves the host's level out of it; here it is the whole path.",
      );
    },
  },
  GmetricHandler: {
    handler: 'ganglia',
    options(settings, at) {
      address(settings, at, 8651);
      const protocol = settings.text('protocol');
      settings.expect('protocol', protocol !== undefined, 'a group is reached over multicast');
      settings.draft.note(
        at,
        'Diamond files all hosts under the name "test"; here each has its own. Names are Diamond’s.',
      );
    },
  },
  zmqHandler: {
    handler: 'zeromq',
    options(settings, at) {
      settings.draft.set([...at, 'socket'], 'pub');
      settings.draft.set([...at, 'mode'], 'bind');
      settings.draft.set([...at, 'host'], '0.0.0.0');
      settings.draft.set([...at, 'port'], settings.number('port') ?? 1234, settings.lines('port'));
    },
  },
  MQTTHandler: {
    handler: 'mqtt',
    options(settings, at) {
      const tls = settings.truth('tls') ?? false;
      address(settings, at, tls ? 8883 : 1883);
      settings.draft.set([...at, 'qos'], settings.number('qos') ?? 0, settings.lines('qos'));
      const prefix = settings.text('prefix') ?? '';
      const topic = prefix === '' ? '' : `${prefix.replace(/\/$/, '')}/`;
      settings.put([...at, 'topic'], 'prefix', topic);
      const stamped = settings.truth('timestamp') === true;
      settings.expect('timestamp', stamped, 'the payload is "value time", or JSON');
      settings.draft.carry(settings.lines('tls'));
      for (const [theirs, ours] of Object.entries(TLS)) {
        if (tls) settings.put([...at, 'tls', ours], theirs, settings.text(theirs));
        else settings.leave('there is no TLS without tls = True', theirs);
      }
      if (tls && !settings.draft.has([...at, 'tls'])) settings.draft.set([...at, 'tls'], {});
    },
  },
  HttpPostHandler: {
    handler: 'http',
    options(settings, at) {
      settings.put([...at, 'url'], 'url', settings.text('url'));
      settings.expect('batch', true, UNNEEDED);
      const json = settings.text('format')?.toUpperCase() === 'JSON';
      settings.expect('format', json, 'it is JSON, or lines for InfluxDB');
      settings.draft.note(at, 'Its JSON is of another shape than Diamond’s: docs/handlers/http.md');
    },
  },
  InfluxdbHandler: {
    handler: 'http',
    options(settings, at) {
      const { draft } = settings;
      const scheme = settings.truth('ssl') === true ? 'https' : 'http';
      const host = settings.text('hostname') ?? 'localhost';
      const database = encodeURIComponent(settings.text('database') ?? 'graphite');
      const url = `${scheme}://${host}:${settings.text('port') ?? '8086'}/write?db=${database}`;
      draft.set([...at, 'url'], url, settings.lines('ssl', 'hostname', 'port', 'database'));
      draft.set([...at, 'format'], 'influx');
      draft.set([...at, 'measurement'], 'path');
      settings.put([...at, 'username'], 'username', settings.text('username'));
      if (settings.get('username') === undefined) draft.set([...at, 'username'], 'root');
      const password = settings.text('password') ?? 'root';
      draft.secret([...at, 'password'], password, settings.lines('password'));
      settings.expect('batch_size', true, UNNEEDED);
      settings.leave(QUEUE, 'cache_size');
      settings.expect('time_precision', true, UNNEEDED);
      const timeout = settings.number('timeout');
      settings.put([...at, 'timeout'], 'timeout', timeout && `${timeout}s`);
      const version = settings.text('influxdb_version') ?? '';
      settings.expect('influxdb_version', !version.startsWith('0.8'), 'it is 0.9 or later');
    },
  },
};

/** Why there is nothing for a handler; by its class. */
export const NOWHERE: Readonly<Record<string, string>> = {
  StatsiteHandler:
    'statsite’s key-values are not spoken; the handler statsd speaks gauges and counters',
  TSDBHandler: 'OpenTSDB is not spoken; the handler exec can feed a program that does',
  SentryHandler: 'there are no alerts here; let what stores the metrics raise them',
  NullHandler: 'it sends nothing',
  MySQLHandler: 'there is no database to write to; the handler exec can feed a program that does',
  RRDHandler: 'there are no RRD files; Carbon, or rrdcached behind it, keeps them',
};
