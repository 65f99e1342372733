import { everything, level, type Section } from './diamond-row.ts';

const MILLISECONDS = 1000;

/** PingCollector, NginxCollector, HttpdCollector and SmartCollector: totals as they stand. */
export const services: Section = {
  covers: everything,
  rows: {
    'check.ping.time.mean': [level('ping.{target}', 0, MILLISECONDS)],
    'nginx.connections.active': [level('nginx.active_connections', 0)],
    'nginx.connections.accepted': [level('nginx.conn_accepted', 0)],
    'nginx.connections.handled': [level('nginx.conn_handled', 0)],
    'nginx.requests': [level('nginx.req_handled', 0)],
    'nginx.connections.current{state=reading}': [level('nginx.act_reads', 0)],
    'nginx.connections.current{state=writing}': [level('nginx.act_writes', 0)],
    'nginx.connections.current{state=waiting}': [level('nginx.act_waits', 0)],
    'apache.requests': [level('httpd.{server}.TotalAccesses', 0)],
    'apache.workers{state=busy}': [level('httpd.{server}.BusyWorkers', 0)],
    'apache.workers{state=idle}': [level('httpd.{server}.IdleWorkers', 0)],
    'smart.attribute.raw': [level('smart.{device}.{attribute}', 0)],
  },
};

/** RedisCollector: an instance is called by its port, unless it has a name. */
export const redis: Section = {
  covers: everything,
  rows: {
    'redis.uptime': [level('redis.{server}.process.uptime', 0)],
    'redis.clients': [level('redis.{server}.clients.{state}', 0)],
    'redis.commands': [level('redis.{server}.process.commands_processed', 0)],
    'redis.connections{result=received}': [level('redis.{server}.process.connections_received', 0)],
    'redis.memory.usage{type=used}': [level('redis.{server}.memory.internal_view', 0)],
    'redis.memory.usage{type=rss}': [level('redis.{server}.memory.external_view', 0)],
    'redis.memory.fragmentation': [level('redis.{server}.memory.fragmentation_ratio', 2)],
    'redis.keyspace.lookups': [level('redis.{server}.keyspace.{result}', 0)],
    'redis.keys.removed': [level('redis.{server}.keys.{reason}', 0)],
    'redis.keys': [level('redis.{server}.db{db}.keys', 0)],
    'redis.keys.expiring': [level('redis.{server}.db{db}.expires', 0)],
    'redis.pubsub': [level('redis.{server}.pubsub.{type}', 0)],
    'redis.persistence.changes': [level('redis.{server}.last_save.changes_since', 0)],
    'redis.persistence.last_save': [level('redis.{server}.last_save.time', 0)],
    'redis.cpu.time{state=user}': [level('redis.{server}.cpu.parent.user', 2)],
    'redis.cpu.time{state=system}': [level('redis.{server}.cpu.parent.sys', 2)],
    'redis.cpu.time{state=children.user}': [level('redis.{server}.cpu.children.user', 2)],
    'redis.cpu.time{state=children.system}': [level('redis.{server}.cpu.children.sys', 2)],
    'redis.replication.replicas': [level('redis.{server}.slaves.connected', 0)],
  },
};

/** RabbitMQCollector, as it is without a [vhosts] section: a queue's name has no virtual host. */
export const rabbitmq: Section = {
  covers: everything,
  rows: {
    'rabbitmq.messages': [level('rabbitmq.queue_totals.messages_{state}', 0)],
    'rabbitmq.objects': [level('rabbitmq.object_totals.{type}', 0)],
    'rabbitmq.message.events': [level('rabbitmq.message_stats.{event}', 0)],
    'rabbitmq.queue.messages': [level('rabbitmq.queues.{queue}.messages_{state}', 0)],
    'rabbitmq.queue.consumers': [level('rabbitmq.queues.{queue}.consumers', 0)],
    'rabbitmq.queue.memory': [level('rabbitmq.queues.{queue}.memory', 0)],
    'rabbitmq.queue.size': [level('rabbitmq.queues.{queue}.message_bytes', 0)],
    'rabbitmq.queue.message.events': [level('rabbitmq.queues.{queue}.message_stats.{event}', 0)],
  },
};
