import { chmodSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AccessDenied, Foreseen, NoData, ParseError, Unresponsive } from 'cullinan/plugin';
import { KEEPALIVE } from 'cullinan/wire/libvirt';
import { XdrWriter } from 'cullinan/wire/xdr';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import libvirt from '../../collectors/libvirt.ts';
import { text } from '../support/collector.ts';
import { guestsIn, valuesOf, Watch } from '../support/hypervisor.ts';
import {
  isFor,
  LibvirtPeer,
  type PeerGuest,
  parameters,
  recordedGuest,
  refuse,
} from '../support/libvirt-peer.ts';
import { parseDomstats } from '../support/libvirt-session.ts';

const PRINTED = readFileSync(new URL('../wire/libvirt/domstats-raw.txt', import.meta.url), 'utf8');

const uuidOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** A guest with what every guest has. */
const guest = (n: number, more: Partial<PeerGuest> & { time?: number } = {}): PeerGuest => ({
  name: `guest-${n}`,
  uuid: uuidOf(n),
  id: n,
  values: [
    ['state.state', 1],
    ['state.reason', 1],
    ['cpu.time', more.time ?? 5e9],
    ['balloon.maximum', 1_048_576],
    ['vcpu.current', 2],
    ['net.count', 1],
    ['net.0.name', `vnet${n}`],
    ['net.0.rx.bytes', 100],
    ['block.count', 1],
    ['block.0.name', 'vda'],
    ['block.0.path', `/images/${n}.img`],
    ['block.0.rd.bytes', 512],
  ],
  ...more,
});
const off = (n: number): PeerGuest =>
  guest(n, {
    id: -1,
    values: [
      ['state.state', 5],
      ['state.reason', 1],
    ],
  });

/** What Nova writes into the XML of an instance. */
const nova = (name: string, mac = '52:54:00:00:00:01'): string => `<domain type='kvm'>
  <!-- made by Nova --><metadata><nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
    <nova:name>${name}</nova:name><nova:flavor name="m1.small"><nova:vcpus>2</nova:vcpus></nova:flavor>
    <nova:owner><nova:user uuid="u-1">alice</nova:user><nova:project uuid="p-1">R&amp;D &#x2014; ünï</nova:project></nova:owner>
    <nova:root type="image" uuid="i-1"/></nova:instance>
    <app:facts xmlns:app="urn:app"><app:team name="storage"/></app:facts></metadata>
  <devices><interface type='bridge'><mac address='${mac}'/><target dev='vnet1'/></interface></devices></domain>`;

/** A peer with guests, and a collector that watches them. */
async function watching(guests: readonly PeerGuest[], options: object = {}) {
  const peer = await LibvirtPeer.listen(guests);
  const watch = new Watch({ socket: peer.path, ...options });
  return {
    peer,
    watch,
    [Symbol.asyncDispose]: async () => {
      await watch[Symbol.asyncDispose]();
      await peer[Symbol.asyncDispose]();
    },
  };
}

/** Without how long libvirt took to answer. */
const golden = (run: Parameters<typeof text>[0]): string =>
  text(run).replace(/^hypervisor\.collection\.time.*\n/m, '');

describe('what libvirt 9.0.0 said', () => {
  test.each([
    ['tiny', [recordedGuest()]],
    [
      'with-balloon',
      [...parseDomstats(PRINTED)].map(([name, printed]) => ({
        ...{ name, uuid: uuidOf(1), id: 2, values: parameters(printed) },
      })),
    ],
  ])('is observed as this: %s', async (name, guests) => {
    await using given = await watching(guests);
    const { peer, watch } = given;
    let observed = `# 0\n${golden(await watch.collect())}`;
    // Ten seconds later the guest has used five of its two vCPUs' time.
    peer.guests = guests.map((one) => ({
      ...one,
      values: one.values.map(([name, value]) => [
        name,
        name === 'cpu.time' ? Number(value) + 5e9 : value,
      ]),
    }));
    observed += `# 10\n${golden(await watch.collect(10))}`;
    await expect(observed).toMatchFileSnapshot(`../golden/collectors/libvirt/${name}.txt`);
  });
});

test('a hypervisor full of guests is known after some collections: two hundred are asked about in each', async () => {
  const guests = Array.from({ length: 401 }, (_, n) => guest(n, { xml: nova(`web-${n}`) }));
  await using given = await watching(guests, { identity: 'nova' });
  const { peer, watch } = given;
  const met: number[] = [];
  for (const at of [0, 10, 20, 30]) {
    peer.calls.length = 0;
    expect(guestsIn(await watch.collect(at))).toHaveLength(Math.min(401, 20 * at + 200));
    met.push(peer.calls.filter((name) => name === 'DOMAIN_GET_XML_DESC').length);
  }
  expect(met).toEqual([200, 200, 1, 0]);
});

describe('one connection', () => {
  test('stays, opened to read only, with one call for all guests that run and one for the others', async () => {
    await using given = await watching([guest(1), guest(2), off(3)]);
    const { peer, watch } = given;
    for (const at of [0, 10, 20]) {
      const run = await watch.collect(at);
      expect(run.errors).toEqual([]);
      expect(valuesOf(run, 'guest.state', 'guest')).toEqual({
        'guest-1': 1,
        'guest-2': 1,
        'guest-3': 5,
      });
    }
    expect(peer.connections).toBe(1);
    expect(peer.opened).toEqual(['qemu:///system 1']);
    const STATS = 'CONNECT_GET_ALL_DOMAIN_STATS';
    expect(peer.calls).toEqual([
      ...['AUTH_LIST', 'CONNECT_OPEN', 'NODE_GET_INFO'],
      ...Array.from({ length: 6 }, () => STATS),
    ]);
    // State, CPU, balloon, vCPUs, interfaces, disks of those that run, without waiting; state of the others.
    expect(peer.asked.slice(0, 2)).toEqual([
      { stats: 63, flags: 2 ** 29 + 1 },
      { stats: 1, flags: 2 },
    ]);
  });

  test('asks for what it is told to ask for', async () => {
    await using given = await watching([guest(1), off(2)], {
      ...{ uri: 'lxc:///', stats: ['cpu', 'perf', 'dirtyrate'], inactive: false },
    });
    const { peer, watch } = given;
    expect(guestsIn(await watch.collect())).toEqual(['guest-1']);
    expect(peer.asked).toEqual([{ stats: 1 + 2 + 64 + 512, flags: 2 ** 29 + 1 }]);
    expect(peer.opened).toEqual(['lxc:/// 1']);
  });

  test('is made anew when the daemon was restarted, also within a reply', async () => {
    await using given = await watching([guest(1)]);
    const { peer, watch } = given;
    for (let restart = 0; restart < 10; restart += 1) {
      expect(guestsIn(await watch.collect(20 * restart))).toEqual(['guest-1']);
      peer.intercept = (call, socket) => {
        if (!isFor.stats(call)) return false;
        // Half of an answer, and then nothing for ever.
        socket.write(peer.answer(call).subarray(0, 40));
        void peer.kill();
        return true;
      };
      const { thrown, observations } = await watch.collect(20 * restart + 10);
      expect(thrown).toBeInstanceOf(Foreseen);
      expect(String(thrown)).toContain(`${peer.path}: libvirt closed the connection`);
      expect(observations).toEqual([]);
      peer.intercept = undefined;
      await peer.listen();
    }
    expect(peer.connections).toBe(10);
  });

  test('that was restarted between two collections costs none', async () => {
    await using given = await watching([guest(1)]);
    const { peer, watch } = given;
    for (let at = 0; at < 100; at += 10) {
      expect(guestsIn(await watch.collect(at))).toEqual(['guest-1']);
      await peer.kill();
      await peer.listen();
    }
    expect(peer.connections).toBe(10);
  });

  test('answers a daemon that wants to know whether it is there', async () => {
    await using given = await watching([guest(1)]);
    const { peer, watch } = given;
    const ping = new XdrWriter().uint(28).uint(KEEPALIVE).uint(1).int(1).uint(2).uint(0).uint(0);
    peer.intercept = (call, socket) => {
      if (isFor.stats(call)) socket.write(ping.finish());
      return false;
    };
    expect(guestsIn(await watch.collect())).toEqual(['guest-1']);
    await watch.collect(10);
    expect(peer.calls).toContain('PONG');
  });

  test('is over at the deadline, and the next collection has a new one', async () => {
    await using given = await watching([guest(1)]);
    const { peer, watch } = given;
    peer.intercept = (call) => isFor.stats(call);
    const deadline = new AbortController();
    const run = watch.collect(0, deadline.signal);
    await expect.poll(() => peer.calls.at(-1)).toBe('CONNECT_GET_ALL_DOMAIN_STATS');
    deadline.abort(new Unresponsive('not done after 5 s'));
    const { thrown } = await run;
    expect(thrown).toBeInstanceOf(Unresponsive);
    expect(String(thrown)).toContain(`${peer.path}: no answer before the deadline`);
    peer.intercept = undefined;
    expect(guestsIn(await watch.collect(10))).toEqual(['guest-1']);
    expect(peer.connections).toBe(2);
  });
});

describe('whoever may not', () => {
  test('is told which group the socket belongs to', async () => {
    await using given = await watching([guest(1)]);
    const { peer, watch } = given;
    chmodSync(peer.path, 0o000);
    const { thrown } = await watch.collect();
    // To root nothing is forbidden.
    if (process.getuid?.() === 0) return expect(thrown).toBeUndefined();
    expect(thrown).toBeInstanceOf(AccessDenied);
    expect(String(thrown)).toContain('Only members of the group');
  });

  test('says who it is to polkit, where that is asked', async () => {
    await using given = await watching([guest(1)]);
    const { peer, watch } = given;
    peer.auth = [2];
    expect(guestsIn(await watch.collect())).toEqual(['guest-1']);
    expect(peer.calls.slice(0, 3)).toEqual(['AUTH_LIST', 'AUTH_POLKIT', 'CONNECT_OPEN']);
  });

  test('is told which rule to add', async () => {
    await using given = await watching([guest(1)]);
    const { peer, watch } = given;
    peer.auth = [2];
    peer.intercept = (call, socket) => {
      if (call.procedure !== 70) return false;
      const message =
        "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.monitor'";
      return socket.write(refuse(call, { code: 94, domain: 60, message })) || true;
    };
    const { thrown } = await watch.collect();
    expect(thrown).toBeInstanceOf(AccessDenied);
    expect(String(thrown)).toContain('/etc/polkit-1/rules.d/');
    expect(String(thrown)).toContain("action.id == 'org.libvirt.unix.monitor'");
  });

  test('is told that SASL is not spoken', async () => {
    await using given = await watching([guest(1)]);
    given.peer.auth = [1];
    expect(String((await given.watch.collect()).thrown)).toContain('it asks for SASL');
  });
});

test('no libvirt is no data', async () => {
  await using watch = new Watch({ socket: '/nonexistent/libvirt-sock-ro' });
  const { thrown } = await watch.collect();
  expect(thrown).toBeInstanceOf(NoData);
  expect(String(thrown)).toContain('/nonexistent/libvirt-sock-ro');
  await using usual = new Watch({ uri: 'bhyve:///system' });
  expect(String((await usual.collect()).thrown)).toContain(
    '/run/libvirt/virtbhyved-sock-ro and /run/libvirt/libvirt-sock-ro do not exist',
  );
});

describe("a user's own libvirt", () => {
  test.each(['virtqemud', 'libvirt'])('is found where %s listens', async (daemon) => {
    await using peer = await LibvirtPeer.listen([guest(1)], `libvirt/${daemon}-sock`);
    vi.stubEnv('XDG_RUNTIME_DIR', dirname(dirname(peer.path)));
    onTestFinished(() => void vi.unstubAllEnvs());
    await using watch = new Watch({ uri: 'qemu:///session' });
    expect(guestsIn(await watch.collect())).toEqual(['guest-1']);
    expect(peer.opened).toEqual(['qemu:///session 1']);
  });
});

describe('an answer that makes no sense ends the connection, and says what it was:', () => {
  const header = (words: readonly number[]): Buffer => {
    const writer = new XdrWriter();
    for (const word of words) writer.uint(word);
    return writer.finish();
  };
  const REMOTE = 0x2000_8086;

  test.each<[string, (serial: number) => readonly number[], string]>([
    ['of another program', (serial) => [28, 0x1234, 1, 344, 1, serial, 0], 'the program 0x1234'],
    ['of another version', (serial) => [28, REMOTE, 2, 344, 1, serial, 0], 'version 2, and 1'],
    ['to another call', (serial) => [28, REMOTE, 1, 344, 1, serial + 7, 0], 'which waits for none'],
    ['to another procedure', (serial) => [28, REMOTE, 1, 3, 1, serial, 0], 'the procedure 3'],
    ['that is no reply', (serial) => [28, REMOTE, 1, 344, 0, serial, 0], 'the type 0'],
    ['of no status', (serial) => [28, REMOTE, 1, 344, 1, serial, 9], 'the status 9'],
    ['of 100 MiB', () => [100 * 2 ** 20, REMOTE], 'a frame of 104857600 bytes, and libvirt allows'],
    ['of 3 bytes', () => [3], 'a frame of 3 bytes'],
    ['that ends too soon', (serial) => [32, REMOTE, 1, 344, 1, serial, 0, 5], '5 elements'],
  ])('a reply %s', async (_, words, said) => {
    await using given = await watching([guest(1)]);
    const { peer, watch } = given;
    peer.intercept = (call, socket) => {
      if (!isFor.stats(call)) return false;
      socket.write(header(words(call.serial)));
      return true;
    };
    const { thrown } = await watch.collect();
    expect(thrown).toBeInstanceOf(Foreseen);
    expect(String(thrown)).toContain(said);
    peer.intercept = undefined;
    expect(guestsIn(await watch.collect(10))).toEqual(['guest-1']);
    expect(peer.connections).toBe(2);
  });

  test('an error that ends too soon, also where no other call waits', async () => {
    await using given = await watching([guest(1)]);
    const { peer, watch } = given;
    peer.intercept = ({ procedure, serial }, socket) => {
      socket.write(header([36, REMOTE, 1, procedure, 1, serial, 1, 39, 7]));
      return true;
    };
    const { thrown } = await watch.collect();
    expect(thrown).toBeInstanceOf(Foreseen);
    expect(String(thrown)).toContain('it sent an error with byte 8');
    peer.intercept = undefined;
    expect(guestsIn(await watch.collect(10))).toEqual(['guest-1']);
  });

  test('a reply of which 100 MiB come all the same', async () => {
    await using given = await watching([guest(1)]);
    const { peer, watch } = given;
    peer.intercept = (call, socket) => {
      if (!isFor.stats(call)) return false;
      const flood = Buffer.alloc(2 ** 20);
      socket.write(header([2 ** 25 + 4, REMOTE, 1, 344, 1, call.serial, 0]));
      for (let i = 0; i < 100; i += 1) socket.write(flood);
      return true;
    };
    // A frame as large as frames may be, of nothing; and then more of it.
    const { thrown, observations } = await watch.collect();
    expect([
      thrown === undefined || thrown instanceof Foreseen,
      guestsIn({ observations, errors: [], thrown }),
    ]).toEqual([true, []]);
    peer.intercept = undefined;
    expect(guestsIn(await watch.collect(10))).toEqual(['guest-1']);
  });
});

describe('a guest costs only itself', () => {
  test('where it spoils the answer for all', async () => {
    const guests = Array.from({ length: 40 }, (_, n) => guest(n, { broken: n === 7 || n === 23 }));
    await using given = await watching(guests);
    const run = await given.watch.collect();
    expect(guestsIn(run)).toHaveLength(38);
    expect(run.errors.map(String)).toEqual([
      expect.stringContaining('cannot read it'),
      expect.stringContaining('cannot read it'),
    ]);
    expect(valuesOf(run, 'hypervisor.refused')).toEqual({ '': 2 });
    // Halving finds two among forty with less than a call for each.
    expect(given.peer.calls.length).toBeLessThan(30);
  });

  test('where all are spoilt, nothing is left', async () => {
    await using given = await watching([guest(1, { broken: true })]);
    expect(String((await given.watch.collect()).thrown)).toContain('cannot read it');
  });

  test('where it is gone between two calls', async () => {
    const guests = [guest(1, { xml: nova('web') }), guest(2, { xml: nova('db') })];
    await using given = await watching(guests, { identity: 'nova' });
    const { peer, watch } = given;
    peer.intercept = (call) => {
      if (isFor.xml(call)) peer.guests = guests.slice(0, 1);
      return false;
    };
    const run = await watch.collect();
    expect(guestsIn(run)).toEqual(['web']);
    expect(run.errors).toEqual([]);
  });

  test('where it is gone while one that spoils the answer is looked for', async () => {
    const guests = [guest(1, { broken: true }), guest(2), guest(3)];
    await using given = await watching(guests);
    const { peer, watch } = given;
    peer.intercept = (call, socket) => {
      if (peer.calls.at(-1) !== 'CONNECT_LIST_ALL_DOMAINS') return false;
      socket.write(peer.answer(call));
      peer.guests = guests.slice(0, 2);
      return true;
    };
    const run = await watch.collect();
    expect(guestsIn(run)).toEqual(['guest-2']);
    expect(run.errors.map(String)).toEqual([expect.stringContaining('cannot read it')]);
  });

  test('where its XML cannot be read', async () => {
    await using given = await watching(
      [guest(1, { xml: '<domain' }), guest(2, { xml: nova('db') })],
      {
        identity: 'nova',
      },
    );
    const run = await given.watch.collect();
    expect(guestsIn(run)).toEqual(['db']);
    expect(run.errors).toEqual([expect.any(ParseError)]);
    expect(String(run.errors[0])).toContain('the XML of the guest "guest-1": character 7');
    expect(valuesOf(run, 'hypervisor.refused')).toEqual({ '': 1 });
  });

  test('where values are not known', async () => {
    const values = [
      ['state.state', 1],
      ['cpu.time', -1],
      ['block.0.name', 'vda'],
      ['block.0.rd.bytes', -1],
      ['block.1.rd.bytes', 5],
    ] as const;
    await using given = await watching([guest(1, { values }), guest(2)]);
    const run = await given.watch.collect();
    expect(valuesOf(run, 'guest.cpu.time', 'guest')).toEqual({ 'guest-2': 5 });
    expect(valuesOf(run, 'guest.disk.io', 'guest')).toEqual({ 'guest-2': 512 });
  });
});

test('libvirt before 4.5 is waited for', async () => {
  await using given = await watching([guest(1)]);
  const { peer, watch } = given;
  peer.intercept = (call, socket) => {
    if (!isFor.stats(call) || call.payload.readUInt32BE(8) < 2 ** 29) return false;
    const message = 'unsupported flags (0x20000000) in function qemuConnectGetAllDomainStats';
    return socket.write(refuse(call, { code: 8, message })) || true;
  };
  expect(guestsIn(await watch.collect())).toEqual(['guest-1']);
  await watch.collect(10);
  expect(peer.asked.filter(({ flags }) => flags === 1)).toHaveLength(2);
});

describe('guests', () => {
  test('have any name that libvirt lets them have', async () => {
    const names = ['a.b c', `it's "quoted"`, 'naïve/ünï — 東京', '', 'a'.repeat(200), '__proto__'];
    await using given = await watching(names.map((name, n) => guest(n, { name })));
    const run = await given.watch.collect();
    expect(guestsIn(run)).toEqual(names);
    expect(valuesOf(run, 'guest.cpu.time', 'guest')['a.b c']).toBe(5);
  });

  test('are called by their UUIDs, and have labels', async () => {
    await using given = await watching([guest(1, { xml: nova('web-1') })], {
      identity: 'uuid',
      labels: [
        'domain',
        'instance',
        'project',
        'project_id',
        'user',
        'user_id',
        'flavor',
        'image_id',
        'flavor_id',
      ],
    });
    const { observations } = await given.watch.collect();
    expect(observations.find(({ metric }) => metric.name === 'guest.cpu.time')?.labels).toEqual({
      ...{ guest: uuidOf(1), domain: 'guest-1', instance: 'web-1', project: 'R&D — ünï' },
      ...{ project_id: 'p-1', user: 'alice', user_id: 'u-1', flavor: 'm1.small', image_id: 'i-1' },
      flavor_id: '',
    });
  });

  test('have labels from anywhere in their XML', async () => {
    const labels = {
      team: 'metadata/app:facts/app:team@name',
      kind: '@type',
      cpus: 'metadata/instance/flavor/vcpus',
      none: 'a/b',
    };
    await using given = await watching([guest(1, { xml: nova('web-1') })], { labels });
    const { observations } = await given.watch.collect();
    const io = observations.find(({ metric }) => metric.name === 'guest.network.io');
    expect(io?.labels).toMatchObject({ team: 'storage', kind: 'kvm', cpus: '2', none: '' });
    expect(io?.metric.labels).toEqual([
      'guest',
      'device',
      'direction',
      'team',
      'kind',
      'cpus',
      'none',
    ]);
    // They are declared: what the agent is told of nobody may observe otherwise.
    const declared = libvirt.moreMetrics?.(libvirt.options.parse({ labels })) ?? [];
    expect(declared).toContain(io?.metric);
  });

  test('are chosen, and counted all the same', async () => {
    await using given = await watching([guest(1), guest(2), off(3)], {
      guests: { exclude: ['*-2'] },
    });
    const run = await given.watch.collect();
    expect(guestsIn(run)).toEqual(['guest-1', 'guest-3']);
    expect(valuesOf(run, 'hypervisor.guests', 'state')).toMatchObject({ running: 2, shutoff: 1 });
    expect(valuesOf(run, 'hypervisor.vcpus', 'which')).toEqual({ allocated: 4, physical: 8 });
    expect(valuesOf(run, 'hypervisor.vcpus.overcommit')).toEqual({ '': 0.5 });
    expect(valuesOf(run, 'hypervisor.memory', 'which')).toEqual({
      allocated: 2 ** 31,
      physical: 2 ** 34,
    });
    expect(valuesOf(run, 'hypervisor.memory.overcommit')).toEqual({ '': 0.125 });
  });

  test('that are called alike are told apart, and who was first keeps the name', async () => {
    const first = guest(1, { xml: nova('web') });
    const second = guest(2, { xml: nova('web') });
    await using given = await watching([first], { identity: 'nova' });
    const { peer, watch } = given;
    expect(guestsIn(await watch.collect())).toEqual(['web']);
    peer.guests = [second, first];
    expect(guestsIn(await watch.collect(10))).toEqual([`web-${uuidOf(2)}`, 'web']);
    peer.guests = [second];
    await watch.collect(20);
    peer.guests = [second, guest(3, { xml: nova('web') })];
    expect(guestsIn(await watch.collect(30))).toEqual([`web-${uuidOf(2)}`, 'web']);
  });

  test('are asked for their XML once, and again when they were restarted', async () => {
    await using given = await watching([guest(1, { xml: nova('web') })], { identity: 'nova' });
    const { peer, watch } = given;
    const asked = () => peer.calls.filter((name) => name === 'DOMAIN_GET_XML_DESC').length;
    await watch.collect();
    await watch.collect(10);
    expect(asked()).toBe(1);
    peer.guests = [guest(1, { id: 9, xml: nova('renamed') })];
    expect(guestsIn(await watch.collect(20))).toEqual(['renamed']);
    expect(asked()).toBe(2);
  });

  test('that are many are known after a few collections', async () => {
    const guests = Array.from({ length: 500 }, (_, n) => guest(n, { xml: nova(`web-${n}`) }));
    await using given = await watching(guests, { identity: 'nova' });
    const counts = [];
    for (const at of [0, 10, 20]) counts.push(guestsIn(await given.watch.collect(at)).length);
    expect(counts).toEqual([200, 400, 500]);
  });

  test('that were restarted count from nothing', async () => {
    await using given = await watching([guest(1, { time: 5e9 })]);
    const { peer, watch } = given;
    const utilization = async (at: number) =>
      valuesOf(await watch.collect(at), 'guest.cpu.utilization', 'guest');
    expect(await utilization(0)).toEqual({});
    peer.guests = [guest(1, { time: 15e9 })];
    expect(await utilization(10)).toEqual({ 'guest-1': 0.5 });
    peer.guests = [guest(1, { id: 2, time: 1e9 })];
    expect(await utilization(20)).toEqual({});
    peer.guests = [guest(1, { id: 2, time: 3e9 })];
    expect(await utilization(30)).toEqual({ 'guest-1': 0.1 });
    peer.guests = [guest(1, { id: 3, time: 4e9 })];
    expect(await utilization(40)).toEqual({});
  });

  test('have memory in use: what is neither usable nor, where that is not known, unused', async () => {
    const memory = (n: number, usable?: number) =>
      guest(n, {
        values: [
          ['state.state', 1],
          ['balloon.available', 100],
          ['balloon.unused', 30],
          ...(usable ? [['balloon.usable', usable] as const] : []),
        ],
      });
    await using given = await watching([memory(1), memory(2, 60)]);
    expect(valuesOf(await given.watch.collect(), 'guest.memory.usage', 'guest')).toEqual({
      'guest-1': 70 * 1024,
      'guest-2': 40 * 1024,
    });
  });
});

describe('devices', () => {
  const two = (more: readonly (readonly [string, string | number])[] = []): PeerGuest =>
    guest(1, {
      xml: nova('web'),
      values: [
        ['state.state', 1],
        ...([
          ['block.0.name', 'vda'],
          ['block.0.path', '/images/a.qcow2'],
          ['block.0.rd.bytes', 10],
        ] as const),
        ...([
          ['block.1.name', 'hdc'],
          ['block.1.rd.bytes', 5],
        ] as const),
        ...([
          ['net.0.name', 'vnet1'],
          ['net.0.rx.bytes', 7],
        ] as const),
        ...more,
      ],
    });

  test('are chosen, and the totals are of those that are', async () => {
    await using given = await watching([two()], {
      disks: { exclude: ['hd*'] },
      interfaces: { include: ['tap*'] },
    });
    const run = await given.watch.collect();
    expect(valuesOf(run, 'guest.disk.io', 'device')).toEqual({ vda: 10 });
    expect(valuesOf(run, 'guest.disks.io', 'direction')).toEqual({ read: 10 });
    expect(valuesOf(run, 'guest.network.io', 'device')).toEqual({});
    await using none = await watching([two()], { totals: false });
    expect(valuesOf(await none.watch.collect(), 'guest.disks.io', 'direction')).toEqual({});
    await using all = await watching([two()]);
    expect(valuesOf(await all.watch.collect(), 'guest.disks.io', 'direction')).toEqual({
      read: 15,
    });
  });

  test('come and go while the guest runs', async () => {
    await using given = await watching([two()]);
    const { peer, watch } = given;
    await watch.collect();
    peer.guests = [
      two([
        ['net.1.name', 'vnet2'],
        ['net.1.rx.bytes', 3],
      ]),
    ];
    const more = await watch.collect(10);
    expect(valuesOf(more, 'guest.network.io', 'device')).toEqual({ vnet1: 7, vnet2: 3 });
    expect(valuesOf(more, 'guest.networks.io', 'direction')).toEqual({ receive: 10 });
    peer.guests = [
      two([
        ['net.1.name', 'vnet3'],
        ['net.1.rx.bytes', 1],
      ]),
    ];
    expect(valuesOf(await watch.collect(20), 'guest.network.io', 'device')).toEqual({
      vnet1: 7,
      vnet3: 1,
    });
    peer.guests = [two()];
    expect(valuesOf(await watch.collect(30), 'guest.network.io', 'device')).toEqual({ vnet1: 7 });
  });

  test('are called by what is behind them, or by their addresses', async () => {
    await using given = await watching([two()], { diskName: 'source', interfaceName: 'address' });
    const { peer, watch } = given;
    const run = await watch.collect();
    expect(valuesOf(run, 'guest.disk.io', 'device')).toEqual({ '/images/a.qcow2': 10, hdc: 5 });
    expect(valuesOf(run, 'guest.network.io', 'device')).toEqual({ '52:54:00:00:00:01': 7 });
    // An interface that was attached is looked up.
    const xml = nova('web').replace(
      '</devices>',
      "<interface type='bridge'><mac address='52:54:00:00:00:02'/><target dev='vnet2'/></interface></devices>",
    );
    peer.guests = [
      {
        ...two([
          ['net.1.name', 'vnet2'],
          ['net.1.rx.bytes', 3],
        ]),
        xml,
      },
    ];
    expect(Object.keys(valuesOf(await watch.collect(10), 'guest.network.io', 'device'))).toEqual([
      '52:54:00:00:00:01',
      '52:54:00:00:00:02',
    ]);
  });

  test('are called by their numbers, if need be', async () => {
    await using given = await watching(
      [
        two([
          ['net.1.name', 'vnet7'],
          ['net.1.rx.bytes', 3],
        ]),
      ],
      { interfaceName: 'number', interfaces: { exclude: ['interface-1'] } },
    );
    const run = await given.watch.collect();
    expect(valuesOf(run, 'guest.network.io', 'device')).toEqual({ 'interface-2': 3 });
  });

  test('that are listed twice are observed once', async () => {
    await using given = await watching([
      two([
        ['net.1.name', 'vnet1'],
        ['net.1.rx.bytes', 3],
      ]),
    ]);
    expect(valuesOf(await given.watch.collect(), 'guest.network.io', 'device')).toEqual({
      vnet1: 7,
    });
  });
});

test('events of the processor and the dirty rate are told where they are asked for', async () => {
  const values = [
    ['state.state', 1],
    ['perf.cpu_cycles', 12],
    ['perf.cmt', 3],
    ['dirtyrate.calc_status', 2],
    ['dirtyrate.megabytes_per_second', 4],
  ] as const;
  await using given = await watching([guest(1, { values })], { stats: ['perf', 'dirtyrate'] });
  const run = await given.watch.collect();
  expect(valuesOf(run, 'guest.perf', 'event')).toEqual({ cpu_cycles: 12 });
  expect(valuesOf(run, 'guest.dirty_rate', 'guest')).toEqual({ 'guest-1': 4 * 2 ** 20 });
});

describe('a configuration is refused', () => {
  test.each([
    [{ uri: 'qemu' }, 'a URI as virsh takes it'],
    [{ uri: 'qemu+ssh://host/system' }, 'ssh is not spoken'],
    [{ uri: 'qemu+unix://host/system' }, 'no host with the transport unix'],
    [{ uri: 'qemu+tcp:///system' }, 'must have a host with tcp'],
    [{ uri: 'qemu:///system?socket=/run/x' }, 'nothing behind the path'],
    [{ uri: 'qemu://ho st/system' }, 'name a host'],
    [{ labels: { 'a b': 'uuid' } }, ''],
    [{ labels: ['nonsense'] }, ''],
  ])('%j', (given, said) => {
    const { success, error } = libvirt.options.safeParse(given);
    expect(success).toBe(false);
    expect(JSON.stringify(error?.issues)).toContain(said);
  });

  test.each([
    ['qemu:///session', { transport: 'unix', session: true, opened: 'qemu:///session' }],
    ['qemu://kvm1/system', { transport: 'tls', server: { host: 'kvm1', port: 16_514 } }],
    [
      'xen+tcp://[::1]:99/system',
      { transport: 'tcp', server: { host: '::1', port: 99 }, opened: 'xen:///system' },
    ],
    ['test:///default', { driver: 'test', opened: 'test:///default' }],
  ])('and %s is none of these', (uri, expected) => {
    expect(libvirt.options.parse({ uri }).uri).toMatchObject(expected);
  });
});
