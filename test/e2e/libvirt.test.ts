import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../support/carbon.ts';
import type { Run } from '../support/collector.ts';
import { guestsIn, valuesOf, Watch } from '../support/hypervisor.ts';
import { Libvirtd } from '../support/libvirt.ts';
import { describeWithPeer } from '../support/peers.ts';
import { Certificates } from '../support/tls.ts';

const ONE = { name: 'one', uuid: '11111111-1111-4111-8111-111111111111' };
const TWO = {
  name: 'zwei.drei "vier" — fünf',
  uuid: '22222222-2222-4222-8222-222222222222',
  metadata:
    '<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1"><nova:name>web</nova:name>' +
    '<nova:flavor name="m1.tiny"/><nova:owner><nova:user uuid="u-1">alice</nova:user>' +
    '<nova:project uuid="p-1">R&amp;D</nova:project></nova:owner></nova:instance>',
};

/** What libvirt's names are to be observed as: metric, labels besides the guest, and the unit. */
const OBSERVED: readonly (readonly [field: RegExp, metric: string, labels: string, per: number])[] =
  [
    [/^state\.state$/, 'guest.state', '', 1],
    [/^state\.reason$/, 'guest.state.reason', '', 1],
    [/^cpu\.time$/, 'guest.cpu.time', '', 1e9],
    [/^cpu\.(user|system)$/, 'guest.cpu.mode.time', '$1', 1e9],
    [/^cpu\.haltpoll\.(success|fail)\.time$/, 'guest.cpu.haltpoll.time', '$1', 1e9],
    [/^balloon\.maximum$/, 'guest.memory.limit', '', 1 / 1024],
    [/^balloon\.(current|rss)$/, 'guest.memory.$1', '', 1 / 1024],
    [/^vcpu\.(current|maximum)$/, 'guest.vcpu.count', '$1', 1],
    [/^vcpu\.(\d)\.state$/, 'guest.vcpu.state', '$1', 1],
    [/^vcpu\.(\d)\.time$/, 'guest.vcpu.time', '$1', 1e9],
    [/^vcpu\.(\d)\.(wait|delay)$/, 'guest.vcpu.$2.time', '$1', 1e9],
    [/^net\.0\.rx\.bytes$/, 'guest.network.io', 'NIC receive', 1],
    [/^net\.0\.tx\.bytes$/, 'guest.network.io', 'NIC transmit', 1],
    [/^net\.0\.rx\.pkts$/, 'guest.network.packets', 'NIC receive', 1],
    [/^net\.0\.tx\.pkts$/, 'guest.network.packets', 'NIC transmit', 1],
    [/^net\.0\.rx\.errs$/, 'guest.network.errors', 'NIC receive', 1],
    [/^net\.0\.tx\.errs$/, 'guest.network.errors', 'NIC transmit', 1],
    [/^net\.0\.rx\.drop$/, 'guest.network.dropped', 'NIC receive', 1],
    [/^net\.0\.tx\.drop$/, 'guest.network.dropped', 'NIC transmit', 1],
    [/^block\.0\.rd\.bytes$/, 'guest.disk.io', 'vda read', 1],
    [/^block\.0\.wr\.bytes$/, 'guest.disk.io', 'vda write', 1],
    [/^block\.0\.rd\.reqs$/, 'guest.disk.operations', 'vda read', 1],
    [/^block\.0\.wr\.reqs$/, 'guest.disk.operations', 'vda write', 1],
    [/^block\.0\.fl\.reqs$/, 'guest.disk.operations', 'vda flush', 1],
    [/^block\.0\.rd\.times$/, 'guest.disk.operation_time', 'vda read', 1e9],
    [/^block\.0\.wr\.times$/, 'guest.disk.operation_time', 'vda write', 1e9],
    [/^block\.0\.fl\.times$/, 'guest.disk.operation_time', 'vda flush', 1e9],
    [/^block\.0\.(capacity|allocation|physical)$/, 'guest.disk.$1', 'vda', 1],
  ];
/** What is not observed: lengths of lists, texts, and what nobody asked for. */
const LEFT_OUT =
  /^(net\.count|block\.count|balloon\.last-update|cpu\.cache\.monitor\.count|.*\.(name|path|backingIndex)|dirtyrate\..*)$/;

/** A guest's observations by metric and labels besides the guest. */
const told = (run: Run, guest: string): ReadonlyMap<string, number> =>
  new Map(
    run.observations
      .filter(({ labels }) => labels['guest'] === guest)
      .map(({ metric, labels, value }) => {
        const rest = metric.labels.filter((label) => label !== 'guest');
        return [[metric.name, ...rest.map((label) => labels[label])].join(' '), value];
      }),
  );

/** Compares each of virsh's values, before and after, with ours between them. */
function expectBetween(
  ours: ReadonlyMap<string, number>,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): void {
  for (const [field, text] of Object.entries(before)) {
    if (LEFT_OUT.test(field)) continue;
    const [pattern, metric = '', labels = '', per = 1] =
      OBSERVED.find(([pattern]) => pattern.test(field)) ?? [];
    if (pattern === undefined) throw new Error(`${field} is expected nowhere`);
    const spelled = `${metric} ${labels.replace('NIC', before['net.0.name'] ?? '')}`.trim();
    const value = ours.get(field.replace(pattern, spelled));
    expect(value, field).toBeGreaterThanOrEqual(Number(text) / per);
    expect(value, field).toBeLessThanOrEqual(Number(after[field]) / per);
  }
}

describeWithPeer('libvirt', 'a real libvirtd with guests', () => {
  let libvirtd: Libvirtd;
  let watch: Watch;
  beforeAll(async () => {
    libvirtd = await Libvirtd.start();
    watch = new Watch({ socket: libvirtd.readOnly });
  });
  afterAll(async () => {
    await watch?.[Symbol.asyncDispose]();
    await libvirtd?.[Symbol.asyncDispose]();
  });

  test('without guests has a hypervisor', async () => {
    const run = await watch.collect();
    expect(run.thrown).toBeUndefined();
    expect(run.errors).toEqual([]);
    expect(guestsIn(run)).toEqual([]);
    const node = await libvirtd.virsh('nodeinfo');
    const memory = Number(/Memory size: +(\d+) KiB/.exec(node)?.[1]) * 1024;
    const cpus = Number(/CPU\(s\): +(\d+)/.exec(node)?.[1]);
    expect(valuesOf(run, 'hypervisor.memory', 'which')).toEqual({
      allocated: 0,
      physical: memory,
    });
    expect(valuesOf(run, 'hypervisor.vcpus', 'which')).toEqual({ allocated: 0, physical: cpus });
  });

  test('tells of guests exactly what virsh says, at the same moment', async () => {
    for (const guest of [ONE, TWO]) await libvirtd.define(guest);
    await libvirtd.virsh('start', ONE.name);
    await libvirtd.virsh('start', TWO.name);
    const before = await libvirtd.domstats();
    const run = await watch.collect(10);
    const after = await libvirtd.domstats();
    expect(guestsIn(run)).toEqual([...before.keys()]);
    for (const [name, values] of before) {
      expect(Object.keys(values).length).toBeGreaterThan(50);
      expectBetween(told(run, name), values, after.get(name) ?? {});
    }
    expect(valuesOf(run, 'hypervisor.guests', 'state')).toMatchObject({ running: 2, shutoff: 0 });
  });

  test('knows what Nova wrote of them', async () => {
    await using nova = new Watch({
      ...{ socket: libvirtd.readOnly, identity: 'nova' },
      labels: ['uuid', 'project', 'user_id', 'flavor'],
    });
    const { observations } = await nova.collect();
    const [labels] = observations
      .map(({ labels }) => labels)
      .filter(({ guest }) => guest === 'web');
    expect(labels).toMatchObject({
      ...{ uuid: TWO.uuid, project: 'R&D', user_id: 'u-1', flavor: 'm1.tiny' },
    });
    // Who has no such metadata is called by the name in libvirt.
    expect(observations.map(({ labels }) => labels['guest'])).toContain(ONE.name);
  });

  test('a disk and an interface are attached while it runs', async () => {
    const more = await libvirtd.image('more.img');
    const devices = async (at: number) => {
      const run = await watch.collect(at);
      const ours = (name: string) =>
        Object.keys(valuesOf(run, name, 'guest', 'device'))
          .filter((key) => key.startsWith(`${ONE.name} `))
          .map((key) => key.slice(ONE.name.length + 1));
      return [ours('guest.disk.capacity'), ours('guest.network.io').length];
    };
    expect(await devices(20)).toEqual([['vda'], 1]);
    await libvirtd.virsh('attach-disk', ONE.name, more, 'vdb', '--live');
    await libvirtd.virsh(
      'attach-interface',
      ONE.name,
      'bridge',
      'pbr0',
      '--live',
      '--model',
      'virtio',
    );
    expect(await devices(30)).toEqual([['vda', 'vdb'], 2]);
    const [, nic] = (await libvirtd.virsh('domiflist', ONE.name)).match(/52:54[\d:a-f]+/g) ?? [];
    await using addressed = new Watch({ socket: libvirtd.readOnly, interfaceName: 'address' });
    const io = valuesOf(await addressed.collect(), 'guest.network.io', 'device', 'direction');
    expect(Object.keys(io)).toContain(`${nic} receive`);
  });

  test('is stopped, started and made anew', async () => {
    const state = async (at: number) => {
      const run = await watch.collect(at);
      return [
        valuesOf(run, 'guest.state', 'guest')[ONE.name],
        valuesOf(run, 'guest.cpu.time', 'guest')[ONE.name] !== undefined,
        run.errors,
      ];
    };
    await libvirtd.virsh('suspend', ONE.name);
    expect(await state(40)).toEqual([3, true, []]);
    await libvirtd.virsh('destroy', ONE.name);
    expect(await state(50)).toEqual([5, false, []]);
    await libvirtd.virsh('start', ONE.name);
    expect(await state(60)).toEqual([1, true, []]);
    await libvirtd.virsh('destroy', ONE.name);
    await libvirtd.virsh('undefine', ONE.name);
    expect(await state(70)).toEqual([undefined, false, []]);
    await libvirtd.define(ONE);
    await libvirtd.virsh('start', ONE.name);
    expect(await state(80)).toEqual([1, true, []]);
  });

  test('is killed and started ten times, and guests run on', async () => {
    for (let time = 0; time < 10; time += 1) {
      expect(guestsIn(await watch.collect(100 + 20 * time)).toSorted()).toEqual([
        ONE.name,
        TWO.name,
      ]);
      await libvirtd.kill();
      const { thrown } = await watch.collect(110 + 20 * time);
      // It left its socket behind.
      expect(String(thrown)).toContain('nobody listens there any more');
      await libvirtd.start();
    }
    expect(guestsIn(await watch.collect(310)).toSorted()).toEqual([ONE.name, TWO.name]);
  });

  test('hangs, which is over at the deadline', async () => {
    await watch.collect(320);
    libvirtd.signal('SIGSTOP');
    const { thrown } = await watch.collect(330, AbortSignal.timeout(300));
    expect(String(thrown)).toContain('no answer before the deadline');
    libvirtd.signal('SIGCONT');
    expect(guestsIn(await watch.collect(340)).toSorted()).toEqual([ONE.name, TWO.name]);
  });

  test('waits for a guest that hangs at one tick, and never again', async () => {
    await watch.collect(350);
    await libvirtd.signalGuest(ONE.name, 'SIGSTOP');
    const { thrown } = await watch.collect(360, AbortSignal.timeout(500));
    expect(String(thrown)).toContain('no answer before the deadline');
    for (const at of [370, 380]) {
      const run = await watch.collect(at, AbortSignal.timeout(5000));
      expect(run.thrown).toBeUndefined();
      // What the hypervisor knows by itself is known all the same.
      expect(valuesOf(run, 'guest.state', 'guest')).toEqual({ [ONE.name]: 1, [TWO.name]: 1 });
      expect(valuesOf(run, 'guest.disk.io', 'guest', 'direction')).toMatchObject({
        [`${TWO.name} read`]: expect.any(Number),
      });
    }
    await libvirtd.signalGuest(ONE.name, 'SIGCONT');
    await expect
      .poll(async () => valuesOf(await watch.collect(390), 'guest.disk.io', 'guest', 'direction'))
      .toHaveProperty([`${ONE.name} read`]);
  });

  test('answers for the driver that is for tests, as it did when that was recorded', async () => {
    await using tests = new Watch({ socket: libvirtd.readOnly, uri: 'test:///default' });
    const run = await tests.collect();
    expect(valuesOf(run, 'guest.state', 'guest')).toEqual({ test: 1 });
    expect(run.errors).toEqual([]);
  });
});

// polkit's first answer may take a busy machine longer than half an interval.
const GROUPS = 'collectors: { libvirt: { enabled: true, timeout: 30s } }';

describeWithPeer('libvirt', 'an agent that may do nothing', () => {
  test('reads guests through polkit, which lets everybody read as libvirt is packaged', async () => {
    await using libvirtd = await Libvirtd.start({ auth: 'polkit' });
    await libvirtd.define(ONE);
    await libvirtd.virsh('start', ONE.name);
    const printed = await libvirtd.once(GROUPS, 'libvirt', '--dialect', 'otel', '--raw');
    expect(printed).toMatch(/guest\.state.*one.* 1\b/);
    expect(printed).toMatch(/hypervisor\.guests.*running.* 1\b/);
    const stats = (await libvirtd.domstats()).get(ONE.name) ?? {};
    expect(printed).toContain(String(Number(stats['balloon.maximum']) * 1024));
  });

  test('is told which group may connect, where not everybody may', async () => {
    await using libvirtd = await Libvirtd.start({ group: 'libvirt' });
    const said = await libvirtd.once(GROUPS, 'libvirt').catch((error) => String(error.stderr));
    expect(said).toContain('libvirt-sock-ro: the user nobody may not connect to it');
    expect(said).toContain('usermod -aG libvirt nobody');
  });

  test('is told which rule to add, where polkit does not let it', async () => {
    const rule = 'polkit.addRule(function() { return polkit.Result.NO; });';
    await using libvirtd = await Libvirtd.start({ auth: 'polkit', rule });
    const said = await libvirtd.once(GROUPS, 'libvirt').catch((error) => String(error.stderr));
    expect(said).toContain('polkit does not let nobody in');
    expect(said).toContain("action.id == 'org.libvirt.unix.monitor' && subject.user == 'nobody'");
  });
});

describeWithPeer(['libvirt', 'stunnel'], 'another machine', () => {
  test('is asked with a certificate, or in the clear', async () => {
    using certificates = new Certificates();
    const { ours, theirs } = certificates;
    const server = ours.issue('server', { names: 'DNS:localhost,IP:127.0.0.1' });
    const [tls, tcp] = [await freePort(), await freePort()];
    const network = { ...server, ca: ours.cert, tls, tcp };
    await using _ = await Libvirtd.start({ network });
    const asked = async (uri: string, options?: object): Promise<Run> => {
      await using watch = new Watch({ uri, ...(options && { tls: options }) });
      return watch.collect();
    };
    const secure = `test+tls://localhost:${tls}/default`;
    const known = await asked(secure, { ca: ours.cert, ...ours.issue('agent') });
    expect(known.thrown).toBeUndefined();
    expect(valuesOf(known, 'guest.state', 'guest')).toEqual({ test: 1 });
    // It speaks for the machine that it asked.
    expect(known.observations.map(({ host }) => host)).toContain('localhost');
    const plain = await asked(`test+tcp://127.0.0.1:${tcp}/default`);
    expect(valuesOf(plain, 'guest.state', 'guest')).toEqual({ test: 1 });
    const stranger = await asked(secure, { ca: ours.cert, ...theirs.issue('stranger') });
    expect(String(stranger.thrown)).toContain('does not accept our certificate');
    const nobody = await asked(secure, { ca: ours.cert });
    expect(String(nobody.thrown)).toContain('certificate');
    const doubted = await asked(secure, { ca: theirs.cert, ...ours.issue('agent') });
    expect(String(doubted.thrown)).toContain('nobody who is trusted here');
  });
});
