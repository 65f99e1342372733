import type { Path, Value } from '../draft.ts';
import { Block } from './block.ts';
import type { Node } from './oconfig.ts';
import { headers, verified } from './web.ts';

/** One place that a plugin of collectd's writes to, as a handler: its options, below this path. */
export interface Writer {
  readonly handler: string;
  readonly options: (block: Block, at: Path) => Readonly<Record<string, Value>> | undefined;
}

const STAYS = 'a broken connection is opened anew by itself';
const ONCE = 'what goes wrong is said once, and again every ten minutes';

/** write_graphite's options of names, by the dialect's. */
// biome-ignore format: pairs of names
const NAMES: Readonly<Record<string, string>> = {
  StoreRates: 'storeRates', SeparateInstances: 'separateInstances', AlwaysAppendDS: 'alwaysAppendDS',
  DropDuplicateFields: 'dropDuplicateFields', PreserveSeparator: 'preserveSeparator',
  UseTags: 'useTags', ReverseHost: 'reverseHost',
};
const TEXTS: Readonly<Record<string, string>> = {
  Prefix: 'prefix',
  Postfix: 'postfix',
  EscapeCharacter: 'escapeCharacter',
};

function names(block: Block, before = ''): Record<string, Value> {
  const made: Record<string, Value> = {};
  for (const [key, ours] of Object.entries(NAMES)) {
    const value = block.truth(`${before}${key}`) ?? block.truth(key);
    if (value !== undefined) made[ours] = value;
    block.expect(`${before}${key}`, value !== undefined, 'it is true or false');
  }
  for (const [key, ours] of Object.entries(TEXTS)) {
    const text = block.text(`${before}${key}`);
    if (text !== undefined) made[ours] = text;
    block.draft.carry(block.lines(`${before}${key}`));
  }
  return made;
}

function address(block: Block, at: Path, port: number): void {
  block.put([...at, 'host'], 'Host', block.text('Host'));
  block.draft.set([...at, 'port'], block.number('Port') ?? port, block.lines('Port'));
}

function login(block: Block, at: Path, user = 'User', password = 'Password'): void {
  block.put([...at, 'username'], user, block.text(user));
  const secret = block.text(password);
  if (secret !== undefined) block.draft.secret([...at, 'password'], secret, block.lines(password));
}

function tls(block: Block, at: Path, keys: Readonly<Record<string, string>>): void {
  for (const [theirs, ours] of Object.entries(keys)) {
    block.put([...at, 'tls', ours], theirs, block.text(theirs));
  }
}

const graphite: Writer = {
  handler: 'graphite',
  options(block, at) {
    address(block, at, 2003);
    block.put([...at, 'protocol'], 'Protocol', block.text('Protocol')?.toLowerCase());
    block.leave(STAYS, 'ReconnectInterval');
    block.leave(ONCE, 'LogSendErrors');
    return names(block);
  },
};

const http: Writer = {
  handler: 'http',
  options(block, at) {
    const { draft } = block;
    // Its receiver reads what collectd writes.
    draft.set([...at, 'enabled'], false);
    draft.note(at, 'Off: it speaks JSON of another shape than collectd’s (docs/handlers/http.md).');
    block.put([...at, 'url'], 'URL', block.text('URL'));
    login(block, at);
    tls(block, at, { CACert: 'ca', ClientCert: 'cert', ClientKey: 'key' });
    headers(block, at);
    const timeout = block.number('Timeout');
    block.put([...at, 'timeout'], 'Timeout', timeout && `${timeout / 1000}s`);
    verified(block, 'VerifyPeer', 'VerifyHost');
    block.leave(
      'the body is JSON, or lines for InfluxDB',
      'Format',
      'Command',
      'Metrics',
      'Notifications',
    );
    block.leave('docs/delivery.md says how much is sent at a time', 'BufferSize', 'LowSpeedLimit');
    const rates = block.truth('StoreRates');
    block.put(
      [...at, 'counters'],
      'StoreRates',
      rates === undefined ? undefined : rates ? 'rates' : 'raw',
    );
    return {};
  },
};

const riemann: Writer = {
  handler: 'riemann',
  options(block, at) {
    address(block, at, 5555);
    const protocol = block.text('Protocol')?.toLowerCase();
    block.put([...at, 'protocol'], 'Protocol', protocol === 'tls' ? 'tcp' : protocol);
    if (protocol === 'tls') block.draft.set([...at, 'tls'], {});
    tls(block, at, { TLSCAFile: 'ca', TLSCertFile: 'cert', TLSKeyFile: 'key' });
    block.draft.set([...at, 'service'], 'path');
    block.draft.note(
      [...at, 'service'],
      'collectd writes plugin-instance/type-instance; here it is the path.',
    );
    block.leave(
      'docs/delivery.md says how much is sent at a time',
      'Batch',
      'BatchMaxSize',
      'BatchFlushTimeout',
    );
    block.leave(
      'there are no notifications, nor checks of thresholds',
      'Notifications',
      'CheckThresholds',
    );
    const tags = block.all('Tag').flatMap(({ values }) => values);
    if (tags.length > 0) block.draft.set([...at, 'eventTags'], tags, block.lines('Tag'));
    block.leave(
      'labels are what every sample bears: labels, or relabel of the handler',
      'Attribute',
    );
    const timeout = block.seconds('Timeout');
    block.put([...at, 'timeout'], 'Timeout', timeout);
    block.leave('ttl says it', 'TTLFactor');
    block.leave('names are made by the dialect', 'EventServicePrefix');
    return names(block);
  },
};

const prometheus: Writer = {
  handler: 'prometheus',
  options(block, at) {
    block.draft.set([...at, 'port'], block.number('Port') ?? 9103, block.lines('Port'));
    block.draft.set([...at, 'host'], block.text('Host') ?? '::', block.lines('Host'));
    block.put([...at, 'staleness'], 'StalenessDelta', block.seconds('StalenessDelta'));
    block.draft.note(
      at,
      'Its names are node_exporter’s, not collectd_…: docs/dialects/prometheus.md',
    );
    return undefined;
  },
};

const amqp: Writer = {
  handler: 'amqp',
  options(block, at) {
    const { draft } = block;
    const hosts = block.all('Host').flatMap(({ values }) => values);
    if (hosts.length > 0) {
      draft.set(
        [...at, 'host'],
        hosts.length === 1 ? (hosts[0] ?? '') : hosts,
        block.lines('Host'),
      );
    }
    block.put([...at, 'port'], 'Port', block.number('Port'));
    block.put([...at, 'vhost'], 'VHost', block.text('VHost'));
    login(block, at);
    draft.set(
      [...at, 'exchange', 'name'],
      block.text('Exchange') ?? 'amq.fanout',
      block.lines('Exchange'),
    );
    const type = block.text('ExchangeType');
    draft.set([...at, 'exchange', 'declare'], type === undefined ? 'none' : 'active');
    block.put([...at, 'exchange', 'type'], 'ExchangeType', type);
    draft.set([...at, 'exchange', 'durable'], false);
    draft.set([...at, 'persistent'], block.truth('Persistent') ?? false, block.lines('Persistent'));
    block.put([...at, 'routingKey'], 'RoutingKey', block.text('RoutingKey'));
    const format = block.text('Format')?.toLowerCase() ?? 'command';
    const plain = format === 'graphite';
    draft.set([...at, 'body'], plain ? 'lines' : 'collectd');
    block.expect(
      'Format',
      format !== 'command',
      'PUTVAL is not spoken: it is collectd’s JSON here',
    );
    if (block.find('Format') === undefined) {
      draft.note([...at, 'body'], 'collectd writes PUTVAL by default, which is not spoken here.');
    }
    block.leave(STAYS, 'ConnectionRetryDelay');
    if (block.truth('TLSEnabled') === true) {
      draft.set([...at, 'tls'], {}, block.lines('TLSEnabled'));
      tls(block, at, { TLSCACert: 'ca', TLSClientCert: 'cert', TLSClientKey: 'key' });
    } else {
      draft.carry(block.lines('TLSEnabled'));
      block.leave(
        'there is no TLS without TLSEnabled',
        'TLSCACert',
        'TLSClientCert',
        'TLSClientKey',
      );
    }
    verified(block, 'TLSVerifyPeer', 'TLSVerifyHostname');
    const said = names(block, 'Graphite');
    const character = block.text('GraphiteEscapeChar');
    block.draft.carry(block.lines('GraphiteEscapeChar', 'StoreRates'));
    return {
      storeRates: block.truth('StoreRates') ?? false,
      ...said,
      ...(character === undefined ? {} : { escapeCharacter: character }),
    };
  },
};

const mqtt: Writer = {
  handler: 'mqtt',
  options(block, at) {
    const secure = block.find('CACert') !== undefined;
    address(block, at, secure ? 8883 : 1883);
    block.put([...at, 'clientId'], 'ClientId', block.text('ClientId'));
    login(block, at);
    block.draft.set([...at, 'qos'], block.number('QoS') ?? 0, block.lines('QoS'));
    block.put([...at, 'retain'], 'Retain', block.truth('Retain'));
    const prefix = block.text('Prefix') ?? 'collectd';
    block.draft.set([...at, 'topic'], prefix === '' ? '' : `${prefix}/`, block.lines('Prefix'));
    block.draft.note(
      [...at, 'topic'],
      'The payload is "value time"; collectd writes "time:value".',
    );
    tls(block, at, { CACert: 'ca', CertificateFile: 'cert', CertificateKeyFile: 'key' });
    block.leave('TLS 1.2 at least, whatever the broker takes', 'TLSProtocol', 'CipherSuite');
    const rates = block.truth('StoreRates') ?? true;
    block.draft.carry(block.lines('StoreRates'));
    return { storeRates: rates };
  },
};

/** By plugin: the blocks in it that are places, in lower case, and what writes there. */
const PLACES: Readonly<Record<string, readonly [block: RegExp, Writer]>> = {
  write_graphite: [/^(node|carbon)$/, graphite],
  write_http: [/^(node|url)$/, http],
  write_riemann: [/^node$/, riemann],
  amqp: [/^publish$/, amqp],
  mqtt: [/^publish$/, mqtt],
};

/** What one plugin writes to, place by place; `undefined` of what is none that writes. */
export function placesOf(
  plugin: string,
  block: Block,
): { writer: Writer; block: Block }[] | undefined {
  if (plugin === 'write_prometheus') return [{ writer: prometheus, block }];
  const [pattern, writer] = PLACES[plugin] ?? [];
  if (pattern === undefined || writer === undefined) return undefined;
  const { draft } = block;
  const found = block.nodes.filter(
    ({ key, children }) => children && pattern.test(key.toLowerCase()),
  );
  return found.map((node: Node) => {
    draft.carry(node.line);
    const children = new Block(draft, node.children ?? []);
    // <URL "http://…">, as it was before there were nodes.
    if (node.key.toLowerCase() === 'url' && node.values[0] !== undefined) {
      const url = { ...node, key: 'URL', children: undefined };
      return { writer, block: new Block(draft, [url, ...(node.children ?? [])]) };
    }
    // Tags and attributes stand beside the nodes, and are those of each.
    const beside = [...block.all('Tag'), ...block.all('Attribute')];
    if (writer === riemann)
      return { writer, block: new Block(draft, [...children.nodes, ...beside]) };
    return { writer, block: children };
  });
}
