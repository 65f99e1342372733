/**
 * Redis, and Valkey: clients, commands, memory, keys by database, hits and misses, replication.
 *
 * Source  INFO, asked over RESP on a connection of its own each time; AUTH before it where there is a password.
 * Units   Bytes and seconds; counters as the server has them since it was started.
 * Access  A user that may INFO: `ACL SETUSER monitor on >PASSWORD +info`.
 */
import { exchange, tls } from 'cullinan/net';
import {
  AccessDenied,
  bytes,
  count,
  counter,
  defineCollector,
  each,
  Foreseen,
  gauge,
  named,
  type Observation,
  ParseError,
  port,
  ratio,
  seconds,
  wholePath,
  z,
} from 'cullinan/plugin';
import { encodeCommand, type Reply, ReplyReader, RespError } from 'cullinan/wire/resp';

const server = z.strictObject({
  host: z.string().min(1).default('localhost').describe('Where it is.'),
  port: port.default(6379).describe('Its port.'),
  socket: wholePath().optional().meta({ description: 'Its socket, in place of host and port.' }),
  username: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The user, since Redis 6.', fallback: 'default' }),
  password: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Its password; best kept in a file or a credential.' }),
  tls: tls().optional().meta({ description: 'Speak TLS.', fallback: 'no TLS' }),
});
type Server = z.output<typeof server>;

const options = z.strictObject({
  servers: named(server)
    .prefault({ '6379': {} })
    .describe('The servers, by a name for each: the label `server`.'),
});

const labels = ['server'] as const;
const metrics = {
  uptime: gauge('redis.uptime', { unit: 'seconds', labels, help: 'Since it was started.' }),
  clients: gauge('redis.clients', {
    unit: 'count',
    labels: ['server', 'state'],
    help: 'Clients that are connected, replicas aside; those that are blocked among them.',
  }),
  limit: gauge('redis.clients.limit', { unit: 'count', labels, help: 'Clients at most.' }),
  connections: counter('redis.connections', {
    unit: 'count',
    labels: ['server', 'result'],
    help: 'Connections received, and rejected because there were too many.',
  }),
  commands: counter('redis.commands', { unit: 'count', labels, help: 'Commands processed.' }),
  io: counter('redis.network.io', {
    unit: 'bytes',
    labels: ['server', 'direction'],
    help: 'Bytes received and sent.',
  }),
  memory: gauge('redis.memory.usage', {
    unit: 'bytes',
    labels: ['server', 'type'],
    help: 'Memory: used by data and all else, rss as the system sees it, peak, and of Lua.',
  }),
  memoryLimit: gauge('redis.memory.limit', {
    unit: 'bytes',
    labels,
    help: 'maxmemory; absent where there is none.',
  }),
  fragmentation: gauge('redis.memory.fragmentation', {
    unit: 'ratio',
    labels,
    help: 'What the system sees used, as a share of what is used.',
  }),
  lookups: counter('redis.keyspace.lookups', {
    unit: 'count',
    labels: ['server', 'result'],
    help: 'Lookups of keys: hits and misses.',
  }),
  removed: counter('redis.keys.removed', {
    unit: 'count',
    labels: ['server', 'reason'],
    help: 'Keys that expired, and keys evicted for want of memory.',
  }),
  keys: gauge('redis.keys', { unit: 'count', labels: ['server', 'db'], help: 'Keys by database.' }),
  expiring: gauge('redis.keys.expiring', {
    unit: 'count',
    labels: ['server', 'db'],
    help: 'Keys that will expire, by database.',
  }),
  pubsub: gauge('redis.pubsub', {
    unit: 'count',
    labels: ['server', 'type'],
    help: 'Channels and patterns with subscribers.',
  }),
  changes: gauge('redis.persistence.changes', {
    unit: 'count',
    labels,
    help: 'Changes since the last dump to disk.',
  }),
  saved: gauge('redis.persistence.last_save', {
    unit: 'seconds',
    labels,
    help: 'When the last dump succeeded, in Unix time.',
  }),
  saveOk: gauge('redis.persistence.ok', {
    unit: 'count',
    labels,
    help: '1 if the last dump succeeded.',
  }),
  cpu: counter('redis.cpu.time', {
    unit: 'seconds',
    labels: ['server', 'state'],
    help: 'CPU time: user and system; of children that dump, children.user and children.system.',
  }),
  master: gauge('redis.replication.master', {
    unit: 'count',
    labels,
    help: '1 if it is a master, 0 if a replica.',
  }),
  replicas: gauge('redis.replication.replicas', {
    unit: 'count',
    labels,
    help: 'Replicas that are connected.',
  }),
  linkUp: gauge('redis.replication.link_up', {
    unit: 'count',
    labels,
    help: '1 if a replica reaches its master; of replicas only.',
  }),
  offset: counter('redis.replication.offset', {
    unit: 'bytes',
    labels,
    help: 'How much of the stream of changes was sent (master) or applied (replica).',
  }),
  lag: gauge('redis.replication.lag', {
    unit: 'bytes',
    labels: ['server', 'replica'],
    help: 'How far behind a replica is, as its master knows it.',
  }),
};

export type Info = ReadonlyMap<string, string>;

/** The fields of INFO, `key:value` a line. */
export function parse(text: string): Info {
  const info = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) info.set(line.slice(0, colon), line.slice(colon + 1));
  }
  if (info.has('redis_version') || info.has('valkey_version')) return info;
  throw new ParseError(`INFO has no redis_version: "${text.slice(0, 80)}"`);
}

/** A database's line: `keys=4,expires=1,avg_ttl=0`. */
const DATABASE = /^keys=(\d{1,15}),expires=(\d{1,15})/;
/** A replica's line, as its master has it. */
const REPLICA = /^ip=([^,]{1,100}),port=(\d{1,5}),state=[^,]*,offset=(\d{1,15})/;

export function* observe(server: string, info: Info): Generator<Observation> {
  const seen: Observation[] = [];
  const of = (field: string, observed: (value: number) => Observation) => {
    const text = info.get(field) ?? '';
    if (/^-?\d{1,15}(?:\.\d{1,9})?$/.test(text)) seen.push(observed(Number(text)));
  };
  of('uptime_in_seconds', (n) => metrics.uptime.observe(seconds(n), { server }));
  for (const state of ['connected', 'blocked']) {
    of(`${state}_clients`, (n) => metrics.clients.observe(count(n), { server, state }));
  }
  of('maxclients', (n) => metrics.limit.observe(count(n), { server }));
  for (const [field, result] of [
    ['total_connections_received', 'received'],
    ['rejected_connections', 'rejected'],
  ] as const) {
    of(field, (n) => metrics.connections.observe(count(n), { server, result }));
  }
  of('total_commands_processed', (n) => metrics.commands.observe(count(n), { server }));
  for (const [field, direction] of [
    ['total_net_input_bytes', 'receive'],
    ['total_net_output_bytes', 'transmit'],
  ] as const) {
    of(field, (n) => metrics.io.observe(bytes(n), { server, direction }));
  }
  for (const [field, type] of [
    ['used_memory', 'used'],
    ['used_memory_rss', 'rss'],
    ['used_memory_peak', 'peak'],
    ['used_memory_lua', 'lua'],
  ] as const) {
    of(field, (n) => metrics.memory.observe(bytes(n), { server, type }));
  }
  if (info.get('maxmemory') !== '0') {
    of('maxmemory', (n) => metrics.memoryLimit.observe(bytes(n), { server }));
  }
  of('mem_fragmentation_ratio', (n) => metrics.fragmentation.observe(ratio(n), { server }));
  for (const result of ['hits', 'misses']) {
    of(`keyspace_${result}`, (n) => metrics.lookups.observe(count(n), { server, result }));
  }
  for (const reason of ['expired', 'evicted']) {
    of(`${reason}_keys`, (n) => metrics.removed.observe(count(n), { server, reason }));
  }
  for (const type of ['channels', 'patterns']) {
    of(`pubsub_${type}`, (n) => metrics.pubsub.observe(count(n), { server, type }));
  }
  of('rdb_changes_since_last_save', (n) => metrics.changes.observe(count(n), { server }));
  of('rdb_last_save_time', (n) => metrics.saved.observe(seconds(n), { server }));
  for (const [field, state] of [
    ['used_cpu_user', 'user'],
    ['used_cpu_sys', 'system'],
    ['used_cpu_user_children', 'children.user'],
    ['used_cpu_sys_children', 'children.system'],
  ] as const) {
    of(field, (n) => metrics.cpu.observe(seconds(n), { server, state }));
  }
  of('connected_slaves', (n) => metrics.replicas.observe(count(n), { server }));
  const isMaster = info.get('role') === 'master';
  const offset = isMaster ? 'master_repl_offset' : 'slave_repl_offset';
  of(offset, (n) => metrics.offset.observe(bytes(n), { server }));
  yield* seen;
  const yes = (is: boolean) => count(is ? 1 : 0);
  const saved = info.get('rdb_last_bgsave_status');
  if (saved !== undefined) yield metrics.saveOk.observe(yes(saved === 'ok'), { server });
  if (info.has('role')) yield metrics.master.observe(yes(isMaster), { server });
  const link = info.get('master_link_status');
  if (link !== undefined) yield metrics.linkUp.observe(yes(link === 'up'), { server });
  const sent = Number(info.get('master_repl_offset'));
  for (const [field, text] of info) {
    const database = /^db(\d{1,6})$/.exec(field)?.[1];
    const [, keys, expiring] = (database && DATABASE.exec(text)) || [];
    if (database !== undefined && keys !== undefined) {
      yield metrics.keys.observe(count(Number(keys)), { server, db: database });
      yield metrics.expiring.observe(count(Number(expiring)), { server, db: database });
    }
    const [, host, at, applied] = (/^slave\d{1,4}$/.test(field) && REPLICA.exec(text)) || [];
    if (applied !== undefined && Number.isFinite(sent)) {
      const lag = bytes(Math.max(sent - Number(applied), 0));
      yield metrics.lag.observe(lag, { server, replica: `${host}:${at}` });
    }
  }
}

async function ask(server: Server, signal: AbortSignal): Promise<Info> {
  const { username, password = '' } = server;
  const login = ['AUTH', ...(username === undefined ? [] : [username]), password];
  const commands = [...(password === '' ? [] : [login]), ['INFO']];
  const reader = new ReplyReader();
  const replies: Reply[] = [];
  const take = (piece: Buffer) => {
    replies.push(...reader.push(piece));
    return replies.length < commands.length ? undefined : infoIn(replies);
  };
  const question = commands.map(encodeCommand).join('');
  return await exchange(server, { question, protocol: 'Redis', take }, signal);
}

const REFUSED = /^(NOAUTH|WRONGPASS|NOPERM|ERR (invalid password|Client sent AUTH))/;

/** The last of the answers, if all are well. */
function infoIn(replies: readonly Reply[]): Info {
  for (const reply of replies) {
    if (!(reply instanceof RespError)) continue;
    const said = reply.message.slice(0, 200);
    if (!REFUSED.test(said)) throw new Foreseen(said);
    throw new AccessDenied(`${said} Check "username" and "password".`);
  }
  const info = replies.at(-1);
  return parse(typeof info === 'string' ? info : '');
}

export default defineCollector({
  name: 'redis',
  summary: 'Redis and Valkey: clients, commands, memory, keys, replication.',
  source: 'INFO, asked of the server',
  enabled: false,
  options,
  metrics,
  collect: ({ options: { servers }, signal }) =>
    each('servers', servers, async (name, server) => [...observe(name, await ask(server, signal))]),
});
