import { isSecretHeader } from '../draft.ts';
import { expression } from '../patterns.ts';
import { nameFor, place } from './counterpart.ts';
import { tls } from './output-options.ts';
import { type Plugin, secondsOf, verbatim } from './plugin.ts';
import { webAddress } from './servers.ts';

/** A list of the targets of an input; `undefined`, with everything left, where there are none. */
function targets(it: Plugin, ...keys: readonly string[]): readonly [string, readonly string[]] {
  const key = keys.find((each) => it.given(each) !== undefined) ?? keys[0] ?? '';
  const list = it.list(key) ?? [];
  if (list.length === 0) it.leaveRest('it has nothing that would be checked');
  return [key, list];
}

const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS'];

/** Servers that are asked over HTTP. */
export function httpResponse(it: Plugin): readonly string[] {
  const given = ['urls', 'address'].some((key) => it.given(key) !== undefined);
  const [key, urls] = given ? targets(it, 'urls', 'address') : ['urls', ['http://localhost']];
  const method = (it.text('method') ?? 'GET').toUpperCase();
  if (!METHODS.includes(method)) {
    it.leaveRest(`servers are asked by ${METHODS.join(', ')}, and not by ${method}`);
    return [];
  }
  if (urls.length === 0) return [];
  const at = place(it, 'http');
  const match = it.text('response_string_match') ?? '';
  const plain = match !== '' && expression(match) === match && !/[$^\\.*+?()[\]{}|]/.test(match);
  const status = it.number('response_status_code') ?? 0;
  for (const url of urls) {
    const target = [...at, 'targets', nameFor(it, [...at, 'targets'], url)];
    webAddress(it, target, key, url);
    if (it.given('method') !== undefined)
      it.draft.set([...target, 'method'], method, it.lines('method'));
    it.copy('response_timeout', [...target, 'timeout'], it.duration);
    it.copy('body', [...target, 'body'], it.text);
    if (plain) it.draft.set([...target, 'contains'], [match], it.lines('response_string_match'));
    if (status !== 0)
      it.draft.set([...target, 'status'], [status], it.lines('response_status_code'));
    for (const each of it.keys().filter((name) => name.startsWith('headers.'))) {
      const header = [...target, 'headers', each.slice('headers.'.length)];
      if (isSecretHeader(each)) it.secret(each, header);
      else it.copy(each, header, it.text);
    }
    // A server without TLS has no options of it.
    if (!url.startsWith('http:')) tls(it, target);
  }
  if (status === 0) {
    it.carry('response_status_code');
    it.draft.note(
      [...at, 'targets'],
      'Only the status 200 counts as up, where Telegraf took any: status lists others.',
    );
  }
  if (match === '') it.carry('response_string_match');
  it.leave('contains has texts, and no expressions', 'response_string_match');
  if (it.flag('follow_redirects') === false) it.carry('follow_redirects');
  it.leave('no redirection is followed: name the place that it leads to', 'follow_redirects');
  it.leave(
    'requests go to their servers directly, by the way that the host has',
    'http_proxy',
    'interface',
  );
  it.leave(
    `headers take what a file holds: { Authorization: "Bearer \${file:/its/path}" }`,
    'bearer_token',
  );
  it.leave(
    'who logs in does so by username and password, or by a header',
    ...it.keys().filter((name) => /^(?:cookie_auth|token)/.test(name)),
  );
  it.leave(
    'body has what is sent, as it is',
    ...it.keys().filter((name) => /^body_form/.test(name)),
  );
  it.leave(
    'of an answer are told its status, size and times',
    ...it.keys().filter((name) => /^(?:response_body|http_header_tags)/.test(name)),
  );
  tlsOfNone(it);
  return [at[1]];
}

/** What says something of TLS, where nothing is asked over it. */
const tlsOfNone = (it: Plugin): void =>
  it.leave(
    'no server of it is asked over TLS',
    ...it.keys().filter((key) => /^(?:tls_|insecure_skip_verify)/.test(key)),
  );

/** A TCP port that takes connections, and what its server says first. */
export function netResponse(it: Plugin): readonly string[] {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:[\]]*):(\d+)$/.exec(it.text('address') ?? '') ?? [];
  if ((it.text('protocol') ?? 'tcp') !== 'tcp' || port === undefined) {
    it.leaveRest('the collector tcp checks host:port of TCP; nothing checks UDP');
    return [];
  }
  const at = place(it, 'tcp');
  const target = [...at, 'targets', nameFor(it, [...at, 'targets'], it.text('address') ?? '')];
  const lines = it.lines('address');
  const called = host.replace(/^\[|\]$/g, '') || 'localhost';
  it.draft.set([...target, 'host'], verbatim(called), lines);
  it.draft.set([...target, 'port'], Number(port), lines);
  it.carry('protocol');
  it.copy('timeout', [...target, 'timeout'], it.duration);
  if (it.given('timeout') === undefined)
    it.copy('read_timeout', [...target, 'timeout'], it.duration);
  else it.leave('one timeout holds for all of a check', 'read_timeout');
  it.copy('send', [...target, 'send'], it.text);
  if (it.text('expect') === '') it.carry('expect');
  else it.copy('expect', [...target, 'expect'], it.text);
  return [at[1]];
}

/** Servers whose certificates expire. */
export function x509(it: Plugin): readonly string[] {
  const [key, sources] = targets(it, 'sources');
  const servers = sources.flatMap((source) => {
    const [, scheme, host, port] =
      /^(tcp|https):\/\/(\[[^\]]*\]|[^:/[\]]+)(?::(\d+))?(?:\/.*)?$/.exec(source) ?? [];
    const number = port ?? (scheme === 'https' ? '443' : undefined);
    return host === undefined || number === undefined ? [] : [[host, Number(number)] as const];
  });
  if (servers.length === 0) {
    it.leaveRest('the collector tcp tells of the certificates of servers, and not of files');
    return [];
  }
  const at = place(it, 'tcp');
  for (const [host, port] of servers) {
    const target = [...at, 'targets', nameFor(it, [...at, 'targets'], `${host}:${port}`)];
    it.draft.set([...target, 'host'], verbatim(host.replace(/^\[|\]$/g, '')), it.lines(key));
    it.draft.set([...target, 'port'], port, it.lines(key));
    it.draft.set([...target, 'tls'], {}, it.header);
    tls(it, target);
    it.copy('server_name', [...target, 'tls', 'servername'], it.text);
    it.copy('timeout', [...target, 'timeout'], it.duration);
  }
  if (servers.length < sources.length)
    it.draft.leave(it.lines(key), 'only tcp:// and https:// of it were carried over, and no files');
  if (it.flag('exclude_root_certs') === true) it.carry('exclude_root_certs');
  it.leave('the server’s own certificate is told of', 'exclude_root_certs');
  it.leave('of a certificate is told when it expires', 'pad_serial_with_zeroes', 'password');
  return [at[1]];
}

/** Hosts that answer ICMP. */
export function ping(it: Plugin): readonly string[] {
  const [key, hosts] = targets(it, 'urls');
  if (hosts.length === 0) return [];
  const at = place(it, 'ping');
  for (const host of hosts)
    it.draft.set(
      [...at, 'targets', nameFor(it, [...at, 'targets'], host)],
      verbatim(host),
      it.lines(key),
    );
  it.draft.set([...at, 'count'], it.number('count') ?? 1, it.lines('count'));
  const wait = secondsOf(it.given('ping_interval')?.value);
  if (wait !== undefined && wait < 0.2)
    it.leave('no packets are sent faster than in 200 ms', 'ping_interval');
  else it.copy('ping_interval', [...at, 'wait'], it.duration);
  const patience = secondsOf(it.given('timeout')?.value);
  if (patience !== undefined)
    it.draft.set([...at, 'patience'], `${Math.max(1, Math.ceil(patience))}s`, it.lines('timeout'));
  it.copy('deadline', [...at, 'timeout'], it.duration);
  if (it.text('method') === 'exec') it.carry('method');
  for (const flag of ['privileged', 'ipv4', 'ipv6']) if (it.flag(flag) === false) it.carry(flag);
  if (it.text('interface') === '') it.carry('interface');
  it.leave(
    'the system’s ping(8) is called, with what count, wait and patience say',
    ...['method', 'privileged', 'ipv4', 'ipv6', 'interface', 'binary', 'arguments', 'size'],
  );
  it.leave('mean, least, most and deviation are told', 'percentiles');
  return [at[1]];
}

/** A size as both have it: bytes, or a number with its unit. */
function bytesOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const [, sign = '', number, unit = 'B'] =
    /^(-?)(\d+(?:\.\d+)?) ?([KMGT]i?B?|B)?$/i.exec(typeof value === 'string' ? value : '') ?? [];
  if (number === undefined) return undefined;
  const power = 'BKMGT'.indexOf(unit.charAt(0).toUpperCase());
  const bytes = Math.round(Number(number) * (unit.length === 3 ? 1024 : 1000) ** power);
  return sign === '-' ? -bytes : bytes;
}

/** Files of folders: how many, and what they take. */
export function filecount(it: Plugin): readonly string[] {
  const [key, folders] = targets(it, 'directories', 'directory');
  if (folders.length === 0) return [];
  const at = place(it, 'files');
  const name = it.text('name') ?? '*';
  const recursive = it.flag('recursive') ?? true;
  const size = bytesOf(it.given('size')?.value);
  const written = it.text('mtime') ?? '0s';
  const age = secondsOf(written.replace(/^-/, ''));
  for (const folder of folders) {
    const group = [...at, 'groups', nameFor(it, [...at, 'groups'], folder)];
    const path = `${folder.replace(/\/+$/, '')}/${recursive && !folder.endsWith('/**') ? '**/' : ''}${name}`;
    it.draft.set([...group, 'path'], path, it.lines(key, 'name', 'recursive'));
    it.draft.set([...group, 'hidden'], true);
    if (it.flag('regular_only') === false)
      it.draft.set([...group, 'type'], 'all', it.lines('regular_only'));
    if (size !== undefined && size !== 0)
      it.draft.set(
        [...group, size < 0 ? 'maxSize' : 'minSize'],
        `${Math.abs(size)}B`,
        it.lines('size'),
      );
    if (age !== undefined && age > 0)
      it.draft.set(
        [...group, written.startsWith('-') ? 'maxAge' : 'minAge'],
        `${Math.round(age * 1000)}ms`,
        it.lines('mtime'),
      );
    if (/[*?[]/.test(folder))
      it.draft.note(group, 'Its folders are one number; Telegraf counted each by itself.');
  }
  if (it.flag('regular_only') === true) it.carry('regular_only');
  if (size === 0) it.carry('size');
  if (age === 0) it.carry('mtime');
  if (it.flag('follow_symlinks') === false) it.carry('follow_symlinks');
  it.leave('links are not followed', 'follow_symlinks');
  return [at[1]];
}

/** Single files: whether they are there, and what they take. */
export function filestat(it: Plugin): readonly string[] {
  const [key, files] = targets(it, 'files');
  if (files.length === 0) return [];
  const at = place(it, 'files');
  for (const file of files) {
    const group = [...at, 'groups', nameFor(it, [...at, 'groups'], file)];
    it.draft.set([...group, 'path'], verbatim(file), it.lines(key));
    if (/[*?[]/.test(file))
      it.draft.note(group, 'Its files are one number; Telegraf told of each by itself.');
  }
  if (it.flag('md5') === false) it.carry('md5');
  it.leave('files are not read', 'md5');
  return [at[1]];
}
