// What is measured side by side: cullinan, the agents that it stands beside, and the floor.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { PROGRAM } from './session.mjs';

/**
 * @typedef {object} Place
 * @property {number} interval seconds.
 * @property {number} port where its sink is; for `prometheus` the port it is to listen on.
 * @property {string} folder its own.
 *
 * @typedef {object} Agent
 * @property {string} name
 * @property {string} what what it collects and how it is set up, for the report.
 * @property {'graphite' | 'ganglia' | 'prometheus' | 'nothing'} sink
 * @property {string} program without it the agent cannot run.
 * @property {readonly string[]} packages of Debian; the first has the version.
 * @property {(place: Place) => readonly string[]} command writes its configuration, and returns how to start it.
 */

const HOST = 'bench';

/** @param {string} folder @param {string} name @param {string} text @returns {string} the path. */
export function put(folder, name, text) {
  const path = `${folder}/${name}`;
  writeFileSync(path, text);
  return path;
}

/** @type {Agent} */
export const cullinan = {
  name: 'cullinan',
  what: 'all default collectors, Graphite over TCP, names of Diamond; nothing else is configured',
  sink: 'graphite',
  program: PROGRAM,
  packages: [],
  command: ({ interval, port, folder }) => [
    PROGRAM,
    'run',
    '--config',
    put(
      folder,
      'cullinan.yaml',
      `interval: ${interval}s\nhandlers:\n  graphite: { host: 127.0.0.1, port: ${port} }\n`,
    ),
  ],
};

const FEW = ['cpu', 'memory', 'df', 'disk', 'interface', 'load', 'vmem', 'uptime'];

/** @param {string} name @param {readonly string[]} plugins @returns {Agent} */
const collectd = (name, plugins) => ({
  name,
  what: `write_graphite over TCP, plugins ${plugins.join(', ')}`,
  sink: 'graphite',
  program: '/usr/sbin/collectd',
  packages: ['collectd-core'],
  command: ({ interval, port, folder }) => {
    const conf = `Hostname "${HOST}"
FQDNLookup false
BaseDir "${folder}"
PIDFile "${folder}/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval ${interval}
${[...plugins, 'write_graphite'].map((plugin) => `LoadPlugin ${plugin}\n`).join('')}
<Plugin write_graphite>
  <Node "sink">
    Host "127.0.0.1"
    Port "${port}"
    Protocol "tcp"
  </Node>
</Plugin>
`;
    return ['/usr/sbin/collectd', '-f', '-C', put(folder, 'collectd.conf', conf)];
  },
});

/** @type {Agent} */
const gmond = {
  name: 'gmond',
  what: 'the packaged configuration, every group that it collects repeatedly at the interval and always sent, deaf, unicast',
  sink: 'ganglia',
  program: '/usr/sbin/gmond',
  packages: ['ganglia-monitor'],
  command: ({ interval, port, folder }) => {
    const packaged = readFileSync('/etc/ganglia/gmond.conf', 'utf8');
    const conf = packaged
      .replace(/\b(daemonize|setuid)\s*=\s*yes/g, '$1 = no')
      .replace(/\bdeaf\s*=\s*no/, 'deaf = yes')
      .replace(/^\s*include\b.*$/gm, '')
      .replace(/^(udp_recv_channel|tcp_accept_channel)\s*\{[^}]*\}/gm, '')
      .replace(
        /^udp_send_channel\s*\{[^}]*\}/m,
        `udp_send_channel { host = 127.0.0.1 port = ${port} }`,
      )
      .replace(
        /collect_every\s*=\s*\d+\s+time_threshold\s*=\s*\d+/g,
        `collect_every = ${interval}\n  time_threshold = ${interval}`,
      );
    return ['/usr/sbin/gmond', '-f', '-c', put(folder, 'gmond.conf', conf)];
  },
};

const EXPORTED = 'cpu meminfo diskstats filesystem netdev loadavg vmstat stat time'.split(' ');

/** @type {Agent} */
const nodeExporter = {
  name: 'node_exporter',
  what: `asked over HTTP at the interval, collectors ${EXPORTED.join(', ')}`,
  sink: 'prometheus',
  program: '/usr/bin/prometheus-node-exporter',
  packages: ['prometheus-node-exporter'],
  command: ({ port }) => [
    '/usr/bin/prometheus-node-exporter',
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.disable-exporter-metrics',
    '--log.level=error',
    '--collector.disable-defaults',
    ...EXPORTED.map((collector) => `--collector.${collector}`),
  ],
};

/** Sections of netdata.conf by their names. */
function netdataConf(/** @type {Place} */ { interval, folder }) {
  /** @param {readonly string[]} options */
  const off = (options) => Object.fromEntries(options.map((option) => [option, 'no']));
  /** @type {Record<string, Record<string, string | number>>} */
  const sections = {
    global: { 'run as user': 'root' },
    db: { mode: 'ram', retention: 120, 'update every': interval },
    directories: {
      config: folder,
      'stock config': folder,
      cache: folder,
      lib: folder,
      log: folder,
    },
    ml: { enabled: 'no' },
    health: { enabled: 'no' },
    statsd: { enabled: 'no' },
    web: { mode: 'none' },
    plugins: {
      // biome-ignore format: a list
      ...off([
        'enable running new plugins', 'timex', 'tc', 'idlejitter', 'cgroups', 'checks', 'statsd', 'slabinfo',
        'perf', 'apps', 'charts.d', 'fping', 'ioping', 'go.d', 'node.d', 'python.d', 'nfacct', 'xenstat', 'cups',
        'freeipmi', 'ebpf', 'netdata monitoring', 'netdata monitoring extended',
      ]),
      proc: 'yes',
      diskspace: 'yes',
    },
    // biome-ignore format: a list
    'plugin:proc': off([
      '/proc/interrupts', '/proc/softirqs', '/proc/net/sockstat', '/proc/net/sockstat6', '/proc/net/netstat',
      '/proc/net/snmp', '/proc/net/snmp6', '/proc/net/stat/conntrack', '/proc/net/stat/synproxy',
      '/proc/net/wireless', '/proc/net/ip_vs/stats', '/proc/net/sctp/snmp', '/proc/net/rpc/nfs',
      '/proc/net/rpc/nfsd', '/proc/mdstat', '/proc/pressure', '/proc/spl/kstat/zfs/arcstats', '/sys/fs/btrfs',
      '/sys/class/power_supply', '/sys/class/infiniband', '/sys/block/zram', '/sys/devices/system/edac/mc',
      '/sys/devices/system/node', '/sys/kernel/mm/ksm', '/proc/sys/kernel/random/entropy_avail', 'ipc', 'netstat',
    ]),
  };
  return sections;
}

/** @type {Agent} */
const netdata = {
  name: 'netdata',
  what: 'the proc and diskspace plugins for CPU, memory, vmstat, disks, mounts, interfaces, load and uptime; 120 points kept in memory; Graphite exporter; no web, health or learning',
  sink: 'graphite',
  program: '/usr/sbin/netdata',
  packages: ['netdata'],
  command: (place) => {
    const conf = Object.entries(netdataConf(place)).map(
      ([section, options]) =>
        `[${section}]\n${Object.entries(options)
          .map(([option, value]) => `  ${option} = ${value}\n`)
          .join('')}`,
    );
    put(
      place.folder,
      'exporting.conf',
      `[exporting:global]
  enabled = yes
  update every = ${place.interval}
[graphite:sink]
  enabled = yes
  destination = 127.0.0.1:${place.port}
  data source = as collected
  update every = ${place.interval}
  hostname = ${HOST}
`,
    );
    const file = put(place.folder, 'netdata.conf', conf.join('\n'));
    return ['/usr/sbin/netdata', '-D', '-c', file];
  },
};

const SYSCTLS = [
  ...['kernel/pid_max', 'kernel/threads-max', 'kernel/random/entropy_avail'],
  ...['fs/file-nr', 'fs/inode-nr'],
];
/** Read by the default collectors at every tick. A file that this kernel has not costs nothing. */
const READ = [
  ...['stat', 'diskstats', 'self/mountinfo', 'loadavg', 'meminfo', 'net/dev', 'vmstat', 'uptime'],
  ...['cpu', 'memory', 'io', 'irq'].map((resource) => `pressure/${resource}`),
  ...SYSCTLS.map((name) => `sys/${name}`),
  ...['sockstat', 'sockstat6', 'snmp', 'netstat', 'snmp6'].map((name) => `net/${name}`),
];
const LINK = ['operstate', 'speed', 'duplex'];
const ON_DISK = /^(ext[234]|xfs|btrfs|f2fs|tmpfs)$/;
const KERNELS_OWN = /^\/(dev|proc|run|sys)(\/|$)/;
/** As many as the processes collector reads at a tick, or in ten seconds where that is less. */
const PROCESSES = 25;

/**
 * The default collectors' reads, in the words of floor.c.
 *
 * @param {number} interval seconds.
 */
function reads(interval) {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at = '', type = '']) => ON_DISK.test(type) && !KERNELS_OWN.test(at))
    .map(([, at]) => `stat:${at}`);
  const links = readdirSync('/sys/class/net')
    .filter((name) => name !== 'lo' && existsSync(`/sys/class/net/${name}/operstate`))
    .flatMap((name) => LINK.map((file) => `open:/sys/class/net/${name}/${file}`));
  return [
    ...READ.map((name) => `keep:/proc/${name}`),
    ...['tcp', 'tcp6'].map((name) => `rare:/proc/net/${name}`),
    ...mounts,
    // floor.c holds a bounded list; a host with hundreds of interfaces is not measured with it.
    ...links.slice(0, 15),
    `pids:${Math.min(PROCESSES, Math.ceil((PROCESSES * interval) / 10))}`,
  ];
}

/**
 * @param {string} program floor.c, compiled.
 * @returns {Agent}
 */
export const floor = (program) => ({
  name: 'floor',
  what: 'floor.c: reads the same files, understands nothing, sends nothing',
  sink: 'nothing',
  program,
  packages: ['gcc', 'libc6-dev'],
  command: ({ interval }) => [program, String(interval * 1000), ...reads(interval)],
});

/** @type {readonly Agent[]} */
export const peers = [
  collectd('collectd', [...FEW, 'swap', 'processes']),
  collectd('collectd-few', FEW),
  netdata,
  nodeExporter,
  gmond,
];

/** A folder of its own for an agent. */
export function folderIn(/** @type {string} */ work, /** @type {string} */ name) {
  const folder = `${work}/${name}`;
  mkdirSync(folder);
  return folder;
}
