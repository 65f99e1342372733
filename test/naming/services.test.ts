import type { Collector } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import activemq from '../../collectors/activemq.ts';
import apache from '../../collectors/apache.ts';
import chrony from '../../collectors/chrony.ts';
import files from '../../collectors/files.ts';
import http from '../../collectors/http.ts';
import nginx from '../../collectors/nginx.ts';
import ntpd from '../../collectors/ntpd.ts';
import ping from '../../collectors/ping.ts';
import rabbitmq from '../../collectors/rabbitmq.ts';
import redis from '../../collectors/redis.ts';
import smart from '../../collectors/smart.ts';
import tcp from '../../collectors/tcp.ts';
import type { Labels, Series } from '../../src/metric/index.ts';
import { dialects } from '../../src/naming/index.ts';
import { describeSpelling } from './observed.ts';
import { NAMING } from './support.ts';

/** What the last label of some metrics may be; of all others it is the label's own name. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'apache.workers': ['busy', 'idle'],
  'nginx.connections.current': ['reading', 'writing', 'waiting'],
  'redis.clients': ['connected', 'blocked'],
  'redis.connections': ['received', 'rejected'],
  'redis.network.io': ['receive', 'transmit'],
  'redis.memory.usage': ['used', 'rss', 'peak', 'lua'],
  'redis.keyspace.lookups': ['hits', 'misses'],
  'redis.keys.removed': ['expired', 'evicted'],
  'redis.keys': ['0'],
  'redis.cpu.time': ['user', 'system', 'children.user', 'children.system'],
  'rabbitmq.messages': ['ready', 'unacknowledged'],
  'rabbitmq.queue.messages': ['ready', 'unacknowledged'],
};

function seriesOf(collector: Collector): readonly Series[] {
  return Object.values(collector.metrics).flatMap((metric, id) => {
    const plain: Labels = Object.fromEntries(metric.labels.map((label) => [label, label]));
    const last = metric.labels.at(-1);
    return (VALUES[metric.name] ?? ['']).map((value) => {
      const labels = last === undefined || value === '' ? plain : { ...plain, [last]: value };
      return { id, metric, collector: collector.name, host: 'web01', labels };
    });
  });
}

const COLLECTORS = [
  ...[activemq, apache, chrony, files, http, nginx, ntpd, ping, rabbitmq, redis, smart, tcp],
] as unknown as readonly Collector[];

test.each(COLLECTORS.map((it) => [it.name, it] as const))(
  'the names of %s in each dialect',
  async (name, collector) => {
    const { diamond, collectd, prometheus, ganglia } = dialects;
    const text = [diamond, collectd, prometheus, ganglia].flatMap(({ name, spell }) => [
      `# ${name}`,
      ...seriesOf(collector)
        .flatMap((one) => spell(one, NAMING))
        .map(describeSpelling),
    ]);
    await expect(`${text.join('\n')}\n`).toMatchFileSnapshot(`../golden/names/${name}.txt`);
  },
);
