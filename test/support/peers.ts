import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe } from 'vitest';

/** Where Debian keeps what is compiled for this machine. */
const TRIPLET = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;

/** The processor that this machine has not. */
const OTHER = process.arch === 'arm64' ? 'x86_64' : 'aarch64';

/** What cannot be installed beside other peers is unpacked here, and runs from here. */
export const UNPACKED = `${tmpdir()}/cullinan-unpacked`;

interface Peer {
  readonly program: string;
  readonly packages: readonly string[];
  /** Packages that are only unpacked, into one folder. */
  readonly unpacked?: readonly string[];
}

/** Real peers by name: the program that shows that one is installed, and the Debian packages that bring it. */
const PEERS = {
  'carbon-cache': { program: '/usr/bin/carbon-cache', packages: ['graphite-carbon'] },
  'carbon-c-relay': { program: '/usr/bin/carbon-c-relay', packages: ['carbon-c-relay'] },
  stunnel: { program: '/usr/bin/stunnel4', packages: ['stunnel4', 'openssl'] },
  collectd: { program: '/usr/sbin/collectd', packages: ['collectd-core'] },
  'prometheus-node-exporter': {
    program: '/usr/bin/prometheus-node-exporter',
    packages: ['prometheus-node-exporter'],
  },
  prometheus: { program: '/usr/bin/prometheus', packages: ['prometheus'] },
  mosquitto: { program: '/usr/sbin/mosquitto', packages: ['mosquitto', 'mosquitto-clients'] },
  gmetad: { program: '/usr/sbin/gmetad', packages: ['gmetad'] },
  gmond: {
    program: '/usr/sbin/gmond',
    packages: ['ganglia-monitor', 'iproute2', 'libxml2-utils'],
  },
  rabbitmq: { program: '/usr/lib/rabbitmq/bin/rabbitmq-server', packages: ['rabbitmq-server'] },
  protoc: { program: '/usr/bin/protoc', packages: ['protobuf-compiler'] },
  rsyslog: {
    program: `/usr/lib/${TRIPLET}/rsyslog/lmnsd_ossl.so`,
    packages: ['rsyslog', 'rsyslog-openssl'],
  },
  ceilometer: {
    program: '/usr/lib/python3/dist-packages/ceilometer/telemetry/notifications.py',
    packages: ['python3-ceilometer'],
  },
  gnocchi: {
    program: '/usr/lib/python3/dist-packages/gnocchi/rest/app.py',
    packages: ['python3-gnocchi', 'python3-psycopg2', 'python3-keystonemiddleware'],
  },
  keystone: {
    program: '/usr/bin/keystone-manage',
    packages: ['python3-keystone', 'python3-werkzeug'],
  },
  'libvirt-python': {
    program: '/usr/lib/python3/dist-packages/libvirt.py',
    packages: ['python3-libvirt'],
  },
  postgresql: {
    program: '/usr/share/postgresql-common/pg_wrapper',
    packages: ['postgresql'],
  },
  influxdb: { program: '/usr/bin/influxd', packages: ['influxdb'] },
  libzmq: { program: '/usr/lib/python3/dist-packages/zmq/__init__.py', packages: ['python3-zmq'] },
  nginx: { program: '/usr/sbin/nginx', packages: ['nginx-light'] },
  apache: { program: '/usr/sbin/apache2', packages: ['apache2', 'apache2-utils'] },
  ab: { program: '/usr/bin/ab', packages: ['apache2-utils'] },
  postfix: { program: '/usr/sbin/postfix', packages: ['postfix'] },
  haproxy: { program: '/usr/sbin/haproxy', packages: ['haproxy'] },
  tinyproxy: { program: '/usr/bin/tinyproxy', packages: ['tinyproxy-bin'] },
  squid: { program: '/usr/sbin/squid', packages: ['squid'] },
  conmon: { program: '/usr/bin/conmon', packages: ['conmon'] },
  logrotate: {
    program: '/usr/sbin/logrotate',
    packages: ['logrotate', 'xz-utils', 'zstd'],
  },
  journal: {
    program: '/lib/systemd/systemd-journal-remote',
    packages: ['systemd', 'systemd-journal-remote'],
  },
  libvirt: {
    program: '/usr/share/polkit-1/actions/org.libvirt.unix.policy',
    packages: [
      ...['libvirt-daemon', 'libvirt-daemon-driver-qemu', 'libvirt-daemon-system'],
      ...['libvirt-clients', 'qemu-system-x86', 'polkitd', 'dbus', 'iproute2'],
    ],
  },
  'libvirt-exporter': {
    program: '/usr/bin/prometheus-libvirt-exporter',
    packages: ['prometheus-libvirt-exporter'],
  },
  ping: { program: '/usr/bin/ping', packages: ['iputils-ping'] },
  redis: { program: '/usr/bin/redis-server', packages: ['redis-server'] },
  chrony: { program: '/usr/sbin/chronyd', packages: ['chrony'] },
  activemq: {
    program: '/usr/share/java/jolokia-core.jar',
    packages: [
      ...['activemq', 'default-jre-headless', 'libjolokia-core-java', 'libjetty9-java'],
      ...['libxstream-java', 'libjettison-java'],
    ],
  },
  /** Debian's ntpd conflicts with chronyd. */
  ntpsec: {
    program: `${UNPACKED}/ntpsec/usr/sbin/ntpd`,
    packages: ['libbsd0', 'libcap2', 'libssl3', 'python3', 'iproute2'],
    unpacked: ['python3-ntp', 'ntpsec'],
  },
  smartmontools: { program: '/usr/sbin/smartctl', packages: ['smartmontools'] },
  dbus: { program: '/usr/bin/dbus-daemon', packages: ['dbus'] },
  python3: { program: '/usr/bin/python3', packages: ['python3-minimal'] },
  gcc: { program: '/usr/bin/gcc', packages: ['gcc', 'libc6-dev'] },
  'systemd-notify': { program: '/usr/bin/systemd-notify', packages: ['systemd'] },
  nspawn: {
    program: '/usr/bin/systemd-nspawn',
    packages: ['systemd-container', 'debootstrap', 'iproute2'],
  },
  'virtual-machine': {
    program: '/usr/bin/qemu-system-x86_64',
    packages: ['qemu-system-x86', 'debootstrap', 'e2fsprogs'],
  },
  podman: { program: '/usr/bin/podman', packages: ['podman', 'runc', 'debootstrap'] },
  rpm: { program: '/usr/bin/rpmbuild', packages: ['rpm'] },
  /** What builds for the machine that this one is not, and runs it. */
  'other-machine': {
    program: `/usr/bin/${OTHER}-linux-gnu-gcc`,
    packages: [
      ...[
        `gcc-${OTHER.replace('_', '-')}-linux-gnu`,
        `binutils-${OTHER.replace('_', '-')}-linux-gnu`,
      ],
      ...[`libc6-dev-${OTHER === 'aarch64' ? 'arm64' : 'amd64'}-cross`, 'qemu-user-static'],
      `libstdc++6-${OTHER === 'aarch64' ? 'arm64' : 'amd64'}-cross`,
    ],
  },
  lintian: { program: '/usr/bin/lintian', packages: ['lintian'] },
  rpmlint: { program: '/usr/bin/rpmlint', packages: ['rpmlint'] },
  man: { program: '/usr/bin/man', packages: ['man-db', 'groff'] },
  shells: { program: '/usr/bin/fish', packages: ['fish', 'zsh'] },
  tmux: { program: '/usr/bin/tmux', packages: ['tmux'] },
  'munin-plugins': { program: '/usr/share/munin/plugins/load', packages: ['munin-plugins-core'] },
  'monitoring-plugins': {
    program: '/usr/lib/nagios/plugins/check_load',
    packages: ['monitoring-plugins-basic'],
  },
  'textfile-collectors': {
    program: '/usr/share/prometheus-node-exporter-collectors/directory-size.sh',
    packages: ['prometheus-node-exporter-collectors'],
  },
  netdata: {
    program: '/usr/lib/netdata/plugins.d/charts.d.plugin',
    packages: ['netdata-plugins-bash'],
  },
  collectdctl: { program: '/usr/bin/collectdctl', packages: ['collectd-utils'] },
} as const satisfies Record<string, Peer>;

export type PeerName = keyof typeof PEERS;

/** Why a peer cannot be had; `undefined` if it is there. */
type Missing = string | undefined;

/** One at a time on this machine: test files run in parallel, and apt does not wait for itself. */
const LOCK = `${tmpdir()}/cullinan-peers.lock`;

/** Further shell that downloads packages and unpacks them into one folder, which is there when it is whole. */
function unpack(name: PeerName, packages: readonly string[]): string {
  if (packages.length === 0) return '';
  const [whole, part] = [`${UNPACKED}/${name}`, `${UNPACKED}/${name}.part`];
  return (
    ` && rm -rf ${part} ${whole} && mkdir -p ${part} && cd ${part} && ` +
    `apt-get download -q ${packages.join(' ')} && ` +
    `for deb in *.deb; do dpkg-deb -x "$deb" . || exit; rm "$deb"; done && mv ${part} ${whole}`
  );
}

/** Shell that fails where a program is not there, or one of its packages is not, or not yet, set up. */
function there(program: string, packages: readonly string[]): string {
  const states = `dpkg-query -W -f '\${db:Status-Status}\n' ${packages.join(' ')} 2>/dev/null`;
  return `[ -e ${program} ] && [ $(${states} | grep -cx installed) -ge ${packages.length} ]`;
}

function install(name: PeerName): Missing {
  const { program, packages, unpacked = [] }: Peer = PEERS[name];
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    if (existsSync(program)) return undefined;
    return `${program} is not there, and installing it takes root on Debian`;
  }
  // A program may be there before what it needs: another test file may be about to install them.
  const whole = there(program, packages);
  if (spawnSync('sh', ['-c', whole]).status === 0) return undefined;
  const script =
    `{ ${whole}; } || { apt-get update -q && ` +
    `apt-get install -q -y --no-install-recommends ${packages.join(' ')}${unpack(name, unpacked)}; }`;
  const { status, stderr, error } = spawnSync('flock', [LOCK, 'sh', '-c', script], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    timeout: 300_000,
  });
  if (status === 0 && existsSync(program)) return undefined;
  return `installing it failed: ${error?.message ?? stderr.trim().split('\n').at(-1)}`;
}

/**
 * Tests with real peers, which are installed if need be. Where that is impossible they are skipped
 * under a name that says why; with CI=true that is an error.
 */
export function describeWithPeer(
  peers: PeerName | readonly PeerName[],
  what: string,
  tests: () => void,
): void {
  const missing = [peers].flat().flatMap((name) => {
    const why = install(name);
    return why === undefined ? [] : [`no ${name}: ${why}`];
  })[0];
  if (missing !== undefined && process.env['CI'] === 'true') {
    throw new Error(`${what}: ${missing}. With CI=true no test may be left out.`);
  }
  const title = missing === undefined ? what : `${what} (left out: ${missing})`;
  describe.runIf(missing === undefined)(title, tests);
}
