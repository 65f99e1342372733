import querystring from 'node:querystring';
import { Verbatim } from '../draft.ts';
import { exactly } from '../patterns.ts';
import { nameFor, place } from './counterpart.ts';
import { login, tls } from './output-options.ts';
import { isVariable, type Plugin, verbatim } from './plugin.ts';

interface Address {
  readonly scheme: string;
  readonly user: string;
  readonly password: string;
  /** Host, port and path. */
  readonly rest: string;
}

/** An address, and what in it lets somebody in. */
function addressOf(text: string): Address {
  const [, scheme = '', user = '', password = '', rest = text] =
    /^([a-z][a-z+]*):\/\/(?:([^/@:]*)(?::([^/@]*))?@)?(.*)$/is.exec(text) ?? [];
  return {
    scheme: scheme.toLowerCase(),
    user: querystring.unescape(user),
    password: querystring.unescape(password),
    rest,
  };
}

/** A page to ask for, with a login that its address or the input has. */
export function webAddress(it: Plugin, at: readonly string[], key: string, text: string): void {
  const { scheme, user, password, rest } = addressOf(text);
  const made = verbatim(scheme === '' ? rest : `${scheme}://${rest}`);
  // What a variable stands for has a scheme of its own.
  const url =
    made instanceof Verbatim && scheme === '' ? new Verbatim(made.text, 'http://x') : made;
  it.draft.set([...at, 'url'], url, it.lines(key));
  enters(it, at, key, user, password);
  login(it, at);
}

function enters(
  it: Plugin,
  at: readonly string[],
  key: string,
  user: string,
  password: string,
): void {
  if (user !== '') it.draft.set([...at, 'username'], verbatim(user), it.lines(key));
  if (password === '') return;
  if (isVariable(password)) it.draft.set([...at, 'password'], verbatim(password), it.lines(key));
  else it.draft.secret([...at, 'password'], password, it.lines(key));
}

const isSecure = (url: string): boolean => !/^http:/i.test(url);

function timeout(it: Plugin, at: readonly string[], ...keys: readonly string[]): void {
  for (const key of keys) it.copy(key, [...at, 'timeout'], it.duration);
}

/** Each page of nginx's as a collector of its own. */
export function nginx(it: Plugin): readonly string[] {
  const urls =
    it.given('urls') === undefined ? ['http://localhost/server_status'] : it.list('urls');
  return (urls ?? []).map((url) => {
    const at = place(it, 'nginx');
    webAddress(it, at, 'urls', url);
    if (isSecure(url)) tls(it, at);
    timeout(it, at, 'response_timeout');
    return at[1];
  });
}

export function apache(it: Plugin): readonly string[] {
  const urls =
    it.given('urls') === undefined ? ['http://localhost/server-status?auto'] : it.list('urls');
  if (urls === undefined || urls.length === 0) return [];
  const at = place(it, 'apache');
  for (const url of urls) {
    const [, host = url] = /^\w+:\/\/([^/]*)/.exec(url) ?? [];
    const server = [...at, 'servers', nameFor(it, [...at, 'servers'], host)];
    webAddress(it, server, 'urls', url);
    if (isSecure(url)) tls(it, server);
  }
  timeout(it, at, 'response_timeout');
  return [at[1]];
}

const SOCKET = 'a server is tcp://host:port, or unix:///its/socket';

export function redis(it: Plugin): readonly string[] {
  const servers = it.given('servers') === undefined ? ['tcp://localhost:6379'] : it.list('servers');
  const at = place(it, 'redis');
  for (const text of servers ?? []) {
    const { scheme, user, password, rest } = addressOf(text);
    const server = [...at, 'servers', nameFor(it, [...at, 'servers'], rest.replace(/\?.*$/s, ''))];
    const lines = it.lines('servers');
    if (scheme === 'unix') it.draft.set([...server, 'socket'], verbatim(rest), lines);
    else {
      const [, host, port] = /^(\[[^\]]*\]|[^:/[\]?]+|\$\{\w+\})(?::(\d+))?\/?$/.exec(rest) ?? [];
      if (host === undefined || !/^(?:tcp|redis|rediss|)$/.test(scheme)) {
        it.draft.leave(lines, SOCKET);
        continue;
      }
      it.draft.set([...server, 'host'], verbatim(host.replace(/^\[|\]$/g, '')), lines);
      if (port !== undefined) it.draft.set([...server, 'port'], Number(port), lines);
      if (scheme === 'rediss') it.draft.set([...server, 'tls'], {}, lines);
    }
    enters(it, server, 'servers', user, password);
    login(it, server);
    if (scheme !== 'unix') tls(it, server);
  }
  const commands = it.keys().filter((key) => key.startsWith('commands'));
  it.leave(
    'INFO is asked for, and no command of your own: the collector exec runs it',
    ...commands,
  );
  if (it.draft.has([...at, 'servers'])) return [at[1]];
  it.draft.drop(at, SOCKET);
  return [];
}

export function rabbitmq(it: Plugin): readonly string[] {
  const at = place(it, 'rabbitmq');
  const url = it.text('url') ?? 'http://localhost:15672';
  webAddress(it, at, 'url', url);
  if (isSecure(url)) tls(it, at);
  for (const key of ['username', 'password'])
    if (!it.draft.has([...at, key]))
      it.draft.set([...at, key], 'guest', undefined, 'Telegraf’s default.');
  timeout(it, at, 'header_timeout', 'client_timeout');
  it.copy('queue_name_include', [...at, 'queues', 'include'], it.list);
  it.copy('queue_name_exclude', [...at, 'queues', 'exclude'], it.list);
  it.copy('queues', [...at, 'queues', 'include'], (key) => it.list(key)?.map(exactly));
  it.leave(
    'all nodes are told of, and no exchanges or federations by themselves: only and except of a handler choose',
    ...['nodes', 'exchanges', 'metric_include', 'metric_exclude'],
    ...['federation_upstream_include', 'federation_upstream_exclude'],
  );
  return [at[1]];
}

export function activemq(it: Plugin): readonly string[] {
  const at = place(it, 'activemq');
  const url = it.text('url') ?? 'http://127.0.0.1:8161';
  webAddress(it, at, 'url', `${url.replace(/\/+$/, '')}/api/jolokia`);
  it.draft.note([...at, 'url'], 'Its web console has this page beside those that Telegraf reads.');
  if (isSecure(url)) tls(it, at);
  timeout(it, at, 'response_timeout');
  it.leave('Jolokia is asked, wherever the console is: url', 'webadmin', 'server', 'port');
  return [at[1]];
}

export function chrony(it: Plugin): readonly string[] {
  const at = place(it, 'chrony');
  const text = it.text('server') ?? '';
  const [, host, port] = /^udp:\/\/(\[[^\]]*\]|[^:/[\]]+)(?::(\d+))?$/.exec(text) ?? [];
  it.draft.set([...at, 'enabled'], true, it.header);
  if (host !== undefined) {
    it.draft.set([...at, 'host'], verbatim(host.replace(/^\[|\]$/g, '')), it.lines('server'));
    if (port !== undefined) it.draft.set([...at, 'port'], Number(port), it.lines('server'));
  } else if (text === '') it.carry('server');
  it.leave(
    'chronyd is asked over UDP, at 127.0.0.1:323 unless host and port say otherwise',
    'server',
  );
  timeout(it, at, 'timeout');
  if (it.flag('dns_lookup') === false) it.carry('dns_lookup');
  it.leave('sources are called by their addresses', 'dns_lookup');
  it.leave('its tracking and its sources are told of', 'metrics', 'socket_group', 'socket_perms');
  return [at[1]];
}

/** ntpd, asked by the messages that ntpq sends: each server as a collector of its own. */
export function ntpq(it: Plugin): readonly string[] {
  const servers = it.list('servers') ?? [];
  const made = (servers.length === 0 ? [undefined] : servers).map((server) => {
    const at = place(it, 'ntpd');
    it.draft.set([...at, 'enabled'], true, it.header);
    if (server !== undefined) it.draft.set([...at, 'host'], verbatim(server), it.lines('servers'));
    return at[1];
  });
  if (servers.length === 0) it.carry('servers');
  if (it.flag('dns_lookup') === false) it.carry('dns_lookup');
  it.leave('ntpd is asked directly, and ntpq is not called', 'options', 'dns_lookup');
  it.leave('what is told of reach is how many of eight questions were answered', 'reach_format');
  return made;
}

/** `smart`, and `smartctl`, which has other names for the same. */
export function smart(it: Plugin): readonly string[] {
  const at = place(it, 'smart');
  it.draft.set([...at, 'enabled'], true, it.header);
  const key = it.name === 'smart' ? 'path_smartctl' : 'path';
  const path = it.text(key) || 'smartctl';
  const sudo = it.flag('use_sudo') === true;
  if (sudo || path !== 'smartctl')
    it.draft.set(
      [...at, 'command'],
      [...(sudo ? ['sudo', '-n'] : []), verbatim(path)],
      [...it.lines(key), ...(sudo ? it.lines('use_sudo') : [])],
    );
  it.carry(...(sudo ? [] : ['use_sudo']), ...(it.text(key) === '' ? [key] : []));
  for (const [theirs, ours] of [
    ['devices', 'include'],
    ['devices_include', 'include'],
    ['excludes', 'exclude'],
    ['devices_exclude', 'exclude'],
  ] as const) {
    const list = it.list(theirs);
    if (list?.length === 0) it.carry(theirs);
    else if (list?.every((each) => /^\/dev\/[\w-]+(?: -d .*)?$/.test(each))) {
      const names = list.map((each) => each.replace(/^\/dev\/([\w-]+).*$/s, '$1'));
      it.draft.set([...at, 'devices', ours], names, it.lines(theirs));
      if (list.some((each) => each.includes(' ')))
        it.draft.leave(it.lines(theirs), 'smartctl finds out by itself what type a disk is of');
    } else it.leave('disks are chosen by the names that they have in /dev', theirs);
  }
  for (const asleep of ['nocheck', 'no_check']) if (it.text(asleep) === 'standby') it.carry(asleep);
  it.leave('a disk that sleeps is not woken', 'nocheck', 'no_check');
  if (it.flag('attributes') === true) it.carry('attributes');
  it.leave('all attributes are told of: except of a handler leaves them out', 'attributes');
  timeout(it, at, 'timeout');
  it.leave('smartctl tells of NVMe, too, what all disks have', 'path_nvme', 'enable_extensions');
  it.leave('disks are called as in /dev', 'tag_with_device_type', 'metric_version');
  it.leave('disks are asked one after the other', 'read_method');
  return [at[1]];
}

export function systemdUnits(it: Plugin): readonly string[] {
  const at = place(it, 'systemd');
  it.draft.set([...at, 'enabled'], true, it.header);
  const type = it.text('unittype') ?? 'service';
  const patterns = (it.text('pattern') ?? '').split(/\s+/).filter((word) => word !== '');
  const suffix = /\.(?:service|socket|target|device|mount|automount|swap|timer|path|slice|scope)$/;
  const units = (patterns.length === 0 ? ['*'] : patterns).map((word) =>
    suffix.test(word) ? word : `${word}.${type}`,
  );
  it.draft.set([...at, 'units', 'include'], units, it.lines('unittype', 'pattern'));
  timeout(it, at, 'timeout');
  it.leave(
    'of a unit is told whether it is active, and whether it has failed; the system’s bus says it',
    ...['subcommand', 'details', 'scope', 'collect_disabled_units'],
  );
  return [at[1]];
}
