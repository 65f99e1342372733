import { isSecretHeader, Verbatim } from '../draft.ts';
import { isVariable, type Plugin, standIn, verbatim } from './plugin.ts';

const INSECURE =
  'certificates are always checked here: name the authority with tls.ca, and the name with tls.servername';

export function tls(it: Plugin, at: readonly string[]): void {
  for (const [key, option] of [
    ...(['tls_ca', 'ssl_ca'] as const).map((key) => [key, 'ca'] as const),
    ...(['tls_cert', 'ssl_cert'] as const).map((key) => [key, 'cert'] as const),
    ...(['tls_key', 'ssl_key'] as const).map((key) => [key, 'key'] as const),
    ['tls_server_name', 'servername'] as const,
  ]) {
    if (it.text(key) === '') it.carry(key);
    else it.copy(key, [...at, 'tls', option], it.text);
  }
  const oldest = it.text('tls_min_version');
  if (oldest === 'TLS12' || oldest === 'TLS13')
    it.draft.set(
      [...at, 'tls', 'minVersion'],
      oldest === 'TLS12' ? 'TLSv1.2' : 'TLSv1.3',
      it.lines('tls_min_version'),
    );
  if (it.flag('insecure_skip_verify') === false) it.carry('insecure_skip_verify');
  else it.leave(INSECURE, 'insecure_skip_verify');
}

export function login(it: Plugin, at: readonly string[]): void {
  if (it.text('username') === '') it.carry('username');
  else it.copy('username', [...at, 'username'], it.text);
  it.secret('password', [...at, 'password']);
}

export function http(it: Plugin, at: readonly string[]): void {
  tls(it, at);
  it.copy('timeout', [...at, 'timeout'], it.duration);
  const prefix = ['http_headers.', 'headers.'];
  for (const key of it.keys()) {
    const found = prefix.find((each) => key.startsWith(each));
    if (found === undefined) continue;
    const name = key.slice(found.length);
    if (isSecretHeader(name)) it.secret(key, [...at, 'headers', name]);
    else it.copy(key, [...at, 'headers', name], it.text);
  }
  if (it.given('user_agent') !== undefined)
    it.copy('user_agent', [...at, 'headers', 'user-agent'], it.text);
  const encoding = it.text('content_encoding');
  if (encoding === 'gzip' || encoding === 'identity')
    it.draft.set([...at, 'gzip'], encoding === 'gzip', it.lines('content_encoding'));
  for (const key of ['http_proxy', 'http_proxy_url']) {
    if (it.text(key)?.includes('@')) it.secret(key, [...at, 'proxy']);
    else if (it.text(key) === '') it.carry(key);
    else it.copy(key, [...at, 'proxy'], it.text);
  }
  // Without a proxy of its own the environment says, unless that is not to be asked.
  if (it.flag('use_system_proxy') === false && !it.draft.has([...at, 'proxy']))
    it.draft.set([...at, 'proxy'], 'none', it.lines('use_system_proxy'));
  else it.carry('use_system_proxy');
  it.leave('values are sent as they are', 'influx_uint_support');
}

/** The URL of a database, of which Telegraf takes one of several at each write. */
export function database(
  it: Plugin,
  at: readonly string[],
  path: string,
  query: readonly (readonly [string, string | undefined])[],
): boolean {
  const given = it.given('urls') === undefined ? it.given('url') : it.given('urls');
  const key = it.given('urls') === undefined ? 'url' : 'urls';
  const urls = given === undefined ? ['http://localhost:8086'] : (it.list(key) ?? []);
  const [url, ...others] = urls;
  if (url === undefined) {
    it.leaveRest('it has no URL');
    return false;
  }
  if (!/^https?:\/\//.test(url) && !/^\$/.test(url)) {
    it.leaveRest('only HTTP and HTTPS are spoken to InfluxDB: not UDP, and no local socket');
    return false;
  }
  const words = query.flatMap(([name, value]) =>
    value === undefined || value === ''
      ? []
      : [`${name}=${isVariable(value) ? value : encodeURIComponent(value)}`],
  );
  const whole = `${url.replace(/\/+$/, '')}${path}?${words.join('&')}`;
  const made = verbatim(whole);
  const value =
    made instanceof Verbatim
      ? new Verbatim(made.text, `http://x${path}?${standIn(words.join('&'))}`)
      : made;
  it.draft.set(
    [...at, 'url'],
    value,
    it.lines(key),
    others.length === 0
      ? undefined
      : `One of several in Telegraf; the others: ${others.join(', ')}`,
  );
  it.draft.set([...at, 'format'], 'influx', it.header);
  return true;
}

export const FORMAT = (
  it: Plugin,
  known: Readonly<Record<string, string>>,
  fallback = 'influx',
): string | undefined => {
  const given = it.text('data_format') ?? fallback;
  return Object.hasOwn(known, given) ? known[given] : undefined;
};

export function noFormat(it: Plugin, known: Readonly<Record<string, string>>): false {
  it.leaveRest(
    `its data_format is ${it.text('data_format') ?? 'influx'}, in which this handler does not send: only ${Object.keys(known).join(', ')}`,
  );
  return false;
}

/** `host:port` out of what may be a URL. */
const bare = (text: string): string =>
  text
    .replace(/^[a-z0-9]+:\/\//, '')
    .replace(/\/.*$/, '')
    .replace(/^[^@]*@/, '');

export function hostPort(
  it: Plugin,
  key: string,
  at: readonly string[],
  text: string | undefined,
  any = 'localhost',
): boolean {
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d+))?$/.exec(text === undefined ? '' : bare(text));
  if (match === null) {
    it.leave('it is no host and port', key);
    return false;
  }
  const [, host = '', port] = match;
  it.draft.set([...at, 'host'], verbatim(host.replace(/^\[|\]$/g, '') || any), it.lines(key));
  if (port !== undefined) it.draft.set([...at, 'port'], Number(port), it.lines(key));
  return true;
}

export const NAMES = 'names are cullinan’s: dialect, prefix and relabel of the handler make them';
