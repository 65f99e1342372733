import { afterAll, beforeAll, expect, test } from 'vitest';
import amqp from '../../handlers/amqp.ts';
import type { Point, z } from '../../src/plugin/index.ts';
import { Ceilometer } from '../support/ceilometer.ts';
import { around } from '../support/delivery.ts';
import { guestOf, guestPoints } from '../support/guests.ts';
import { LibvirtPeer, recordedGuest } from '../support/libvirt-peer.ts';
import { describeWithPeer } from '../support/peers.ts';
import { Consumer, RabbitMq } from '../support/rabbitmq.ts';
import { RunningAgent } from '../support/running.ts';

const SECRET = 'ünder the Rug: 7';
const WHO = {
  ...{ project_id: 'a1', project: 'mail', user_id: 'b2', user: 'grace', instance: 'Müller: "web"' },
  ...{ flavor: 'm1.small', image_id: 'c3' },
};
const forever = new AbortController().signal;

type Given = Partial<z.input<typeof amqp.options>>;

/** Publishes a batch as an agent on a compute node does. */
async function publish(broker: RabbitMq, batch: readonly Point[], given: Given = {}) {
  const options = amqp.options.parse({
    ...{ host: `127.0.0.1:${broker.port}`, body: 'ceilometer', telemetrySecret: SECRET },
    ...given,
  });
  const connection = await amqp.open({
    ...around,
    ...{ options, signal: forever, dialect: 'ceilometer' },
  });
  await connection.write(batch, forever);
  await connection.close();
}

/** The fields of an object and of those in it, as paths. */
function fields(value: unknown, path = ''): readonly string[] {
  if (value === null || typeof value !== 'object') return [path];
  return Object.entries(value).flatMap(([key, inner]) => fields(inner, `${path}.${key}`));
}

const unwrapped = (content: Buffer) => {
  const envelope = JSON.parse(content.toString());
  return { envelope, message: JSON.parse(envelope['oslo.message']) };
};

describeWithPeer(['rabbitmq', 'ceilometer'], 'samples for a real Ceilometer, on a real bus', () => {
  let broker: RabbitMq;
  let agent: Ceilometer;

  beforeAll(async () => {
    broker = await RabbitMq.start();
    agent = await Ceilometer.start(`rabbit://guest:guest@127.0.0.1:${broker.port}/`, SECRET);
  });

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await broker[Symbol.asyncDispose]();
  });

  const taken = async (count: number) => {
    const samples = () => agent.taken.flatMap((it) => it.samples);
    await expect.poll(() => samples().length, { timeout: 10_000 }).toBe(count);
    return samples();
  };

  test('are taken as its own, with every signature verified', async () => {
    agent.taken.length = 0;
    await publish(broker, guestPoints([guestOf(1), guestOf(2)], [1_795_219_200], WHO));
    const samples = await taken(28);
    expect(agent.taken.flatMap((it) => it.signed)).toEqual(samples.map(() => true));
    const { uuid } = guestOf(1);
    expect(samples.find((it) => it.name === 'cpu' && it.resource_id === uuid)).toMatchObject({
      ...{ type: 'cumulative', unit: 'ns', volume: 6_235_344_000 },
      ...{ project_id: 'a1', user_id: 'b2', timestamp: '2026-11-21T00:00:00' },
      resource_metadata: {
        ...{ display_name: 'Müller: "web"', name: 'instance-00000001', instance_id: uuid },
        ...{ instance_host: 'compute1', instance_type: 'm1.small', cpu_number: 2 },
      },
    });
    expect(samples.find((it) => it.name === 'cpu_util')?.volume).toBeCloseTo(0.000_025, 15);
  });

  test('are signed right, whatever the number, and whatever is in a name', async () => {
    agent.taken.length = 0;
    const [like] = guestPoints([guestOf(3)], [1_795_219_200.25], { instance: '\u{1F600}\n\\"' });
    if (like === undefined) throw new Error('there is none');
    const values = [
      ...[0, -0, 1, -1.5, 0.1, 1e-4, 9.999e-5, 1e-7, 2.5e-300, 5e-324, 1 / 3, 1e15 + 0.3],
      ...[2 ** 53, 1e16, 1e20, 1e21, 1.7976931348623157e308, 123_456_789.123_456_79],
    ];
    const batch = values.map((value) => ({
      ...{ ...like, value },
      name: { ...like.name, precision: undefined },
    }));
    await publish(broker, batch);
    const samples = await taken(values.length);
    expect(agent.taken.flatMap((it) => it.signed)).toEqual(values.map(() => true));
    expect(samples.map(({ volume }) => volume)).toEqual(values.map((value) => value + 0));
  });

  test('have no signature without a secret, and one that is not believed with a wrong one', async () => {
    agent.taken.length = 0;
    const batch = guestPoints([guestOf(4)], [1_795_219_200]).slice(0, 1);
    await publish(broker, batch, { telemetrySecret: undefined });
    await publish(broker, batch, { telemetrySecret: 'wrong' });
    await taken(2);
    expect(agent.taken.flatMap((it) => it.signed)).toEqual([false, false]);
  });

  test("have the form of those that Ceilometer's own agent publishes", async () => {
    await using consumer = await Consumer.on(broker, 'both', {
      ...{ exchange: 'ceilometer', bindings: ['notifications.sample'] },
    });
    const { uuid } = guestOf(5);
    const url = `rabbit://guest:guest@127.0.0.1:${broker.port}/`;
    await using _its = await Ceilometer.start(url, SECRET, uuid);
    await expect.poll(() => consumer.arrived.length).toBe(1);
    const cpu = guestPoints([guestOf(5)], [1_795_219_200], WHO).filter(
      ({ name }) => name.meter?.name === 'cpu' || name.meter?.name === 'vcpus',
    );
    await publish(broker, cpu);
    await expect.poll(() => consumer.arrived.length).toBe(2);
    const [theirs, ours] = consumer.arrived.map(({ content, message: { properties } }) => ({
      ...unwrapped(content),
      properties,
    }));
    for (const property of ['contentType', 'contentEncoding', 'deliveryMode'] as const) {
      expect(ours?.properties[property]).toBe(theirs?.properties[property]);
    }
    expect(fields(ours?.envelope)).toEqual(fields(theirs?.envelope));
    const { payload, ...rest } = theirs?.message ?? {};
    const { payload: own, ...others } = ours?.message ?? {};
    expect(fields(others).toSorted()).toEqual(fields(rest).toSorted());
    const form = (sample: object) => new Set(fields(sample));
    const sent = form(
      own.samples.find((it: { counter_name: string }) => it.counter_name === 'cpu'),
    );
    // What Nova's API knows of an instance, and the domain's metadata do not.
    const novas =
      'status state task_state vcpus memory_mb disk_gb ephemeral_gb root_gb image_ref_url';
    const flavors = 'vcpus ram disk ephemeral';
    const missing = [...form(payload.samples[0])].filter((field) => !sent.has(field));
    expect(missing.toSorted()).toEqual(
      [
        ...flavors.split(' ').map((field) => `.resource_metadata.flavor.${field}`),
        ...novas.split(' ').map((field) => `.resource_metadata.${field}`),
      ].toSorted(),
    );
  });

  test('also go to collectors of old, as notifier:// publishes them', async () => {
    await using consumer = await Consumer.on(broker, 'metering', {
      ...{ exchange: 'ceilometer', bindings: ['metering.sample'] },
    });
    await publish(broker, guestPoints([guestOf(6)], [1e9]), { event: 'metering' });
    await expect.poll(() => consumer.arrived.length).toBe(1);
    const { message } = unwrapped(consumer.arrived[0]?.content ?? Buffer.alloc(0));
    expect(message).toMatchObject({ event_type: 'metering', priority: 'SAMPLE' });
    expect(message.payload[0]).toMatchObject({ counter_name: 'vcpus', counter_volume: 2 });
  });

  test('come from libvirt, through the installed program', async () => {
    agent.taken.length = 0;
    const guest = { ...recordedGuest(), xml: NOVA };
    await using libvirt = await LibvirtPeer.listen([guest]);
    const words = 'uuid, domain, instance, project, project_id, user, user_id, flavor, image_id';
    const amqp = `{ host: "127.0.0.1:${broker.port}", body: ceilometer, telemetrySecret: "${SECRET}",
      dialect: { name: ceilometer, others: false }, only: ["guest.*"] }`;
    await using _program = new RunningAgent(
      { amqp },
      {
        more: `hostname: { name: compute1 }
collectors: { libvirt: { socket: ${libvirt.path}, identity: uuid, labels: [${words}] } }`,
      },
    );
    const of = (meter: string) =>
      agent.taken.flatMap(({ samples }) => samples).find(({ name }) => name === meter);
    // It is made of two readings.
    await expect.poll(() => of('cpu_util'), { timeout: 15_000 }).toBeDefined();
    expect(agent.taken.flatMap((it) => it.signed)).not.toContain(false);
    expect(of('cpu')).toMatchObject({
      ...{ resource_id: guest.uuid, type: 'cumulative', unit: 'ns', volume: 922_558_000 },
      ...{ project_id: 'p-1', user_id: 'u-1' },
      resource_metadata: {
        ...{ display_name: 'web', name: 'tiny', instance_type: 'm1.small', image_ref: 'i-1' },
        ...{ instance_host: 'compute1', cpu_number: 2 },
      },
    });
    expect(of('network.incoming.bytes')?.resource_id).toBe(`tiny-${guest.uuid}-vnet3`);
    expect(of('disk.device.capacity')).toMatchObject({ unit: 'B', volume: 16_777_216 });
    const names = new Set(agent.taken.flatMap(({ samples }) => samples.map(({ name }) => name)));
    expect([...names].filter((name) => name.startsWith('guest.'))).toEqual([]);
  });
});

/** What Nova writes into the XML of an instance. */
const NOVA = `<domain type='kvm'><metadata>
  <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
    <nova:name>web</nova:name><nova:flavor name="m1.small"><nova:vcpus>2</nova:vcpus></nova:flavor>
    <nova:owner><nova:user uuid="u-1">alice</nova:user><nova:project uuid="p-1">mail</nova:project></nova:owner>
    <nova:root type="image" uuid="i-1"/></nova:instance></metadata></domain>`;
