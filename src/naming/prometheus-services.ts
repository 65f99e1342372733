import { row, type Section } from './prometheus-row.ts';

const server = { server: '{server}' };
/** nginx-prometheus-exporter, apache_exporter and redis_exporter, with our name of a server besides. */
export const services: Section = {
  rows: {
    'nginx.connections.active': row('nginx_connections_active'),
    'nginx.connections.accepted': row('nginx_connections_accepted'),
    'nginx.connections.handled': row('nginx_connections_handled'),
    'nginx.connections.current': row('nginx_connections_{state}'),
    'nginx.requests': row('nginx_http_requests_total'),
    'apache.requests': row('apache_accesses_total', server),
    'apache.traffic': row('apache_sent_kilobytes_total', server, 1 / 1024),
    'apache.workers': row('apache_workers', { ...server, state: '{state}' }),
    'apache.scoreboard': row('apache_scoreboard', { ...server, state: '{state}' }),
    'redis.uptime': row('redis_uptime_in_seconds', server),
    'redis.clients': row('redis_{state}_clients', server),
    'redis.connections{result=received}': row('redis_connections_received_total', server),
    'redis.connections{result=rejected}': row('redis_rejected_connections_total', server),
    'redis.commands': row('redis_commands_processed_total', server),
    'redis.memory.usage': row('redis_memory_used_{type}_bytes', server),
    'redis.memory.usage{type=used}': row('redis_memory_used_bytes', server),
    'redis.memory.limit': row('redis_memory_max_bytes', server),
    'redis.keyspace.lookups': row('redis_keyspace_{result}_total', server),
    'redis.keys.removed': row('redis_{reason}_keys_total', server),
    'redis.keys': row('redis_db_keys', { ...server, db: 'db{db}' }),
    'redis.keys.expiring': row('redis_db_keys_expiring', { ...server, db: 'db{db}' }),
    'redis.replication.replicas': row('redis_connected_slaves', server),
  },
};
