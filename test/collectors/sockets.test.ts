import { AccessDenied, type Host } from 'cullinan/plugin';
import { describe, expect, test } from 'vitest';
import sockets, { parseSockstat } from '../../collectors/sockets.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith, refusing } from '../support/host.ts';

describeCollector(sockets);
describeCollector(sockets, { options: { detailed: true }, variant: 'detailed' });

const SOCKSTAT = [
  'sockets: used 17',
  'TCP: inuse 3 orphan 1 tw 2 alloc 4 mem 735',
  'UDP: inuse 5 mem 6',
  'FRAG: inuse 7 memory 4096',
  '',
].join('\n');
const SOCKSTAT6 = 'TCP6: inuse 8\nFRAG6: inuse 0 memory 0\n';

const observe = async (files: Readonly<Record<string, string>>, options = {}) =>
  text(await collecting(sockets)(0, { host: hostWith(files), options }));

test('tells sockets by protocol, family and state, and what they hold', async () => {
  const files = { 'proc/net/sockstat': SOCKSTAT, 'proc/net/sockstat6': SOCKSTAT6 };
  expect(await observe(files)).toBe(
    [
      'system.sockets.used{} 17 count gauge',
      'system.sockets.count{protocol="tcp",family="ipv4",state="in_use"} 3 count gauge',
      'system.sockets.count{protocol="tcp",family="ipv4",state="orphan"} 1 count gauge',
      'system.sockets.count{protocol="tcp",family="ipv4",state="time_wait"} 2 count gauge',
      'system.sockets.count{protocol="tcp",family="ipv4",state="allocated"} 4 count gauge',
      'system.sockets.memory_pages{protocol="tcp"} 735 count gauge',
      'system.sockets.count{protocol="udp",family="ipv4",state="in_use"} 5 count gauge',
      'system.sockets.memory_pages{protocol="udp"} 6 count gauge',
      'system.sockets.count{protocol="frag",family="ipv4",state="in_use"} 7 count gauge',
      'system.sockets.fragment_memory{family="ipv4"} 4096 bytes gauge',
      'system.sockets.count{protocol="tcp",family="ipv6",state="in_use"} 8 count gauge',
      'system.sockets.count{protocol="frag",family="ipv6",state="in_use"} 0 count gauge',
      'system.sockets.fragment_memory{family="ipv6"} 0 bytes gauge',
      '',
    ].join('\n'),
  );
});

test.each([
  ['TCP inuse 3', '"TCP inuse 3" is not "PROTOCOL: …"'],
  ['TCP: inuse', 'column 1 of 1 (number) is missing'],
  ['TCP: inuse x', 'column 1 of 1 (number) is "x", not a whole number'],
])('rejects the line "%s"', (line, message) => {
  expect(() => parseSockstat(line)).toThrow(message);
});

test.each([{}, { detailed: true }])('a line of snmp6 that makes no sense: %j', async (options) => {
  const host = hostWith({
    'proc/net/sockstat': SOCKSTAT,
    'proc/net/snmp6':
      'Ip6InOctets                     \tmany\nUdp6NoPorts                     \t7\n',
  });
  const run = await collecting(sockets)(0, { host, options });
  expect(text(run)).toContain('{protocol="Udp6",field="NoPorts"} 7 count');
  expect(text(run)).not.toContain('field="InOctets"');
  expect(run.errors.map(String)).toEqual([expect.stringContaining('/proc/net/snmp6 line 1')]);
});

describe('the kernel’s own fields', () => {
  const SNMP = 'Tcp: RtoMin MaxConn ActiveOpens CurrEstab\nTcp: 200 -1 5 7\n';
  const SNMP6 = [
    'Ip6InReceives                   \t9',
    'Ip6InOctets                     \t8',
    'Udp6NoPorts                     \t7',
    '',
  ].join('\n');
  const files = {
    'proc/net/sockstat': '',
    'proc/net/snmp': SNMP,
    'proc/net/netstat': 'TcpExt: TW ListenDrops\nTcpExt: 3 4\n',
    'proc/net/snmp6': SNMP6,
  };

  test('are counters or levels, and only the usual ones', async () => {
    expect(await observe(files)).toBe(
      [
        'system.linux.snmp{protocol="Tcp",field="ActiveOpens"} 5 count counter',
        'system.linux.snmp.level{protocol="Tcp",field="CurrEstab"} 7 count gauge',
        'system.linux.snmp{protocol="TcpExt",field="ListenDrops"} 4 count counter',
        'system.linux.snmp{protocol="Ip6",field="InOctets"} 8 count counter',
        'system.linux.snmp{protocol="Udp6",field="NoPorts"} 7 count counter',
        '',
      ].join('\n'),
    );
  });

  test('are all of them on request', async () => {
    const seen = await observe(files, { detailed: true });
    expect(seen).toContain(
      'system.linux.snmp.level{protocol="Tcp",field="MaxConn"} -1 count gauge\n',
    );
    expect(seen.match(/(?<=field=")\w+/g)).toEqual([
      ...['RtoMin', 'MaxConn', 'ActiveOpens', 'CurrEstab'],
      ...['TW', 'ListenDrops', 'InReceives', 'InOctets', 'NoPorts'],
    ]);
  });

  test('of a malformed protocol cost that one', async () => {
    const seen = await observe({ ...files, 'proc/net/snmp': `Udp: InErrors\nUdp: x\n${SNMP}` });
    expect(seen).toContain(
      '! ParseError: /proc/net/snmp line 1: the numbers of "Udp" do not fit its names',
    );
    expect(seen).toContain('field="ActiveOpens"');
  });
});

describe('TCP connections by state', () => {
  const row = (state: string) =>
    `   0: 0100007F:07D3 0100007F:9C40 ${state} 00000000:00000000 00:00000000\n`;
  const tcp = (...states: string[]) => `  sl  local_address ...\n${states.map(row).join('')}`;
  const hostOf = (tcp: string, inUse = 3): Host =>
    hostWith({ 'proc/net/sockstat': `TCP: inuse ${inUse} tw 2\n`, 'proc/net/tcp': tcp });
  /** The counts above zero, such as `listen 2`. */
  const counts = (seen: string) =>
    [...seen.matchAll(/tcp\.connections\{state="(\w+)"\} (\d+)/g)]
      .filter(([, , n]) => n !== '0')
      .map(([, state, n]) => `${state} ${n}`);
  const collector = (tcpStates: object) => {
    const collect = collecting(sockets);
    return async (host: Host) => text(await collect(0, { host, options: { tcpStates } }));
  };

  test('are counted at every so many-th tick, and stand until the next', async () => {
    const collect = collector({ every: 2 });
    const seen = [];
    for (const state of ['01', '08', '0A', '06']) {
      seen.push(counts(await collect(hostOf(tcp(state, state)))));
    }
    expect(seen).toEqual([['established 2'], ['established 2'], ['listen 2'], ['listen 2']]);
  });

  test.each([
    [undefined, 6],
    [60, 6],
    [10, 6],
    [1, 60],
  ])('with %j s from tick to tick, are counted at every %ith', async (interval, every) => {
    const collect = collecting(sockets);
    let counted = 0;
    const host = refusing(hostOf(tcp('01')), (question) => {
      if (question === 'read proc/net/tcp') counted += 1;
      return undefined;
    });
    const given = interval === undefined ? { host } : { host, interval };
    for (let tick = 0; tick <= every; tick += 1) {
      expect(counts(text(await collect(tick, given)))).toEqual(['established 1']);
      expect(counted).toBe(tick === every ? 2 : 1);
    }
  });

  test('are counted again at the sixth tick where there were too many', async () => {
    const collect = collecting(sockets);
    const seen = [];
    for (let tick = 0; tick <= 12; tick += 1) {
      const host = hostOf(tcp('01'), tick === 8 ? 1000 : 3);
      seen.push(counts(text(await collect(tick, { host, interval: 1 }))).length);
    }
    expect(seen).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1]);
  });

  test('are absent while there are too many, until they are counted again', async () => {
    const collect = collector({ every: 2, atMost: 5 });
    expect(counts(await collect(hostOf(tcp('01'), 3)))).toEqual(['established 1']);
    expect(counts(await collect(hostOf(tcp('01'), 4)))).toEqual([]);
    expect(counts(await collect(hostOf(tcp('01'), 4)))).toEqual([]);
    expect(counts(await collect(hostOf(tcp('01'), 3)))).toEqual([]);
    expect(counts(await collect(hostOf(tcp('01'), 3)))).toEqual(['established 1']);
  });

  test('are never counted where they are not wanted', async () => {
    expect(counts(await collector({ every: 0 })(hostOf(tcp('01'))))).toEqual([]);
  });

  test('are not counted from a table that is cut short', async () => {
    const seen = await collector({})(hostOf(tcp('01', '01').slice(0, -9)));
    expect(counts(seen)).toEqual([]);
    expect(seen).toContain('! ParseError: /proc/net/tcp line 3 is no connection');
  });

  test('are those of both families', async () => {
    const end = `${'0'.repeat(32)}:07D3`;
    const host = hostWith({
      'proc/net/sockstat': 'TCP: inuse 1 tw 0\n',
      'proc/net/tcp': tcp('0A'),
      'proc/net/tcp6': `  sl ...\n   0: ${end} ${end} 0A 00000000:00000000\n`,
    });
    expect(counts(await collector({})(host))).toEqual(['listen 2']);
  });

  test('are not counted where one of the tables may not be read', async () => {
    const host = refusing(hostOf(tcp('0A')), (question) =>
      question === 'read proc/net/tcp6' ? new AccessDenied(question) : undefined,
    );
    const seen = await collector({})(host);
    expect(counts(seen)).toEqual([]);
    expect(seen).toContain('! AccessDenied');
  });
});

test('asks PID 1 of a foreign host, as /proc/net is that of whoever asks', async () => {
  const host = hostWith({
    'proc/net/sockstat': 'sockets: used 1\n',
    'proc/1/net/sockstat': 'sockets: used 2\nTCP: inuse x\n',
  });
  const seen = text(await collecting(sockets)(0, { host: { ...host, foreign: true } }));
  expect(seen).toContain('system.sockets.used{} 2 count gauge');
  expect(seen).toContain('! ParseError: /proc/1/net/sockstat line 2');
});
