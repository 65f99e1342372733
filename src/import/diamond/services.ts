import { basename, extname } from 'node:path';
import { exactly } from '../patterns.ts';
import { type Counterpart, calledNone, matching, OWN_NAMES } from './counterpart.ts';
import type { Settings } from './settings.ts';

const seconds = (settings: Settings, key: string): string | undefined => {
  const number = settings.number(key);
  return number === undefined ? undefined : `${number}s`;
};

/** Servers that are asked how they are. */
export const services: Readonly<Record<string, Counterpart>> = {
  HttpdCollector: {
    collector: 'apache',
    path: 'httpd',
    only: ['apache.requests', 'apache.workers'],
    options(settings, at, { relabel }) {
      const usual = ['localhost http://localhost:8080/server-status?auto'];
      const urls = (settings.list('urls') ?? usual).concat(settings.list('url') ?? []);
      for (const each of urls.map((url) => url.trim()).filter((url) => url !== '')) {
        const [first = '', second] = each.split(/\s+/);
        const name = second === undefined ? 'localhost' : first;
        const path = [...at, 'servers', name, 'url'];
        settings.draft.set(path, second ?? first, settings.lines('urls', 'url'));
        if (second === undefined)
          relabel.push({
            match: [`collector:apache & label:server=${name}`],
            rename: { from: '(^|\\.)httpd\\.localhost\\.', to: '$1httpd.' },
          });
      }
    },
  },
  NginxCollector: {
    collector: 'nginx',
    path: 'nginx',
    only: ['nginx.connections.*', 'nginx.requests'],
    options(settings, at) {
      const { draft } = settings;
      const host = settings.text('req_host') ?? 'localhost';
      const port = settings.number('req_port') ?? 8080;
      const path = settings.text('req_path') ?? '/nginx_status';
      const secure = settings.truth('req_ssl') === true;
      draft.set(
        [...at, 'url'],
        `${secure ? 'https' : 'http'}://${host}:${port}${path}`,
        settings.lines('req_host', 'req_port', 'req_path', 'req_ssl'),
      );
      const header = settings.text('req_host_header');
      settings.expect('req_host_header', header === '', 'the Host of a request is that of its URL');
    },
  },
  RedisCollector: {
    collector: 'redis',
    path: 'redis',
    only: [
      ...['uptime', 'clients', 'commands', 'connections & label:result=received'],
      ...['memory.usage & label:type=re:^(used|rss)$', 'memory.fragmentation', 'keyspace.lookups'],
      ...['keys.removed', 'keys', 'keys.expiring', 'pubsub', 'persistence.changes'],
      ...['persistence.last_save', 'cpu.time', 'replication.replicas'],
    ].map((word) => `redis.${word}`),
    options: redis,
  },
  RabbitMQCollector: {
    collector: 'rabbitmq',
    path: 'rabbitmq',
    only: ['rabbitmq.messages', 'rabbitmq.objects', 'rabbitmq.message.events', 'rabbitmq.queue.*'],
    options: rabbitmq,
  },
  NtpdCollector: {
    collector: 'ntpd',
    path: 'ntpd',
    only: ['ntpd.offset', 'ntpd.frequency', 'ntpd.root.dispersion'],
    renames: [
      {
        match: 'ntpd.frequency',
        from: 'ntpd\\.frequency',
        to: 'ntpd.frequency',
        scale: 1e6,
      },
      {
        match: 'ntpd.root.dispersion',
        from: 'ntpd\\.root\\.dispersion',
        to: 'ntpd.root_dispersion',
      },
    ],
    note: 'What Diamond told of the chosen source is ntpd.source.… here: only of a handler has to have it.',
    options(settings) {
      calledNone(settings, 'ntpd is asked directly, and ntpq is not called');
    },
  },
  ChronydCollector: {
    collector: 'chrony',
    path: 'chrony',
    only: ['chrony.source.offset'],
    note: `${OWN_NAMES} The offset of a source is in seconds, and not in milliseconds.`,
    options(settings) {
      calledNone(settings, 'chronyd is asked directly, and chronyc is not called');
    },
  },
  PingCollector: {
    collector: 'ping',
    path: 'ping',
    only: ['check.ping.time.mean'],
    note: 'A host that does not answer has no number, where Diamond had 10000: check.ping.up tells of it.',
    options(settings, at) {
      const { draft } = settings;
      draft.set([...at, 'count'], 1);
      for (const key of settings.keys().filter((each) => each.startsWith('target_'))) {
        const host = settings.text(key) ?? '';
        if (host === '') settings.leave('it names nobody', key);
        else draft.set([...at, 'targets', host.replaceAll('.', '_')], host, settings.lines(key));
      }
      calledNone(settings, 'the system’s ping(8) is called as this user');
    },
  },
  HttpCollector: {
    collector: 'http',
    path: 'http',
    only: ['collector:http & check.http.time', 'collector:http & check.http.size'],
    renames: [
      {
        match: 'collector:http & check.http.time',
        from: 'check\\.http\\.time\\.([^.]+)',
        to: 'http.$2.time',
        scale: 1e6,
      },
      {
        match: 'collector:http & check.http.size',
        from: 'check\\.http\\.size\\.([^.]+)',
        to: 'http.$2.size',
      },
    ],
    options(settings, at) {
      const { draft } = settings;
      for (const url of settings.list('req_url') ?? ['http://localhost/']) {
        const name = url.replace(/[/.]/g, '_').replace(/[\\:]/g, '');
        draft.set([...at, 'targets', name, 'url'], url, settings.lines('req_url'));
      }
      const virtual = settings.text('req_vhost') === '';
      settings.expect('req_vhost', virtual, 'the Host of a request is that of its URL');
      settings.expect('req_port', settings.text('req_port') === '', 'Diamond does not look at it');
    },
  },
  WebsiteMonitorCollector: {
    collector: 'http',
    path: 'websitemonitor',
    only: ['collector:websitemonitor & re:^check\\.http\\.(time|status)$'],
    make(settings) {
      const at = ['collectors', 'websitemonitor'];
      const url = settings.text('URL') ?? '';
      if (url === '') return [];
      settings.draft.set([...at, 'type'], 'http');
      settings.draft.set([...at, 'targets', 'websitemonitor', 'url'], url, settings.lines('URL'));
      settings.draft.note(
        at,
        'Its names are cullinan’s: Diamond’s had the status in them, as in response_time.200.',
      );
      return ['websitemonitor'];
    },
  },
};

/** `nick@host:port/PASSWORD`, `unix:/its/socket:/PASSWORD`, or the parts in keys of their own. */
function redis(settings: Settings, at: readonly string[]): void {
  const { draft } = settings;
  const instances = (settings.list('instances') ?? []).filter((each) => each !== '');
  const lines = settings.lines('instances');
  const one = settings.text('host') ?? 'localhost';
  const port = settings.number('port') ?? 6379;
  const put = (name: string, host: string, its: number, password: string | undefined): void => {
    const server = [...at, 'servers', name];
    const of = instances.length > 0 ? lines : settings.lines('host', 'port');
    if (host.startsWith('unix:')) draft.set([...server, 'socket'], host.slice('unix:'.length), of);
    else {
      draft.set([...server, 'host'], host === '' ? 'localhost' : host, of);
      draft.set([...server, 'port'], its, of);
    }
    if (password !== undefined && password !== '')
      draft.secret([...server, 'password'], password, [...of, ...settings.lines('auth')]);
  };
  for (const each of instances) {
    const [, nick, rest = ''] = /^(?:([^@]*)@)?(.*)$/s.exec(each) ?? [];
    const [, socket, secret] = /^(unix:[^:]*)(?::\/(.*))?$/s.exec(rest) ?? [];
    if (socket !== undefined) put(nick || stem(socket), socket, port, secret);
    else {
      const [, host = '', number, password] = /^([^:/]*)(?::(\d+))?(?:\/(.*))?$/s.exec(rest) ?? [];
      const its = number === undefined ? 6379 : Number(number);
      put(nick || String(its), host, its, password);
    }
  }
  if (instances.length === 0)
    put(one.startsWith('unix:') ? stem(one) : String(port), one, port, settings.text('auth'));
  else settings.leave('instances holds in its place', 'host', 'port', 'auth');
  settings.put([...at, 'timeout'], 'timeout', seconds(settings, 'timeout'));
  settings.leave('INFO tells of all databases', 'db', 'databases');
  draft.carry([...settings.lines('instances'), ...settings.lines('auth')]);
}

const stem = (path: string): string => basename(path, extname(path)) || 'redis';

function rabbitmq(settings: Settings, at: readonly string[]): void {
  const { draft } = settings;
  const host = settings.text('host');
  if (host !== undefined)
    draft.set(
      [...at, 'url'],
      /^https?:\/\//.test(host) ? host : `http://${host}`,
      settings.lines('host'),
    );
  draft.set([...at, 'username'], settings.text('user') ?? 'guest', settings.lines('user'));
  const password = settings.text('password');
  if (password === undefined || password === '') draft.set([...at, 'password'], 'guest');
  else draft.secret([...at, 'password'], password, settings.lines('password'));
  const queues = settings.list('queues')?.flatMap((each) => each.split(/\s+/));
  if (queues !== undefined && queues.length > 0)
    draft.set([...at, 'queues', 'include'], queues.map(exactly), settings.lines('queues'));
  settings.draft.carry(settings.lines('queues'));
  const ignored = matching(settings, 'queues_ignored');
  if (ignored !== undefined && ignored.length > 0)
    draft.set([...at, 'queues', 'exclude'], ignored, settings.lines('queues_ignored'));
  else if (ignored !== undefined) draft.carry(settings.lines('queues_ignored'));
  settings.expect(
    'cluster',
    settings.truth('cluster') === false,
    'nodes are rabbitmq.node.…, which only of a handler has to have',
  );
  for (const key of ['replace_dot', 'replace_slash'])
    settings.expect(key, settings.truth(key) === false, 'names are put right by the dialect');
  for (const section of settings.sections.filter(({ name }) => name === 'vhosts')) {
    const lines = [...section.settings.values()].map(({ line }) => line);
    for (const line of section.line === undefined ? lines : [section.line, ...lines])
      draft.leave(line, 'a queue’s name has no virtual host in it; vhosts chooses them');
  }
}
