/**
 * collectd's types: of how many values a value list consists, and how each behaves. As types.db(5) has them,
 * for whoever has no file of his own; a type that has one level called `value` is not listed.
 */
import type { Kind } from '../../metric/index.ts';

/** One value of a type. */
export interface DataSource {
  readonly name: string;
  readonly kind: Kind;
}

const KINDS: Readonly<Record<string, Kind>> = {
  GAUGE: 'gauge',
  DERIVE: 'counter',
  COUNTER: 'counter',
  ABSOLUTE: 'delta',
};

const TYPE = /^(\w[\w-]*)\s+(\S.*)$/;

/** A file in the form of types.db(5); lines that are not in that form are passed over, as collectd does. */
export function parseTypes(text: string): ReadonlyMap<string, readonly DataSource[]> {
  const types = new Map<string, readonly DataSource[]>();
  for (const line of text.split('\n')) {
    const [, type = '', all = ''] = TYPE.exec(line.trim()) ?? [];
    const sources = all.split(/[\s,]+/).filter((source) => source !== '');
    const found = sources.map((source): DataSource | undefined => {
      const [name = '', kind = ''] = source.split(':');
      const known = KINDS[kind.toUpperCase()];
      return known === undefined || name === '' ? undefined : { name, kind: known };
    });
    const sound = found.filter((source) => source !== undefined);
    if (type !== '' && sound.length === sources.length && sound.length > 0) types.set(type, sound);
  }
  return types;
}

/** Types of several values, and the name of each; `+` behind a type says that they only grow. */
const SEVERAL = `
compression+ uncompressed compressed
df used free
disk_io_time+ io_time weighted_io_time
disk_latency read write
disk_merged+ read write
disk_octets+ read write
disk_ops+ read write
disk_time+ read write
dns_octets+ queries responses
domain_state state reason
ib_octets+ rx tx
ib_packets+ rx tx
if_dropped+ rx tx
if_errors+ rx tx
if_octets+ rx tx
if_packets+ rx tx
io_octets+ rx tx
io_ops+ read write
io_packets+ rx tx
load shortterm midterm longterm
memcached_octets+ rx tx
mysql_octets+ rx tx
node_octets+ rx tx
ps_count processes threads
ps_cputime+ user syst
ps_disk_octets+ read write
ps_disk_ops+ read write
ps_pagefaults+ minflt majflt
serial_octets+ rx tx
smart_attribute current worst threshold pretty
vmpage_faults+ minflt majflt
vmpage_io+ in out
voltage_threshold value threshold
`;

/** Types of one value that only grows. */
const GROWING = `
apache_bytes apache_requests ath_stat cache_eviction cache_operation cache_result ceph_rate commands
connections contextswitch cookies counter cpu derive disk_ops_complex dns_answer dns_notify dns_opcode
dns_qtype dns_query dns_question dns_rcode dns_reject dns_request dns_resolver dns_response dns_transfer
dns_update dns_zops errors evicted_keys expired_keys filter_result fork_rate fscache_stat hash_collisions
http_request_methods http_requests http_response_codes if_collisions if_multicast if_rx_dropped
if_rx_errors if_rx_octets if_rx_packets if_tx_dropped if_tx_errors if_tx_octets if_tx_packets invocations
ipt_bytes ipt_packets irq job_stats memcached_command memcached_ops mutex_operations mysql_commands
mysql_handler mysql_locks mysql_select mysql_slow_queries mysql_sort_rows nfs_procedure nginx_requests
node_stat operations packets perf pg_blks pg_n_tup_c pg_scan pg_xact protocol_counter swap_io total_bytes
total_connections total_events total_objects total_operations total_requests total_sessions
total_threads total_time_in_ms total_values transitions virt_cpu_total virt_vcpu vmpage_action
`;

const one = (kind: Kind): readonly DataSource[] => [{ name: 'value', kind }];

/** Those of collectd that are not one level. */
export const collectdTypes = (): ReadonlyMap<string, readonly DataSource[]> =>
  new Map([
    ...GROWING.trim()
      .split(/\s+/)
      .map((type) => [type, one('counter')] as const),
    ['absolute', one('delta')] as const,
    ...SEVERAL.trim()
      .split('\n')
      .map((line) => {
        const [type = '', ...names] = line.split(' ');
        const kind = type.endsWith('+') ? 'counter' : 'gauge';
        return [type.replace('+', ''), names.map((name) => ({ name, kind }) as const)] as const;
      }),
  ]);
