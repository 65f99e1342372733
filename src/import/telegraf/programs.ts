import { isSecretHeader, type Value } from '../draft.ts';
import { commandsOf } from '../logster/shell.ts';
import { place } from './counterpart.ts';
import { NAMES } from './output-options.ts';
import { type Plugin, standIn, verbatim } from './plugin.ts';
import type { Toml } from './toml.ts';

/** Forms of what programs say that the collector exec reads, by Telegraf's names of them. */
const SAID: Readonly<Record<string, string>> = {
  ...{ influx: 'influx', json: 'json', graphite: 'plain', nagios: 'nagios' },
  ...{ prometheus: 'prometheus', openmetrics: 'prometheus' },
};
/** Forms of what is sent that the collector push reads. */
const SENT: Readonly<Record<string, string>> = { influx: 'influx', graphite: 'plain' };

const noForm = (it: Plugin, form: string, known: Readonly<Record<string, string>>): void =>
  it.leaveRest(
    `its data_format is ${form}, which is not read here: only ${Object.keys(known).join(', ')}`,
  );

/** The words of a command; Telegraf takes quotes as a shell does, and nothing else. */
function wordsOf(command: Toml): readonly string[] | undefined {
  if (Array.isArray(command)) {
    const words = command as readonly Toml[];
    return words.every((word) => typeof word === 'string') ? (words as string[]) : undefined;
  }
  if (typeof command !== 'string' || /[#<>`]|\$\(/.test(command)) return undefined;
  const [words, ...others] = commandsOf(command, false) ?? [];
  return others.length === 0 ? words?.map(({ text }) => text) : undefined;
}

const COMMAND = 'these are no words of one command that could be told apart: write command by hand';

/** A collector exec that runs a command; whether that can be carried over. */
function runs(it: Plugin, words: readonly string[] | undefined, key: string, form: string): string {
  const [program = ''] = words ?? [];
  if (words === undefined || program === '' || /[*?[]/.test(program)) return '';
  const at = place(it, 'exec');
  it.draft.set(
    [...at, 'command'],
    words.map((word) => verbatim(word)),
    it.lines(key),
  );
  it.draft.set([...at, 'format'], form, it.lines('data_format'));
  if (it.list('environment')?.length === 0) it.carry('environment');
  for (const each of it.list('environment') ?? []) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(each) ?? [];
    const path = [...at, 'environment', name];
    if (name === '') it.leave('a variable is NAME=VALUE', 'environment');
    else if (isSecretHeader(name) && standIn(value) === value && value !== '')
      it.draft.secret(path, value, it.lines('environment'));
    else it.draft.set(path, verbatim(value), it.lines('environment'));
  }
  return at[1];
}

/** How Telegraf's parsers tell fields and tags: here each number is a metric, and each text a label. */
function parsers(it: Plugin): void {
  const own = it
    .keys()
    .filter((key) => /^(?:json|tag_keys|templates|separator|prometheus|influx)/.test(key));
  it.leave('what is said keeps its own names; relabel of a handler makes others', ...own);
}

/** Each command as a collector of its own, run at each tick. */
export function exec(it: Plugin): readonly string[] {
  const form = it.text('data_format') ?? 'json';
  const format = Object.hasOwn(SAID, form) ? SAID[form] : undefined;
  if (format === undefined) {
    noForm(it, form, SAID);
    return [];
  }
  const key = it.given('commands') === undefined ? 'command' : 'commands';
  const given = it.given(key)?.value;
  const commands: readonly Toml[] = Array.isArray(given)
    ? (given as readonly Toml[])
    : given === undefined
      ? []
      : [given];
  const made = commands.map((command) => runs(it, wordsOf(command), key, format));
  const names = made.filter((name) => name !== '');
  if (names.length < made.length) it.draft.leave(it.lines(key), COMMAND);
  for (const name of names) it.copy('timeout', ['collectors', name, 'timeout'], it.duration);
  if (it.flag('log_stderr') === true) it.carry('log_stderr');
  it.leave('what a program says on its standard error goes to the log', 'log_stderr');
  if (it.flag('ignore_error') === true) it.carry('ignore_error');
  it.leave('what a program said counts, whatever it ends with: the log has it', 'ignore_error');
  parsers(it);
  if (names.length === 0) it.leaveRest('it has no command that could be carried over');
  return names;
}

const SIGNALS = /^SIG(?:HUP|USR1|USR2)$/;

/** A program that runs as long as the agent does. */
export function execd(it: Plugin): readonly string[] {
  const form = it.text('data_format') ?? 'influx';
  const format = Object.hasOwn(SAID, form) && form !== 'nagios' ? SAID[form] : undefined;
  if (format === undefined) {
    noForm(it, form, SAID);
    return [];
  }
  const name = runs(it, it.list('command'), 'command', format);
  if (name === '') {
    it.leaveRest(COMMAND);
    return [];
  }
  const at = ['collectors', name];
  it.draft.set([...at, 'persistent'], true, it.header);
  const signal = it.text('signal') ?? 'none';
  if (signal === 'none') it.carry('signal');
  else if (signal === 'STDIN' || SIGNALS.test(signal))
    it.draft.set([...at, 'trigger'], signal === 'STDIN' ? 'stdin' : signal, it.lines('signal'));
  it.leave('it is asked by a line on its standard input, or by a signal: trigger', 'signal');
  it.leave(
    'a program that ends is started again after 1 s, then 2, 4 and so on up to five minutes',
    'restart_delay',
  );
  it.leave('a line may have 64 KiB', 'buffer_size');
  it.leave('the agent stops when it is told to', 'stop_on_error');
  parsers(it);
  return [name];
}

/** Where to listen, as the collector push has it. */
function socketOf(address: string, standard: string): string | undefined {
  const [, scheme = standard, rest = ''] = /^(?:(\w+):\/\/)?(.*)$/s.exec(address) ?? [];
  if (scheme === 'unix') return `unix:${rest}`;
  const kind = /^(udp|tcp)[46]?$/.exec(scheme)?.[1];
  const [, host = '', port] = /^(\[[^\]]*\]|[^:[\]]*):(\d+)$/.exec(rest) ?? [];
  if (kind === undefined || port === undefined) return undefined;
  const every = scheme.endsWith('4') ? '0.0.0.0' : '[::]';
  return `${kind}:${host === '' ? every : host}:${port}`;
}

const EVERYWHERE =
  'Whoever reaches this port may send: 127.0.0.1 in its place is for programs on this host alone.';

const FOLDER = 'The agent has to be able to write to the folder of the socket.';

function listens(it: Plugin, socket: string | undefined, format: string): readonly string[] {
  if (socket === undefined) {
    it.leaveRest('the collector push listens at unix sockets, UDP and TCP, without TLS');
    return [];
  }
  const at = place(it, 'push');
  const listen: readonly Value[] = [{ at: socket, format }];
  const comment = /:\[::\]:|:0\.0\.0\.0:/.test(socket) ? EVERYWHERE : undefined;
  const from = [...it.lines('service_address', 'protocol', 'data_format')];
  it.draft.set([...at, 'listen'], listen, it.header === undefined ? from : [it.header, ...from]);
  if (comment !== undefined) it.draft.note([...at, 'listen'], comment);
  if (socket.startsWith('unix:')) it.draft.note([...at, 'listen'], FOLDER);
  return [at[1]];
}

/** What programs send, as the collector push takes it. */
export function listener(it: Plugin): readonly string[] {
  const form = it.text('data_format') ?? 'influx';
  const format = Object.hasOwn(SENT, form) ? SENT[form] : undefined;
  if (format === undefined) {
    noForm(it, form, SENT);
    return [];
  }
  const standard = { tcp_listener: 'tcp', udp_listener: 'udp' }[it.name] ?? '';
  const address = it.text('service_address') ?? (standard === '' ? '' : ':8094');
  const closed = ['tls_cert', 'tls_key', 'tls_allowed_cacerts'].some((key) => it.given(key));
  const names = listens(it, closed ? undefined : socketOf(address, standard), format);
  for (const name of names) {
    const at = ['collectors', name];
    for (const key of ['max_connections', 'max_tcp_connections'])
      if (it.number(key) !== 0) it.copy(key, [...at, 'connections'], it.number);
    it.copy('socket_mode', [...at, 'mode'], it.text);
  }
  it.leave(
    'its bounds are connections and bytes, and a connection without a word is closed after ten minutes',
    ...['read_timeout', 'read_buffer_size', 'keep_alive_period', 'allowed_pending_messages'],
    ...['max_connections', 'max_tcp_connections', 'content_encoding', 'max_decompression_size'],
  );
  parsers(it);
  return names;
}

/** statsd's lines, added up from tick to tick by the collector push. */
export function statsd(it: Plugin): readonly string[] {
  const socket = socketOf(it.text('service_address') ?? ':8125', it.text('protocol') ?? 'udp');
  const names = listens(it, socket, 'statsd');
  for (const name of names) {
    const at = ['collectors', name];
    const given = it.given('percentiles')?.value;
    const list = Array.isArray(given) ? (given as readonly Toml[]) : undefined;
    const numbers = list?.filter((each) => typeof each === 'number');
    if (numbers !== undefined && numbers.length === list?.length)
      it.draft.set([...at, 'percentiles'], numbers, it.lines('percentiles'));
    else it.leave('percentiles are numbers from 0 to 100', 'percentiles');
    if (socket?.startsWith('tcp'))
      it.copy('max_tcp_connections', [...at, 'connections'], it.number);
  }
  for (const key of ['delete_counters', 'delete_sets', 'delete_timings'])
    if (it.flag(key) === true) it.carry(key);
  it.leave(
    'counters, sets and timers are those of one tick, and a gauge goes on being what it was; what nobody mentions for thirty ticks is forgotten',
    ...['delete_counters', 'delete_sets', 'delete_timings', 'delete_gauges', 'max_ttl'],
  );
  for (const key of ['tcp_keep_alive', 'enable_aggregation_temporality', 'convert_names'])
    if (it.flag(key) === false) it.carry(key);
  // Tags of Datadog's are read wherever they are.
  it.carry('parse_data_dog_tags', 'datadog_extensions', 'datadog_distributions');
  if (it.number('max_tcp_connections') !== undefined && socket?.startsWith('udp'))
    it.carry('max_tcp_connections');
  it.leave(NAMES, 'metric_separator', 'templates', 'convert_names', 'sanitize_name_method');
  it.leave(
    'its bounds are bytes, series and connections: cullinan describe push',
    ...['allowed_pending_messages', 'number_workers_threads', 'read_buffer_size'],
    ...['percentile_limit', 'max_tcp_connections', 'tcp_keep_alive', 'tcp_keep_alive_period'],
  );
  return names;
}
