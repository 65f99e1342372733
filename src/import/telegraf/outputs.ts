import querystring from 'node:querystring';
import { Verbatim } from '../draft.ts';
import { database, FORMAT, hostPort, http, login, NAMES, noFormat, tls } from './output-options.ts';
import { isVariable, type Plugin, verbatim } from './plugin.ts';

/** The handler that takes an output's place, and how it takes its options; false where it cannot. */
export interface Sender {
  readonly handler: string;
  readonly take: (plugin: Plugin, at: readonly string[]) => boolean;
}

/** Outputs of Telegraf, by name. */
export const OUTPUTS: Readonly<Record<string, Sender>> = {
  influxdb: {
    handler: 'http',
    take: (it, at) => {
      const db = it.text('database') ?? 'telegraf';
      const query = [
        ['db', db || 'telegraf'],
        ['rp', it.text('retention_policy')],
        ['consistency', it.text('write_consistency')],
      ] as const;
      if (!database(it, at, '/write', query)) return false;
      it.carry('database', 'retention_policy', 'write_consistency');
      login(it, at);
      http(it, at);
      if (it.flag('skip_database_creation') === true) it.carry('skip_database_creation');
      it.leave('a database is not created: create it beforehand', 'skip_database_creation');
      it.leave('points are not sent by UDP', 'udp_payload');
      it.leave(
        'all go to one database: several handlers with only and except do that',
        'database_tag',
        'exclude_database_tag',
        'retention_policy_tag',
        'exclude_retention_policy_tag',
      );
      return true;
    },
  },
  influxdb_v2: {
    handler: 'http',
    take: (it, at) => {
      const query = [
        ['org', it.text('organization')],
        ['bucket', it.text('bucket')],
      ] as const;
      if (!database(it, at, '/api/v2/write', query)) return false;
      it.carry('organization', 'bucket');
      it.secret('token', [...at, 'token']);
      http(it, at);
      it.leave(
        'all go to one bucket: several handlers with only and except do that',
        'bucket_tag',
        'exclude_bucket_tag',
      );
      return true;
    },
  },
  graphite: {
    handler: 'graphite',
    take: (it, at) => {
      const servers = it.list('servers') ?? ['localhost:2003'];
      if (servers.length === 0) return false;
      it.draft.set(
        [...at, 'host'],
        servers.length === 1 ? verbatim(servers[0] ?? '') : servers.map(verbatim),
        [...it.lines('servers'), ...(it.header === undefined ? [] : [it.header])],
      );
      if (servers.length > 1)
        it.draft.set(
          [...at, 'route'],
          'failover',
          undefined,
          'Telegraf sends to one of them at a time, and so does failover; fan-out sends to all.',
        );
      if (it.text('prefix') !== undefined) it.copy('prefix', [...at, 'prefix'], it.text);
      if (it.flag('graphite_tag_support') !== undefined)
        it.copy('graphite_tag_support', [...at, 'tags'], it.flag);
      it.copy('timeout', [...at, 'timeout'], it.duration);
      it.leave(
        NAMES,
        'template',
        'templates',
        'graphite_separator',
        'graphite_tag_sanitize_mode',
        'graphite_strict_sanitize_regex',
        'local_address',
      );
      tls(it, at);
      return true;
    },
  },
  prometheus_client: {
    handler: 'prometheus',
    take: (it, at) => {
      const listen = it.text('listen') ?? ':9273';
      if (!hostPort(it, 'listen', at, listen, '::')) return false;
      if (it.given('listen') === undefined) it.draft.set([...at, 'port'], 9273);
      it.draft.carry(it.header);
      if (it.given('basic_username') !== undefined)
        it.copy('basic_username', [...at, 'username'], it.text);
      it.secret('basic_password', [...at, 'password']);
      if (it.duration('expiration_interval') === '0s')
        it.leave(
          'what is not observed any more leaves the page: staleness says when',
          'expiration_interval',
        );
      else it.copy('expiration_interval', [...at, 'staleness'], it.duration);
      it.copy('export_timestamp', [...at, 'timestamps'], it.flag);
      if (it.text('path') === '/metrics') it.carry('path');
      it.carry('collectors_exclude');
      it.leave('texts are sent as labels where they belong', 'string_as_label');
      it.leave(
        'the page is not served over TLS: put a proxy before it',
        'tls_cert',
        'tls_key',
        'tls_allowed_cacerts',
        'tls_min_version',
      );
      return true;
    },
  },
  amqp: {
    handler: 'amqp',
    take: (it, at) => {
      const formats = { graphite: 'lines', json: 'json' };
      const body = FORMAT(it, formats);
      if (body === undefined) return noFormat(it, formats);
      const key = it.given('brokers') === undefined ? 'url' : 'brokers';
      const brokers = it.list(key) ?? ['amqp://localhost:5672'];
      const urls = brokers.flatMap((url) => (URL.canParse(url) ? [new URL(url)] : []));
      if (urls.length !== brokers.length || urls.length === 0) {
        it.leaveRest('its brokers are no URLs');
        return false;
      }
      const [first] = urls;
      const hosts = urls.map((url) => url.host || 'localhost');
      it.draft.set([...at, 'host'], hosts.length === 1 ? (hosts[0] ?? '') : hosts, it.lines(key));
      const vhost = querystring.unescape(first?.pathname.slice(1) ?? '');
      if (vhost !== '') it.draft.set([...at, 'vhost'], vhost, it.lines(key));
      if (first?.username)
        it.draft.set([...at, 'username'], querystring.unescape(first.username), it.lines(key));
      if (first?.password)
        it.draft.secret([...at, 'password'], querystring.unescape(first.password), it.lines(key));
      it.draft.set([...at, 'body'], body, [
        ...it.lines('data_format'),
        ...(it.header === undefined ? [] : [it.header]),
      ]);
      it.draft.set(
        [...at, 'exchange', 'name'],
        verbatim(it.text('exchange') ?? 'telegraf'),
        it.lines('exchange'),
      );
      if (it.text('exchange_type') === 'header')
        it.draft.set([...at, 'exchange', 'type'], 'headers', it.lines('exchange_type'));
      else it.copy('exchange_type', [...at, 'exchange', 'type'], it.text);
      it.draft.set(
        [...at, 'exchange', 'declare'],
        it.flag('exchange_declare_passive') === true ? 'passive' : 'active',
        it.lines('exchange_declare_passive'),
      );
      it.draft.set(
        [...at, 'exchange', 'durable'],
        it.text('exchange_durability') !== 'transient' && it.flag('exchange_durable') !== false,
        it.lines('exchange_durability', 'exchange_durable'),
      );
      login(it, at);
      const method = it.text('auth_method')?.toLowerCase();
      if (method === 'plain' || method === 'external')
        it.draft.set([...at, 'auth'], method, it.lines('auth_method'));
      const tag = it.text('routing_tag');
      if (tag !== undefined && tag !== '') {
        it.draft.set(
          [...at, 'routingKey'],
          tag === 'host' ? '{host}' : `{label.${tag}}`,
          it.lines('routing_tag'),
        );
        it.leave('routing_tag has it; a label that is missing is empty', 'routing_key');
      } else it.copy('routing_key', [...at, 'routingKey'], it.text);
      it.draft.set(
        [...at, 'persistent'],
        it.text('delivery_mode') === 'persistent',
        it.lines('delivery_mode'),
      );
      for (const each of it.keys())
        if (each.startsWith('headers.')) it.copy(each, [...at, 'headers', each.slice(8)], it.text);
      it.copy('timeout', [...at, 'timeout'], it.duration);
      if (it.text('content_encoding') === 'gzip')
        it.draft.set([...at, 'gzip'], true, it.lines('content_encoding'));
      else if (it.text('content_encoding') === 'identity') it.carry('content_encoding');
      it.leave('points of one key share messages anyway', 'use_batch_format');
      it.leave(NAMES, 'template', 'prefix');
      tls(it, at);
      return true;
    },
  },
  mqtt: {
    handler: 'mqtt',
    take: (it, at) => {
      const formats = { graphite: 'plain', json: 'json' };
      const payload = FORMAT(it, formats);
      if (payload === undefined) return noFormat(it, formats);
      const servers = it.list('servers') ?? ['localhost:1883'];
      if (servers.length !== 1) {
        it.leaveRest(
          'it has several brokers, and the handler mqtt has one: write one handler for each, by hand',
        );
        return false;
      }
      if (!hostPort(it, 'servers', at, servers[0])) return false;
      it.draft.set([...at, 'payload'], payload, [
        ...it.lines('data_format'),
        ...(it.header === undefined ? [] : [it.header]),
      ]);
      const prefix = it.text('topic_prefix');
      if (prefix)
        it.draft.set(
          [...at, 'topic'],
          verbatim(`${prefix.replace(/\/+$/, '')}/`),
          it.lines('topic_prefix'),
        );
      it.leave('a topic is what topic says and the path, with slashes for dots', 'topic', 'layout');
      const qos = it.number('qos');
      if (qos === 0 || qos === 1) it.draft.set([...at, 'qos'], qos, it.lines('qos'));
      else it.leave('0 and 1 are spoken; 1 is the default', 'qos');
      login(it, at);
      if (it.text('client_id') === '') it.carry('client_id');
      else it.copy('client_id', [...at, 'clientId'], it.text);
      it.copy('retain', [...at, 'retain'], it.flag);
      it.copy('timeout', [...at, 'timeout'], it.duration);
      if (it.number('keep_alive'))
        it.draft.set([...at, 'keepalive'], `${it.number('keep_alive')}s`, it.lines('keep_alive'));
      it.leave('each point is a message', 'batch');
      it.leave(NAMES, 'template', 'prefix');
      tls(it, at);
      return true;
    },
  },
  riemann: {
    handler: 'riemann',
    take: (it, at) => {
      const url = it.text('url') ?? 'tcp://localhost:5555';
      if (!hostPort(it, 'url', at, url)) return false;
      if (url.startsWith('udp')) it.draft.set([...at, 'protocol'], 'udp', it.lines('url'));
      it.draft.carry(it.header);
      it.copy('ttl', [...at, 'ttl'], it.duration);
      it.copy('tags', [...at, 'eventTags'], it.list);
      it.copy('timeout', [...at, 'timeout'], it.duration);
      it.leave(
        'a service is the inner name and its labels: service: path makes it the path',
        'separator',
        'measurement_as_attribute',
        'string_as_state',
        'tag_keys',
        'description_text',
      );
      return true;
    },
  },
  http: {
    handler: 'http',
    take: (it, at) => {
      const formats = { influx: 'influx', json: 'json' };
      const format = FORMAT(it, formats);
      if (format === undefined) return noFormat(it, formats);
      const url = it.text('url');
      if (url === undefined || !(URL.canParse(url) || isVariable(url))) {
        it.leaveRest('it has no URL');
        return false;
      }
      const made = verbatim(url);
      it.draft.set(
        [...at, 'url'],
        made instanceof Verbatim ? new Verbatim(made.text, 'http://x/') : made,
        it.lines('url'),
      );
      it.draft.set([...at, 'format'], format, [
        ...it.lines('data_format'),
        ...(it.header === undefined ? [] : [it.header]),
      ]);
      it.copy('method', [...at, 'method'], it.text);
      login(it, at);
      it.secret('token', [...at, 'token']);
      http(it, at);
      it.leave(
        'an OAuth token is not asked for',
        'client_id',
        'client_secret',
        'token_url',
        'scopes',
      );
      return true;
    },
  },
  exec: {
    handler: 'exec',
    take: (it, at) => {
      const formats = { graphite: 'graphite', json: 'json' };
      const format = FORMAT(it, formats);
      if (format === undefined) return noFormat(it, formats);
      if (!it.copy('command', [...at, 'command'], it.list)) return false;
      it.draft.set([...at, 'format'], format, [
        ...it.lines('data_format'),
        ...(it.header === undefined ? [] : [it.header]),
      ]);
      it.copy('timeout', [...at, 'timeout'], it.duration);
      it.leave('NAME=value pairs go to environment', 'environment');
      it.draft.note(
        at,
        'The command is kept running and gets lines as they come; Telegraf started it for each batch.',
      );
      return true;
    },
  },
};

/** Outputs that many have, and that have no counterpart: what does it instead. */
export const NO_OUTPUT: Readonly<Record<string, string>> = {
  opentelemetry:
    'it is gRPC’s; the handler otlp sends the same over HTTP: otlp: { url: "http://HOST:4318/v1/metrics" }',
  kafka:
    'cullinan does not send to Kafka: an OpenTelemetry collector passes on what the handler otlp sends',
  elasticsearch:
    'cullinan does not send to Elasticsearch: an OpenTelemetry collector passes on what the handler otlp sends',
  datadog:
    'cullinan does not send there: the handler statsd with tagFormat: dogstatsd sends to its agent',
  socket_writer: 'handlers graphite, statsd and exec send lines',
  cloudwatch:
    'cullinan does not send there: an OpenTelemetry collector passes on what the handler otlp sends',
};
