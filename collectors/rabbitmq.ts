/**
 * RabbitMQ: queues with their messages, consumers and memory; nodes with what they use of their limits.
 *
 * Source  The management plugin's HTTP API (rabbitmq_management): /api/overview, /api/nodes and /api/queues,
 *         the latter with the columns that are needed alone. It refreshes its numbers every five
 *         seconds, unless collect_statistics_interval says otherwise.
 * Units   Messages, bytes.
 * Access  A user with the tag `monitoring`, and of queues only those of virtual hosts that it may enter.
 */
import { checkHttp, pageOptions, readPage } from 'cullinan/net';
import {
  bytes,
  count,
  counter,
  decoded,
  defineCollector,
  gauge,
  type Observation,
  ParseError,
  part,
  seconds,
  selection,
  z,
} from 'cullinan/plugin';
import {
  type Fields,
  fieldsIn,
  fieldsOf,
  flagIn,
  numberIn,
  parseJson,
  textIn,
} from 'cullinan/wire/json';

const { url, ...access } = pageOptions('http://localhost:15672');
const options = z
  .strictObject({
    url: url.describe('Where the management plugin is.'),
    ...access,
    vhosts: selection().describe('Of which virtual hosts queues are reported.'),
    queues: selection().describe(
      'Which queues are reported by themselves. All count in the totals.',
    ),
    limit: z
      .int()
      .min(0)
      .default(500)
      .describe(
        'Queues that are reported by themselves, at most; of more, those with most messages.',
      ),
  })
  .superRefine(checkHttp);

const queueLabels = ['vhost', 'queue'] as const;
const nodeLabels = ['node'] as const;
const metrics = {
  messages: gauge('rabbitmq.messages', {
    unit: 'count',
    labels: ['state'],
    help: 'Messages in all queues: ready, and unacknowledged.',
  }),
  objects: gauge('rabbitmq.objects', {
    unit: 'count',
    labels: ['type'],
    help: 'Connections, channels, consumers, exchanges, queues.',
  }),
  flow: counter('rabbitmq.message.events', {
    unit: 'count',
    labels: ['event'],
    help: 'What became of messages: publish, confirm, deliver_get, ack, redeliver, return_unroutable, …',
  }),
  queueMessages: gauge('rabbitmq.queue.messages', {
    unit: 'count',
    labels: ['vhost', 'queue', 'state'],
    help: 'Messages in a queue: ready, and unacknowledged.',
  }),
  queueBytes: gauge('rabbitmq.queue.size', {
    unit: 'bytes',
    labels: queueLabels,
    help: 'The bodies of its messages.',
  }),
  consumers: gauge('rabbitmq.queue.consumers', {
    unit: 'count',
    labels: queueLabels,
    help: 'Consumers of a queue.',
  }),
  queueMemory: gauge('rabbitmq.queue.memory', {
    unit: 'bytes',
    labels: queueLabels,
    help: 'Memory of the process that is the queue.',
  }),
  queueFlow: counter('rabbitmq.queue.message.events', {
    unit: 'count',
    labels: ['vhost', 'queue', 'event'],
    help: 'What became of messages of a queue: publish, deliver_get, ack, redeliver, …',
  }),
  running: gauge('rabbitmq.node.running', {
    unit: 'count',
    labels: nodeLabels,
    help: '1 if it is up.',
  }),
  uptime: gauge('rabbitmq.node.uptime', {
    unit: 'seconds',
    labels: nodeLabels,
    help: 'Since the node was started.',
  }),
  used: gauge('rabbitmq.node.usage', {
    unit: 'count',
    labels: ['node', 'resource'],
    help: 'What is used of files, sockets and (Erlang’s) processes.',
  }),
  limits: gauge('rabbitmq.node.limit', {
    unit: 'count',
    labels: ['node', 'resource'],
    help: 'How many of them there may be.',
  }),
  memory: gauge('rabbitmq.node.memory.usage', {
    unit: 'bytes',
    labels: nodeLabels,
    help: 'Memory in use.',
  }),
  memoryLimit: gauge('rabbitmq.node.memory.limit', {
    unit: 'bytes',
    labels: nodeLabels,
    help: 'Memory from which on nobody may publish.',
  }),
  disk: gauge('rabbitmq.node.disk.free', {
    unit: 'bytes',
    labels: nodeLabels,
    help: 'Free space where it keeps messages.',
  }),
  diskLimit: gauge('rabbitmq.node.disk.limit', {
    unit: 'bytes',
    labels: nodeLabels,
    help: 'Free space below which nobody may publish.',
  }),
  alarm: gauge('rabbitmq.node.alarm', {
    unit: 'count',
    labels: ['node', 'resource'],
    help: '1 if nobody may publish for want of memory or disk.',
  }),
  partitions: gauge('rabbitmq.node.partitions', {
    unit: 'count',
    labels: nodeLabels,
    help: 'Nodes of the cluster that it has lost touch with.',
  }),
};

/** What is asked of queues; everything else costs the broker and us more than these. */
const COLUMNS =
  'name,vhost,messages,messages_ready,messages_unacknowledged,message_bytes,consumers,memory,message_stats';
const EVENTS = [
  ...['publish', 'confirm', 'deliver_get', 'deliver', 'get', 'ack', 'redeliver'],
  ...['return_unroutable', 'drop_unroutable', 'get_empty', 'disk_reads', 'disk_writes'],
];
const OBJECTS = ['connections', 'channels', 'consumers', 'exchanges', 'queues'];
/** Bytes that a list of queues may have: some 400 for each. */
const MOST = 32 * 1024 * 1024;

/** A list of objects. */
export function parse(where: string, text: string): readonly Fields[] {
  const value = decoded(() => parseJson(where, text));
  if (!Array.isArray(value)) throw new ParseError(`${where}: no list: "${text.slice(0, 80)}"`);
  return value.map(fieldsOf);
}

function* events(
  of: Fields,
  observed: (value: number, event: string) => Observation,
): Generator<Observation> {
  const stats = fieldsIn(of, 'message_stats');
  for (const event of EVENTS) {
    const value = numberIn(stats, event);
    if (value !== undefined) yield observed(value, event);
  }
}

function* observeOverview(text: string) {
  const all = fieldsOf(decoded(() => parseJson('/api/overview', text)));
  for (const state of ['ready', 'unacknowledged'] as const) {
    const messages = numberIn(fieldsIn(all, 'queue_totals'), `messages_${state}`);
    if (messages !== undefined) yield metrics.messages.observe(count(messages), { state });
  }
  for (const type of OBJECTS) {
    const objects = numberIn(fieldsIn(all, 'object_totals'), type);
    if (objects !== undefined) yield metrics.objects.observe(count(objects), { type });
  }
  yield* events(all, (n, event) => metrics.flow.observe(count(n), { event }));
}

function* observeNodes(text: string) {
  for (const it of parse('/api/nodes', text)) {
    const node = textIn(it, 'name');
    if (node === undefined) continue;
    const number = (name: string) => numberIn(it, name);
    const running = flagIn(it, 'running');
    if (running !== undefined) yield metrics.running.observe(count(running ? 1 : 0), { node });
    const uptime = number('uptime');
    if (uptime !== undefined) yield metrics.uptime.observe(seconds(uptime / 1000), { node });
    for (const [resource, used, limit] of [
      ['files', number('fd_used'), number('fd_total')],
      ['sockets', number('sockets_used'), number('sockets_total')],
      ['processes', number('proc_used'), number('proc_total')],
    ] as const) {
      if (used !== undefined) yield metrics.used.observe(count(used), { node, resource });
      if (limit !== undefined) yield metrics.limits.observe(count(limit), { node, resource });
    }
    for (const [metric, value] of [
      [metrics.memory, number('mem_used')],
      [metrics.memoryLimit, number('mem_limit')],
      [metrics.disk, number('disk_free')],
      [metrics.diskLimit, number('disk_free_limit')],
    ] as const) {
      if (value !== undefined) yield metric.observe(bytes(value), { node });
    }
    for (const [resource, alarm] of [
      ['memory', flagIn(it, 'mem_alarm')],
      ['disk', flagIn(it, 'disk_free_alarm')],
    ] as const) {
      if (alarm === undefined) continue;
      yield metrics.alarm.observe(count(alarm ? 1 : 0), { node, resource });
    }
    if (!Array.isArray(it['partitions'])) continue;
    yield metrics.partitions.observe(count(it['partitions'].length), { node });
  }
}

function* observeQueues(text: string, o: z.output<typeof options>) {
  const chosen = parse('/api/queues', text).flatMap((it) => {
    const [vhost, queue] = [textIn(it, 'vhost'), textIn(it, 'name')];
    if (vhost === undefined || queue === undefined) return [];
    return o.vhosts(vhost) && o.queues(queue) ? [{ it, where: { vhost, queue } }] : [];
  });
  const length = (it: Fields) => numberIn(it, 'messages') ?? 0;
  if (chosen.length > o.limit) chosen.sort((a, b) => length(b.it) - length(a.it));
  for (const { it, where } of chosen.slice(0, o.limit)) {
    for (const state of ['ready', 'unacknowledged']) {
      const messages = numberIn(it, `messages_${state}`);
      // A queue that was just made has none until the broker has counted.
      if (messages === undefined) continue;
      yield metrics.queueMessages.observe(count(messages), { ...where, state });
    }
    const size = numberIn(it, 'message_bytes');
    if (size !== undefined) yield metrics.queueBytes.observe(bytes(size), where);
    const consumers = numberIn(it, 'consumers');
    if (consumers !== undefined) yield metrics.consumers.observe(count(consumers), where);
    const memory = numberIn(it, 'memory');
    if (memory !== undefined) yield metrics.queueMemory.observe(bytes(memory), where);
    yield* events(it, (n, event) => metrics.queueFlow.observe(count(n), { ...where, event }));
  }
}

export default defineCollector({
  name: 'rabbitmq',
  summary: 'RabbitMQ: messages, consumers and memory of queues; nodes and their limits.',
  source: 'the HTTP API of its management plugin',
  enabled: false,
  options,
  metrics,
  async *collect({ options, signal }) {
    const base = options.url.replace(/\/+$/, '');
    const ask = (path: string) =>
      readPage({ ...options, url: `${base}/api/${path}`, most: MOST }, signal);
    // One after the other: the broker makes each answer anew.
    const general = await ask('overview');
    yield* part(() => observeOverview(general));
    const cluster = await ask('nodes');
    yield* part(() => observeNodes(cluster));
    if (options.limit === 0) return;
    const queues = await ask(`queues?columns=${COLUMNS}`);
    yield* part(() => observeQueues(queues, options));
  },
});
