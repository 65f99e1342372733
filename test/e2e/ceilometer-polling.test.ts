import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createNamer, dialects } from '../../src/naming/index.ts';
import type { Observation, Point } from '../../src/plugin/index.ts';
import { ceilometerNotifications } from '../../src/wire/amqp/ceilometer.ts';
import type { TakenSample } from '../support/ceilometer.ts';
import { Watch } from '../support/hypervisor.ts';
import { Libvirtd } from '../support/libvirt.ts';
import { describeWithPeer } from '../support/peers.ts';

/**
 * Measures all guests with all of Ceilometer's own pollsters for compute nodes, and prints their samples.
 * Only the question to Nova which identifier a flavor has is answered here.
 */
const POLL = `
import json, sys
from oslo_config import cfg
from ceilometer import keystone_client, opts
from ceilometer.compute import discovery
from ceilometer.polling import plugin_base
from stevedore import extension
conf = cfg.ConfigOpts()
for group, options in opts.list_opts():
    conf.register_opts(list(options), group=None if group == 'DEFAULT' else group)
keystone_client.register_keystoneauth_opts(conf)
conf([], project='ceilometer', default_config_files=[])
conf.set_override('libvirt_uri', sys.argv[1])
conf.set_override('instance_discovery_method', 'libvirt_metadata', group='compute')
conf.set_override('host', 'compute1')
found = discovery.InstanceDiscovery(conf)
found.get_flavor_id = lambda name: name
instances = found.discover_libvirt_polling(None)
cache = {}
for it in extension.ExtensionManager('ceilometer.poll.compute', invoke_on_load=True, invoke_args=(conf,)):
    try:
        for sample in it.obj.get_samples(None, cache, instances):
            print(json.dumps(sample.as_dict()))
    except plugin_base.PollsterPermanentError:
        pass
`;

const GUEST = {
  name: 'instance-0000002a',
  uuid: '6a8e1c52-6d0b-4d7e-9c7e-2f8f8d3f6a11',
  metadata: `<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
    <nova:package version="28.0.0"/><nova:name>web</nova:name>
    <nova:flavor name="m1.small"><nova:memory>64</nova:memory><nova:disk>1</nova:disk>
      <nova:swap>0</nova:swap><nova:ephemeral>0</nova:ephemeral><nova:vcpus>2</nova:vcpus></nova:flavor>
    <nova:owner><nova:user uuid="b2">grace</nova:user><nova:project uuid="a1">mail</nova:project></nova:owner>
    <nova:root type="image" uuid="c3"/></nova:instance>`,
};

/** libvirt says other sizes of an image when it is asked for the statistics of all guests at once. */
const SIZES = ['disk.device.allocation', 'disk.device.usage'];

const LABELS = 'uuid domain instance project project_id user user_id flavor flavor_id image_id';

/** What would be on the bus of some observations. */
function samples(observations: readonly Observation[]): readonly Record<string, unknown>[] {
  const dialect = dialects.ceilometer.configured?.({ rates: false, others: false, cpu: 'vcpus' });
  const namer = createNamer(dialect ?? dialects.ceilometer, {
    ...{ prefix: undefined, host: 'compute1', suffix: '', tags: false },
    ...{ labels: {}, counters: 'raw' },
  });
  const points: Point[] = [];
  namer.collection(
    observations.map(({ metric, labels, value }, id) => ({
      series: { id, metric, labels, host: 'compute1', collector: 'libvirt' },
      ...{ value, time: 1_795_219_200, growth: undefined },
    })),
    points,
  );
  const encode = ceilometerNotifications({ event: 'telemetry.polling', secret: undefined });
  const { 'oslo.message': message } = JSON.parse(encode(points));
  return JSON.parse(message).payload.samples;
}

const sorted = <T extends { readonly name: unknown }>(list: readonly T[]): readonly T[] =>
  list.toSorted((a, b) => String(a.name).localeCompare(String(b.name)));

describeWithPeer(['libvirt', 'libvirt-python', 'ceilometer'], 'a real guest', () => {
  test("is measured as Ceilometer's own pollsters measure it", async () => {
    await using libvirtd = await Libvirtd.start();
    await libvirtd.define(GUEST);
    await libvirtd.virsh('start', GUEST.name);
    // Then nothing changes between the two who look, but what the bridge says to it.
    await libvirtd.virsh('suspend', GUEST.name);
    const uri = `qemu+unix:///system?socket=${libvirtd.readWrite}`;
    const look = promisify(execFile)('/usr/bin/python3', ['-c', POLL, uri]);
    const { stdout: printed } = await look;
    const theirs = printed
      .trim()
      .split('\n')
      .map((line): TakenSample => JSON.parse(line));
    await using watch = new Watch({
      ...{ socket: libvirtd.readOnly, labels: LABELS.split(' ') },
    });
    const { observations, thrown } = await watch.collect();
    expect(thrown).toBeUndefined();
    const ours = samples(observations);

    const told = ours.map((it) => ({
      ...{ name: it['counter_name'], type: it['counter_type'], unit: it['counter_unit'] },
      ...{ volume: it['counter_volume'], resource_id: it['resource_id'] },
      ...{ user_id: it['user_id'], project_id: it['project_id'] },
    }));
    const expected = theirs.map(
      ({ name, type, unit, volume, resource_id, user_id, project_id }) => ({
        ...{ name, type, unit, volume, resource_id, user_id, project_id },
      }),
    );
    const names = new Set<unknown>(expected.map(({ name }) => name));
    expect(names.size).toBeGreaterThan(15);
    // Bytes since they last looked, the other under a wrong name.
    const deltas = ['network.incoming.bytes.delta', 'network.outgoing.packets.delta'];
    const differs = new Set<unknown>([...deltas, ...SIZES]);
    const same = <T extends { readonly name: unknown }>(list: readonly T[]) =>
      sorted(list.filter(({ name }) => names.has(name) && !differs.has(name)));
    expect(same(told)).toEqual(same(expected));
    const unlike = expected.filter(({ name }) => !told.some((it) => it.name === name));
    expect(unlike.map(({ name }) => name).toSorted()).toEqual(deltas);
    // What they do not have comes from Nova's notifications, or was theirs until Train.
    expect([...new Set(told.map(({ name }) => name))].filter((name) => !names.has(name))).toEqual([
      ...['memory', 'vcpus', 'disk.allocation', 'disk.capacity', 'disk.usage'],
      ...['disk.read.requests', 'disk.read.bytes', 'disk.write.requests', 'disk.write.bytes'],
    ]);

    const metadata = theirs.find(({ name }) => name === 'cpu')?.resource_metadata ?? {};
    const cpu = ours.find((it) => it['counter_name'] === 'cpu')?.['resource_metadata'];
    expect(metadata).toMatchObject({ ...(cpu as object), flavor: { name: 'm1.small' } });
  });
});
