import { Block, linesOf } from './block.ts';
import type { Observer } from './observer.ts';
import { milliseconds, page } from './web.ts';

const HOST = 'what is observed is told of this host';

export const apache: Observer = {
  collectors: ['apache'],
  only: ['apache.requests', 'apache.traffic', 'apache.workers', 'apache.scoreboard'],
  options(block) {
    const { draft } = block;
    const at = ['collectors', 'apache', 'servers'];
    for (const node of block.all('Instance')) {
      const own = new Block(draft, node.children ?? []);
      if (own.find('URL') === undefined || (node.values[0] ?? '') === '') {
        draft.leave([...linesOf(node)], 'it needs a name and a URL');
        continue;
      }
      const server = [...at, node.values[0] ?? ''];
      draft.set(server, {}, node.line);
      page(own, server);
      own.leave(HOST, 'Host');
      const known = own.text('Server')?.toLowerCase() === 'apache';
      own.expect(
        'Server',
        known,
        'lighttpd has another scoreboard: its letters are told as Apache’s',
      );
      own.leave('a collection has a timeout, for all its servers: timeout', 'Timeout');
    }
  },
};

export const nginx: Observer = {
  collectors: ['nginx'],
  only: ['nginx.connections.*', 'nginx.requests'],
  options(block) {
    const at = ['collectors', 'nginx'];
    block.draft.note(
      at,
      'connections-failed is not sent: it is connections-accepted less connections-handled.',
    );
    page(block, at);
    block.put([...at, 'timeout'], 'Timeout', milliseconds(block, 'Timeout'));
  },
};

export const redis: Observer = {
  collectors: ['redis'],
  only: [
    ...['uptime', 'clients', 'commands', 'network.io', 'keyspace.lookups', 'keys.removed'],
    ...['keys', 'pubsub', 'replication.replicas', 'connections & label:result=received'],
    'memory.usage & label:type=re:^(used|lua)$',
  ].map((word) => `redis.${word}`),
  options(block) {
    const { draft } = block;
    const at = ['collectors', 'redis', 'servers'];
    // Without a node collectd asks one of this name.
    if (block.all('Node').length === 0) draft.set([...at, 'default'], {});
    for (const { values, children = [], line } of block.all('Node')) {
      const own = new Block(draft, children);
      const server = [...at, values[0] ?? 'default'];
      draft.set(server, {}, line);
      own.put([...server, 'host'], 'Host', own.text('Host'));
      own.put([...server, 'port'], 'Port', own.number('Port'));
      own.put([...server, 'socket'], 'Socket', own.text('Socket'));
      const password = own.text('Password');
      if (password !== undefined)
        draft.secret([...server, 'password'], password, own.lines('Password'));
      if (own.truth('SSL') === true) draft.set([...server, 'tls'], {}, own.lines('SSL'));
      own.expect('SSL', own.truth('SSL') !== undefined, 'it is true or false');
      own.leave('a collection has a timeout, for all its servers: timeout', 'Timeout');
      const plain = own.truth('ReportCommandStats') === false;
      own.expect('ReportCommandStats', plain, 'commands are counted all together');
      const cpu = own.truth('ReportCpuUsage') === false;
      own.expect(
        'ReportCpuUsage',
        cpu,
        'it is redis.cpu.time, which has no name of collectd’s: only',
      );
      for (const query of own.all('Query'))
        draft.leave(
          [...linesOf(query)],
          'INFO is asked for, and no command of your own: the collector exec runs it',
        );
    }
  },
};

export const chrony: Observer = {
  collectors: ['chrony'],
  // biome-ignore format: a list of words
  only: [
    'stratum', 'updated', 'offset', 'offset.last', 'offset.rms', 'frequency', 'frequency.skew', 'root.*',
    'update_interval', 'source.stratum', 'source.since',
  ].map((word) => `chrony.${word}`),
  options: clock('chrony'),
};

export const ntpd: Observer = {
  collectors: ['ntpd'],
  only: [
    ...['offset', 'jitter', 'frequency', 'root.*'],
    ...['source.offset', 'source.delay', 'source.dispersion'],
  ].map((word) => `ntpd.${word}`),
  options(block) {
    block.draft.note(['collectors', 'ntpd'], 'Its names are cullinan’s, and not time_offset-….');
    clock('ntpd')(block);
    block.leave('sources are called by their addresses', 'ReverseLookups', 'IncludeUnitID');
  },
};

/** A daemon that is asked over UDP. */
function clock(collector: string) {
  return (block: Block): void => {
    const at = ['collectors', collector];
    block.put([...at, 'host'], 'Host', block.text('Host'));
    block.put([...at, 'port'], 'Port', block.number('Port'));
    block.put([...at, 'timeout'], 'Timeout', block.seconds('Timeout'));
  };
}

export const smart: Observer = {
  collectors: ['smart'],
  only: ['smart.power_on_time', 'smart.power_cycles', 'smart.temperature'],
  options(block) {
    const { draft } = block;
    const at = ['collectors', 'smart'];
    draft.note(
      at,
      'Attributes have other names here: only: ["smart.*"] of a handler sends them, too. They are read by smartctl(8), as root: docs/systemd.md.',
    );
    const chosen = Object.entries(block.selection('Disk')).map(([list, patterns]) => [
      list,
      // NVMe's disks are called by their controllers.
      patterns.map((each) => each.replace(/^(nvme\d+)n\d+$/, '$1')),
    ]);
    if (block.find('Disk') !== undefined)
      draft.set([...at, 'devices'], Object.fromEntries(chosen), block.lines('Disk'));
    const asleep = block.truth('IgnoreSleepMode') === false;
    block.expect('IgnoreSleepMode', asleep, 'a disk that sleeps is not woken');
    const called = block.truth('UseSerial') === false;
    block.expect('UseSerial', called, 'disks are called as in /dev');
  },
};
