import { readFileSync } from 'node:fs';
import type { Labels, Sample, Series } from '../../src/metric/index.ts';
import { Watch } from './hypervisor.ts';
import { LibvirtPeer, type PeerGuest, parameters } from './libvirt-peer.ts';
import { parseDomstats } from './libvirt-session.ts';

const PRINTED = readFileSync(new URL('../wire/libvirt/domstats-raw.txt', import.meta.url), 'utf8');
const UUID = '6a8e1c52-6d0b-4d7e-9c7e-2f8f8d3f6a11';
const HOST = 'kvm1.example.net';

/** What Nova writes into the XML of an instance. */
const XML = `<domain type='kvm'><metadata>
  <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1"><nova:name>web.shop</nova:name>
  <nova:flavor name="m1.small"/><nova:owner><nova:project uuid="p-1">shop</nova:project></nova:owner>
  </nova:instance></metadata>
  <devices><interface type='bridge'><mac address='52:54:00:11:22:33'/><target dev='vnet2'/></interface></devices>
</domain>`;

/** What the libvirt collector observes at two moments, ten seconds apart, of a recorded guest with a second disk and an event. */
export async function guestSamples(options: object = {}): Promise<readonly Sample[]> {
  const [printed = {}] = parseDomstats(PRINTED).values();
  const more = [
    ['block.1.name', 'vdb'],
    ['block.1.path', '/images/data.qcow2'],
    ['block.1.rd.reqs', 3],
    ['block.1.rd.bytes', 4096],
    ['block.1.wr.bytes', 512],
    ['block.1.errors', 2],
    ['vcpu.0.halted', 0],
    ['perf.cpu_cycles', 1_000_000],
    ['dirtyrate.megabytes_per_second', 4],
  ] as const;
  const guest: PeerGuest = {
    ...{ name: 'web1', uuid: UUID, id: 2, xml: XML },
    values: [...parameters(printed), ...more],
  };
  const stats = ['cpu', 'balloon', 'vcpu', 'interface', 'block', 'perf', 'dirtyrate'];
  await using peer = await LibvirtPeer.listen([guest]);
  await using watch = new Watch({ socket: peer.path, stats, ...options });
  const first = await watch.collect();
  // It has used a quarter of its two vCPUs' time, and read a mebibyte.
  const moved: Readonly<Record<string, number>> = { 'cpu.time': 5e9, 'block.0.rd.bytes': 2 ** 20 };
  peer.guests = [
    {
      ...guest,
      values: guest.values.map(([name, value]) => [
        name,
        name in moved ? Number(value) + (moved[name] ?? 0) : value,
      ]),
    },
  ];
  const keyOf = (one: { metric: { name: string }; labels: Labels }) =>
    one.metric.name + JSON.stringify(one.labels);
  const before = new Map(first.observations.map((one) => [keyOf(one), one.value]));
  const { observations } = await watch.collect(10);
  return observations
    .filter(({ metric }) => metric.name !== 'hypervisor.collection.time')
    .map((one, id) => {
      const { metric, labels, value } = one;
      const series: Series = { id, metric, collector: 'libvirt', host: HOST, labels };
      const amount = value - (before.get(keyOf(one)) ?? value);
      const growth = metric.kind === 'counter' ? { amount, seconds: 10 } : undefined;
      return { series, value, time: 1_795_218_280, growth };
    });
}
