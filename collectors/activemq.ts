/**
 * ActiveMQ (Classic): queues and topics with their messages, consumers and enqueue times; the broker's memory.
 *
 * Source  Its MBeans over Jolokia, as the web console serves it at /api/jolokia: one read of the broker and
 *         one of all queues and topics, with the attributes that are needed alone.
 * Units   Messages; milliseconds become seconds, percent of memory shares of 1.
 * Access  A user of the web console. Jolokia wants to be asked from where it is, so an Origin is sent.
 */
import { checkHttp, pageOptions, readPage } from 'cullinan/net';
import {
  AccessDenied,
  count,
  counter,
  defineCollector,
  Foreseen,
  gauge,
  milliseconds,
  type Observation,
  ParseError,
  part,
  ratio,
  selection,
  z,
} from 'cullinan/plugin';
import { type Fields, fieldsIn, fieldsOf, numberIn, parseJson, textIn } from 'cullinan/wire/json';

const options = z
  .strictObject({
    ...pageOptions('http://localhost:8161/api/jolokia'),
    broker: z
      .string()
      .regex(/^[\w.-]+$/, 'must be a word')
      .default('localhost')
      .describe("The broker's name, brokerName in its configuration."),
    destinations: selection({ exclude: ['ActiveMQ.Advisory.*'] }).describe(
      'Which queues and topics are reported.',
    ),
    limit: z
      .int()
      .min(0)
      .default(500)
      .describe('How many of them at most; of more, those with most messages.'),
  })
  .superRefine(checkHttp);

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
  ...['QueueSize', 'InFlightCount', 'ProducerCount', 'ConsumerCount', 'MemoryPercentUsage'],
  ...Object.keys(EVENTS),
  ...Object.keys(TIMES),
];

/** Bytes of an answer: some 500 for each destination. */
const MOST = 32 * 1024 * 1024;

/** What Jolokia has read. @throws {@link ParseError}, {@link AccessDenied} or what it says. */
export function parse(text: string): Fields {
  let answer: Fields;
  try {
    answer = fieldsOf(parseJson('Jolokia', text));
  } catch (cause) {
    throw new ParseError((cause as Error).message, { cause });
  }
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

/** A name as JMX writes it: in quotes where it has more than letters, with stars as they are. */
function keysOf(name: string): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  const pairs = /(?:^[^:]*:|,)(\w{1,40})=("(?:[^"\\]|\\.)*"|[^,]*)/g;
  for (const [, key = '', value = ''] of name.matchAll(pairs)) {
    const text = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
    // ActiveMQ's own way of writing what JMX would have quoted.
    keys.set(key, text.replaceAll('&amp;', '&').replaceAll('&gt;', '>').replaceAll('&lt;', '<'));
  }
  return keys;
}

export function* observeDestinations(
  all: Fields,
  o: Pick<z.output<typeof options>, 'destinations' | 'limit'>,
): Generator<Observation> {
  const found = Object.entries(all).flatMap(([name, value]) => {
    const keys = keysOf(name);
    const destination = keys.get('destinationName');
    const type = keys.get('destinationType')?.toLowerCase();
    if (destination === undefined || !(type === 'queue' || type === 'topic')) return [];
    return o.destinations(destination)
      ? [{ it: fieldsOf(value), where: { type, destination } }]
      : [];
  });
  const length = (it: Fields) => numberIn(it, 'QueueSize') ?? 0;
  if (found.length > o.limit) found.sort((a, b) => length(b.it) - length(a.it));
  for (const { it, where } of found.slice(0, o.limit)) {
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

export default defineCollector({
  name: 'activemq',
  summary: 'ActiveMQ: messages, consumers and enqueue times of queues and topics; memory.',
  source: 'its MBeans, over Jolokia',
  enabled: false,
  options,
  metrics,
  async *collect({ options, signal }) {
    const { origin } = new URL(options.url);
    const ask = async (bean: string, attributes: readonly string[]) => {
      const asked = { type: 'read', mbean: `org.apache.activemq:type=Broker,${bean}` };
      const body = JSON.stringify({ ...asked, attribute: attributes });
      const headers = { origin, 'content-type': 'application/json' };
      return parse(
        await readPage({ ...options, method: 'POST', headers, body, most: MOST }, signal),
      );
    };
    const name = `brokerName=${options.broker}`;
    const broker = await ask(name, BROKER);
    yield* part(() => observeBroker(broker));
    if (options.limit === 0) return;
    const every = await ask(`${name},destinationType=*,destinationName=*`, DESTINATION);
    yield* part(() => observeDestinations(every, options));
  },
});
