import { AccessDenied, type Host, NoData, ParseError } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import network, { parse, parseLink } from '../../collectors/network.ts';
import { collecting, describeCollector, line, type Run, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';
import { oddLines } from '../support/odd-lines.ts';

describeCollector(network);

const HEADER = 'Inter-|   Receive  |  Transmit\n face |bytes packets\n';
const COUNTERS = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16';
const dev = (...names: string[]) =>
  HEADER + names.map((name) => `${name.padStart(6)}: ${COUNTERS}\n`).join('');
const devicesIn = ({ observations }: Run) => [
  ...new Set(observations.map(({ labels }) => labels['device'])),
];

/** A host with these interfaces and these files in /sys/class/net; `asked` is what is read there. */
function hostOf(interfaces: readonly string[], facts: Readonly<Record<string, string>> = {}) {
  const asked: string[] = [];
  const host: Host = {
    ...hostWith({}),
    proc: { ...hostWith({}).proc, read: () => dev(...interfaces) },
    sys: {
      ...hostWith({}).sys,
      read(path) {
        const file = path.slice('class/net/'.length);
        asked.push(file);
        const fact = facts[file];
        if (fact === undefined) throw new NoData(path);
        return `${fact}\n`;
      },
    },
  };
  return { host, asked };
}

test('the columns are those of the kernel, receive before transmit', async () => {
  const run = await collecting(network)(0, hostOf(['eth0']));
  expect(run.observations.map(line)).toEqual([
    'system.network.io{device="eth0",direction="receive"} 1 bytes counter',
    'system.network.io{device="eth0",direction="transmit"} 9 bytes counter',
    'system.network.packets{device="eth0",direction="receive"} 2 count counter',
    'system.network.packets{device="eth0",direction="transmit"} 10 count counter',
    'system.network.errors{device="eth0",direction="receive"} 3 count counter',
    'system.network.errors{device="eth0",direction="transmit"} 11 count counter',
    'system.network.dropped{device="eth0",direction="receive"} 4 count counter',
    'system.network.dropped{device="eth0",direction="transmit"} 12 count counter',
    'system.network.fifo{device="eth0",direction="receive"} 5 count counter',
    'system.network.fifo{device="eth0",direction="transmit"} 13 count counter',
    'system.network.compressed{device="eth0",direction="receive"} 7 count counter',
    'system.network.compressed{device="eth0",direction="transmit"} 16 count counter',
    'system.network.frame{device="eth0"} 6 count counter',
    'system.network.multicast{device="eth0"} 8 count counter',
    'system.network.collisions{device="eth0"} 14 count counter',
    'system.network.carrier{device="eth0"} 15 count counter',
  ]);
});

describe('a name', () => {
  test.each([
    ['eth0:1', 'of an alias keeps its colon', 'eth0:1'],
    ['eth0.100', 'may hold dots', 'eth0.100'],
    ['a "b" c\'', 'may hold blanks and quotes', 'a "b" c\''],
    ['caf\xc3\xa0', 'is read as UTF-8, half a letter being no blank', 'cafà'],
    ['eth\xff', 'that is no UTF-8 keeps every byte', 'eth\\xff'],
  ])('%j %s', (raw, _, name) => {
    expect(parse(dev(raw))).toMatchObject([{ raw, name }]);
  });

  test('may be followed by its first counter at once', () => {
    const [nic] = parse(`${HEADER}  eth0:${COUNTERS}\n`);
    expect(nic).toMatchObject({ name: 'eth0', counters: { rxBytes: 1 } });
  });
});

test.each([
  ['a line cut short', 'eth1: 1 2 3', 'column 4 of 16 (rxDropped) is missing'],
  ['a word among numbers', 'eth1: 1 2 3x', 'column 3 of 16 (rxErrors) is "3x", not a whole number'],
  ['a line without a name', '1 2 3', 'no interface name and colon in "1 2 3"'],
  ['a path for a name', '../eth1: 1', 'no interface name and colon in "../eth1: 1"'],
])('%s costs one interface, and says where', (_, bad, message) => {
  const [eth0, error, eth2] = parse(`${dev('eth0')}${bad}\n eth2: ${COUNTERS}\n`);
  expect([eth0, eth2]).toMatchObject([{ name: 'eth0' }, { name: 'eth2' }]);
  expect(error).toBeInstanceOf(ParseError);
  expect((error as ParseError).message).toBe(`/proc/net/dev line 4: ${message}`);
});

describe('what is reported', () => {
  test('by default: what stays, and nothing that comes and goes', async () => {
    const stay = [
      'eth0',
      'enp3s0f1',
      'bond0',
      'bond0.100',
      'br0',
      'br-int',
      'wlan0',
      'ib0',
      'tun0',
      'wg0',
    ];
    const go = [
      'lo',
      'veth12ab',
      'docker0',
      'br-0123456789ab',
      'virbr0',
      'vnet3',
      'tap0',
      'cali1',
      'eni0123456789a',
    ];
    const idle = ['sit0', 'tunl0', 'ip6tnl0', 'dummy0', 'ifb1'];
    const run = await collecting(network)(0, hostOf([...stay, ...go, ...idle]));
    expect(devicesIn(run)).toEqual(stay);
  });

  test('is what was chosen', async () => {
    const options = { interfaces: { include: ['lo', 're:^eth\\d$'], exclude: ['eth1'] } };
    const run = await collecting(network)(0, {
      ...hostOf(['lo', 'eth0', 'eth1', 'eth10']),
      options,
    });
    expect(devicesIn(run)).toEqual(['lo', 'eth0']);
  });

  test('is each interface once, even if the kernel lists it twice', async () => {
    const run = await collecting(network)(0, hostOf(['eth0', 'eth1', 'eth0']));
    expect(run.observations.map(line)).toHaveLength(32);
  });

  test('has the numbers of its first line, whatever is wrong with the second', async () => {
    const collect = collecting(network);
    const host = (text: string) => ({ host: hostWith({ 'proc/net/dev': text }) });
    const once = dev('eth0');
    const whole = (await collect(0, host(once))).observations.map(line);
    const twice = await collect(10, host(`${once}  eth0: 77 78 79 x\n`));
    expect(twice.observations.map(line)).toEqual(whole);
    expect(twice.errors).toHaveLength(1);
  });

  test('on a foreign host is what PID 1 sees', async () => {
    const own = hostWith({ 'proc/net/dev': dev('mine'), 'proc/1/net/dev': dev('eth0') });
    expect(devicesIn(await collecting(network)(0, { host: own }))).toEqual(['mine']);
    const host = { ...own, foreign: true };
    expect(devicesIn(await collecting(network)(0, { host }))).toEqual(['eth0']);
  });
});

describe('a link', () => {
  test.each([
    ['up', 1],
    ['unknown', 1],
    ['down', 0],
    ['lowerlayerdown', 0],
    ['dormant', 0],
    ['testing', 0],
    ['notpresent', 0],
    ['sideways', undefined],
    [undefined, undefined],
  ])('in state %s is up: %s', (operstate, up) => {
    expect(parseLink(operstate).up).toBe(up);
  });

  test.each([
    ['1000', 125e6],
    ['100000', 12.5e9],
    ['-1', undefined],
    ['4294967295', undefined],
    ['65535', undefined],
    ['0', undefined],
    ['fast', undefined],
    ['', undefined],
  ])('of %s Mbit/s carries %s bytes per second', (speed, expected) => {
    expect(parseLink('up', speed).speed).toBe(expected);
  });

  test.each([
    ['full', 1],
    ['half', 0],
    ['unknown', undefined],
  ])('with duplex %s is full duplex: %s', (duplex, expected) => {
    expect(parseLink('up', '10', duplex).fullDuplex).toBe(expected);
  });

  test('has its facts read anew at each tick, and keeps its counters without them', async () => {
    const collect = collecting(network);
    const facts = { 'eth0/operstate': 'up', 'eth0/speed': '1000', 'eth0/duplex': 'full' };
    expect(text(await collect(0, hostOf(['eth0'], facts)))).toContain('up{device="eth0"} 1 ');
    const down = text(await collect(10, hostOf(['eth0'], { 'eth0/operstate': 'down' })));
    expect(down).toContain('up{device="eth0"} 0 ');
    expect(down).not.toMatch(/speed|duplex/);
    const gone = text(await collect(20, hostOf(['eth0'])));
    expect(gone).toContain('system.network.io{device="eth0"');
    expect(gone).not.toMatch(/network\.up/);
  });

  test('whose facts may not be read says so, and keeps its counters', async () => {
    const { host } = hostOf(['eth0', 'eth1']);
    const read = (path: string) => {
      if (path.includes('eth0')) throw new AccessDenied(path);
      return 'up\n';
    };
    const run = await collecting(network)(0, { host: { ...host, sys: { ...host.sys, read } } });
    expect(run.errors).toMatchObject([{ name: 'AccessDenied' }]);
    expect(devicesIn(run)).toEqual(['eth0', 'eth1']);
    expect(text(run)).toContain('up{device="eth1"} 1 ');
  });
});

describe('10,000 interfaces', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => `eth${i}`);

  test('are all observed, with the facts of 32 at a time', async () => {
    const collect = collecting(network);
    const { host, asked } = hostOf(
      many,
      Object.fromEntries(many.map((name) => [`${name}/operstate`, 'up'])),
    );
    const ups = (run: Run) =>
      run.observations.filter(({ metric }) => metric.name === 'system.network.up');
    const first = await collect(0, { host });
    expect(first.observations).toHaveLength(160_000 + 32);
    expect(asked).toHaveLength(3 * 32);
    expect(ups(await collect(10, { host }))).toHaveLength(64);
    expect(asked).toHaveLength(3 * 64);
  });

  test('of which none is chosen cost no reading', async () => {
    const { host, asked } = hostOf(many.map((name) => name.replace('eth', 'veth')));
    expect((await collecting(network)(0, { host })).observations).toEqual([]);
    expect(asked).toEqual([]);
  });
});

test('the longest unread facts come first, and new interfaces before them', async () => {
  const collect = collecting(network);
  const names = Array.from({ length: 40 }, (_, i) => `eth${i}`);
  const read = async (seconds: number, interfaces: readonly string[]) => {
    const { host, asked } = hostOf(interfaces);
    await collect(seconds, { host });
    return asked.filter((file) => file.endsWith('/operstate')).map((file) => file.split('/')[0]);
  };
  expect(await read(0, names)).toEqual(names.slice(0, 32));
  expect(await read(10, names)).toEqual([...names.slice(32), ...names.slice(0, 24)]);
  expect(await read(20, [...names, 'new0'])).toEqual([
    'new0',
    ...names.slice(24, 32),
    ...names.slice(0, 23),
  ]);
});

test('an interface that vanished is forgotten, and new when it returns', async () => {
  const collect = collecting(network);
  const up = { 'eth0/operstate': 'up' };
  await collect(0, hostOf(['eth0'], up));
  expect(devicesIn(await collect(10, hostOf(['eth1'])))).toEqual(['eth1']);
  expect(text(await collect(20, hostOf(['eth0'])))).not.toContain('network.up');
});

test('whatever the file holds, each line is an interface, nothing, or an error that says where', () => {
  const table = oddLines('  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16', 'lo:1 2 3');
  let seen = 0;
  fc.assert(
    fc.property(table, (text) => {
      for (const nic of parse(HEADER + text)) {
        if (nic instanceof Error) expect(nic.message).toMatch(/^\/proc\/net\/dev line \d+: /);
        else {
          expect(nic.name).not.toBe('');
          seen += 1;
        }
      }
    }),
  );
  expect(seen).toBeGreaterThan(50);
});
