/**
 * ActiveMQ (Classic): queues and topics with their messages, consumers and enqueue times; the broker's memory.
 *
 * Source  With `url` of http: its MBeans over Jolokia, as the web console serves it at /api/jolokia, one read of
 *         the broker and one of all queues and topics, with the attributes that are needed alone. With `stomp`:
 *         the answers of its statisticsBrokerPlugin, which a broker without a console has too; they do not say
 *         how many connections there are, and count the question's own consumer.
 * Units   Messages; milliseconds become seconds, percent of memory shares of 1.
 * Access  A user of the web console. Jolokia wants to be asked from where it is, so an Origin is sent. Over STOMP
 *         a user who may write to ActiveMQ.Statistics.> and have a temporary queue. In activemq.xml that takes
 *         `<plugins><statisticsBrokerPlugin/></plugins>` and a transportConnector of `stomp://127.0.0.1:61613`,
 *         and on ActiveMQ's class path xstream and jettison: Debian's package recommends them, but
 *         /usr/share/activemq/lib/optional needs links to their files in /usr/share/java.
 */
import { askStomp, checkHttp, httpUrl, pageOptions, readPage } from 'cullinan/net';
import {
  AccessDenied,
  count,
  counter,
  decoded,
  defineCollector,
  Foreseen,
  gauge,
  milliseconds,
  type Observation,
  part,
  ratio,
  selection,
  Unresponsive,
  z,
} from 'cullinan/plugin';
import {
  type Fields,
  fieldsIn,
  fieldsOf,
  listOf,
  numberIn,
  parseJson,
  textIn,
} from 'cullinan/wire/json';

const isStomp = (url: string): boolean => /^stomp/i.test(url);
const stompUrl = z
  .string()
  .regex(
    /^stomp(?:\+ssl)?:\/\/(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?\/?$/i,
    'must be like stomp://localhost:61613',
  );
const url = z.string().superRefine((text, context) => {
  const { error } = (isStomp(text) ? stompUrl : httpUrl()).safeParse(text);
  for (const { message } of error?.issues ?? []) context.addIssue({ code: 'custom', message });
});

const JOLOKIA = 'http://localhost:8161/api/jolokia';
const options = z
  .strictObject({
    ...pageOptions(JOLOKIA),
    url: url
      .default(JOLOKIA)
      .describe('Where Jolokia is; with `stomp://` or `stomp+ssl://`, where it speaks STOMP.'),
    broker: z
      .string()
      .regex(/^[\w.-]+$/, 'must be a word')
      .default('localhost')
      .describe("The broker's name, brokerName in its configuration; Jolokia wants it."),
    destinations: selection({ exclude: ['ActiveMQ.Advisory.*'] }).describe(
      'Which queues and topics are reported.',
    ),
    limit: z
      .int()
      .min(0)
      .default(500)
      .describe('How many of them at most; of more, those with most messages.'),
  })
  .superRefine((all, context) => {
    checkHttp({ ...all, url: all.url.replace(/^stomp\+ssl:/i, 'https:') }, context);
  });
type Options = z.output<typeof options>;

const labels = ['type', 'destination'] as const;
const metrics = {
  memory: gauge('activemq.memory.utilization', {
    unit: 'ratio',
    help: 'What is used of the memory for messages.',
  }),
  store: gauge('activemq.store.utilization', {
    unit: 'ratio',
    help: 'What is used of the disk for persistent messages.',
  }),
  temp: gauge('activemq.temp.utilization', {
    unit: 'ratio',
    help: 'What is used of the disk for other messages.',
  }),
  connections: gauge('activemq.connections', { unit: 'count', help: 'Connections of clients.' }),
  clients: gauge('activemq.clients', {
    unit: 'count',
    labels: ['role'],
    help: 'Producers and consumers.',
  }),
  size: gauge('activemq.destination.messages', {
    unit: 'count',
    labels,
    help: 'Messages that wait, those given out and not acknowledged among them.',
  }),
  inFlight: gauge('activemq.destination.inflight', {
    unit: 'count',
    labels,
    help: 'Messages given out and not acknowledged.',
  }),
  ends: gauge('activemq.destination.clients', {
    unit: 'count',
    labels: ['type', 'destination', 'role'],
    help: 'Producers and consumers.',
  }),
  events: counter('activemq.destination.message.events', {
    unit: 'count',
    labels: ['type', 'destination', 'event'],
    help: 'What became of messages: enqueue, dequeue, dispatch, expire.',
  }),
  usage: gauge('activemq.destination.memory.utilization', {
    unit: 'ratio',
    labels,
    help: 'What is used of the memory that it may use.',
  }),
  time: gauge('activemq.destination.enqueue_time', {
    unit: 'seconds',
    labels: ['type', 'destination', 'statistic'],
    help: 'How long messages waited: mean, min and max since the statistics were reset.',
  }),
};

const BROKER = [
  ...['MemoryPercentUsage', 'StorePercentUsage', 'TempPercentUsage', 'CurrentConnectionsCount'],
  ...['TotalProducerCount', 'TotalConsumerCount'],
];
const EVENTS = {
  EnqueueCount: 'enqueue',
  DequeueCount: 'dequeue',
  DispatchCount: 'dispatch',
  ExpiredCount: 'expire',
};
const TIMES = { AverageEnqueueTime: 'mean', MinEnqueueTime: 'min', MaxEnqueueTime: 'max' };
const DESTINATION = [
  ...['Name', 'QueueSize', 'InFlightCount', 'ProducerCount', 'ConsumerCount', 'MemoryPercentUsage'],
  ...Object.keys(EVENTS),
  ...Object.keys(TIMES),
];

/** Bytes of an answer: some 500 for each destination. */
const MOST = 32 * 1024 * 1024;

/** What Jolokia has read. @throws {@link ParseError}, {@link AccessDenied} or what it says. */
export function parse(text: string): Fields {
  const answer = fieldsOf(decoded(() => parseJson('Jolokia', text)));
  const status = numberIn(answer, 'status');
  if (status === 200) return fieldsIn(answer, 'value');
  const said = (textIn(answer, 'error', 100_000) ?? 'an answer without a status').slice(0, 200);
  if (status === 403) throw new AccessDenied(`Jolokia: ${said}`);
  throw new Foreseen(`Jolokia: ${said}. Check "url" and "broker".`);
}

function* observeBroker(all: Fields): Generator<Observation> {
  for (const [metric, name] of [
    [metrics.memory, 'MemoryPercentUsage'],
    [metrics.store, 'StorePercentUsage'],
    [metrics.temp, 'TempPercentUsage'],
  ] as const) {
    const percent = numberIn(all, name);
    if (percent !== undefined) yield metric.observe(ratio(percent / 100));
  }
  const connections = numberIn(all, 'CurrentConnectionsCount');
  if (connections !== undefined) yield metrics.connections.observe(count(connections));
  for (const role of ['producer', 'consumer']) {
    const clients = numberIn(all, `Total${capital(role)}Count`);
    if (clients !== undefined) yield metrics.clients.observe(count(clients), { role });
  }
}

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

/** The keys in an MBean's name. */
function keysOf(name: string): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  const pairs = /(?:^[^:]*:|,)(\w{1,40})=("(?:[^"\\]|\\.)*"|[^,]*)/g;
  for (const [, key = '', value = ''] of name.matchAll(pairs)) {
    keys.set(key, value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value);
  }
  return keys;
}

/** A queue or a topic, with what is known of it by the names of its MBean's attributes. */
interface Destination {
  readonly type: string;
  readonly destination: string;
  readonly fields: Fields;
}

/** Those among the MBeans that Jolokia has read, by name. */
export function beansIn(all: Fields): readonly Destination[] {
  return Object.entries(all).flatMap(([name, value]) => {
    const keys = keysOf(name);
    const fields = fieldsOf(value);
    // In the MBean's name ActiveMQ writes _ for a colon, &amp; for =, and more that cannot be turned back.
    const destination = textIn(fields, 'Name', 100_000) ?? keys.get('destinationName');
    const type = keys.get('destinationType')?.toLowerCase();
    if (destination === undefined || !(type === 'queue' || type === 'topic')) return [];
    return [{ type, destination, fields }];
  });
}

export function* observeDestinations(
  all: readonly Destination[],
  o: Pick<Options, 'destinations' | 'limit'>,
): Generator<Observation> {
  const found = all.filter(({ destination }) => o.destinations(destination));
  const length = (it: Destination) => numberIn(it.fields, 'QueueSize') ?? 0;
  if (found.length > o.limit) found.sort((a, b) => length(b) - length(a));
  for (const { fields: it, type, destination } of found.slice(0, o.limit)) {
    const where = { type, destination };
    const size = numberIn(it, 'QueueSize');
    if (size !== undefined) yield metrics.size.observe(count(size), where);
    const inFlight = numberIn(it, 'InFlightCount');
    if (inFlight !== undefined) yield metrics.inFlight.observe(count(inFlight), where);
    for (const role of ['producer', 'consumer']) {
      const clients = numberIn(it, `${capital(role)}Count`);
      if (clients !== undefined) yield metrics.ends.observe(count(clients), { ...where, role });
    }
    for (const [name, event] of Object.entries(EVENTS)) {
      const number = numberIn(it, name);
      if (number !== undefined) yield metrics.events.observe(count(number), { ...where, event });
    }
    const percent = numberIn(it, 'MemoryPercentUsage');
    if (percent !== undefined) yield metrics.usage.observe(ratio(percent / 100), where);
    for (const [name, statistic] of Object.entries(TIMES)) {
      const time = numberIn(it, name);
      if (time === undefined) continue;
      yield metrics.time.observe(milliseconds(time), { ...where, statistic });
    }
  }
}

/** What the MBeans call otherwise; the plugin calls the rest as they do, but for the first letter. */
const NAMES = new Map([
  ['size', 'QueueSize'],
  ['inflightCount', 'InFlightCount'],
]);

/**
 * What the plugin has answered, by the names of the MBeans' attributes: a map in the JSON that XStream makes,
 * `{"map":{"entry":[{"string":"size","long":2},{"string":["destinationName","queue://a"]}]}}`.
 */
export function parseStatistics(text: string): Fields {
  const answer = fieldsIn(
    decoded(() => parseJson('ActiveMQ', text)),
    'map',
  );
  const found: Record<string, unknown> = Object.create(null);
  for (const entry of listOf(answer['entry']).map(fieldsOf)) {
    const [name, said] = [entry['string']].flat();
    const value = said ?? entry['long'] ?? entry['int'] ?? entry['double'];
    if (typeof name === 'string') found[NAMES.get(name) ?? capital(name)] = value;
  }
  return found;
}

/** A queue or a topic among the answers; nothing for those that are temporary. */
function destinationIn(fields: Fields): readonly Destination[] {
  const name = textIn(fields, 'DestinationName', 100_000) ?? '';
  const [, type = '', destination = ''] = /^(queue|topic):\/\/(.*)$/s.exec(name) ?? [];
  return type === '' ? [] : [{ type, destination, fields }];
}

/** The broker's own, by the names that its MBean has for them. */
function brokerIn(fields: Fields): Fields {
  const { ProducerCount: TotalProducerCount, ConsumerCount: TotalConsumerCount } = fields;
  return { ...fields, TotalProducerCount, TotalConsumerCount };
}

/** Asks the plugin for all queues and topics, and then for the broker, which is the last to be answered. */
async function statistics(o: Options, signal: AbortSignal): Promise<readonly Fields[]> {
  const { hostname, port, protocol } = new URL(o.url);
  const secure = /ssl:$/i.test(protocol);
  const every = ['/queue/', '/topic/'].map((kind) => `${kind}ActiveMQ.Statistics.Destination.>`);
  try {
    const answers = await askStomp(
      {
        host: hostname.replace(/^\[(.*)\]$/, '$1'),
        port: port === '' ? (secure ? 61_614 : 61_613) : Number(port),
        tls: secure ? (o.tls ?? {}) : undefined,
        ...{ username: o.username, password: o.password, most: MOST },
        transformation: 'jms-map-json',
      },
      [...(o.limit === 0 ? [] : every), '/queue/ActiveMQ.Statistics.Broker'],
      signal,
    );
    return answers.map(({ headers, body }) => {
      const error = headers.get('transformation-error');
      if (error === undefined) return parseStatistics(body);
      throw new Foreseen(`${o.url}: it cannot answer in JSON: ${error.slice(0, 200)}`);
    });
  } catch (error) {
    if (!(error instanceof Unresponsive)) throw error;
    error.message += '. To answer it needs the statisticsBrokerPlugin, xstream and jettison.';
    throw error;
  }
}

async function beans(o: Options, bean: string, attribute: readonly string[], signal: AbortSignal) {
  const { origin } = new URL(o.url);
  const mbean = `org.apache.activemq:type=Broker,brokerName=${o.broker}${bean}`;
  const body = JSON.stringify({ type: 'read', mbean, attribute });
  const headers = { origin, 'content-type': 'application/json' };
  return parse(await readPage({ ...o, method: 'POST', headers, body, most: MOST }, signal));
}

export default defineCollector({
  name: 'activemq',
  summary: 'ActiveMQ: messages, consumers and enqueue times of queues and topics; memory.',
  source: 'its MBeans over Jolokia, or its statistics over STOMP',
  enabled: false,
  options,
  metrics,
  async *collect({ options, signal }) {
    if (isStomp(options.url)) {
      const answers = await statistics(options, signal);
      yield* part(() => observeBroker(brokerIn(answers.at(-1) ?? {})));
      yield* part(() => observeDestinations(answers.flatMap(destinationIn), options));
      return;
    }
    const broker = await beans(options, '', BROKER, signal);
    yield* part(() => observeBroker(broker));
    if (options.limit === 0) return;
    const every = ',destinationType=*,destinationName=*';
    const all = await beans(options, every, DESTINATION, signal);
    yield* part(() => observeDestinations(beansIn(all), options));
  },
});
