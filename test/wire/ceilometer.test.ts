import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Labels, Point } from '../../src/metric/index.ts';
import { ceilometerNotifications, pythonNumber } from '../../src/wire/amqp/ceilometer.ts';
import { guestOf, guestPoints } from '../support/guests.ts';
import { point } from '../support/points.ts';

const ID = '0d3fb6ce-c6d6-11f0-8de9-0242ac120002';
const TICK = 1_795_219_200;

const encoder = (secret?: string) =>
  ceilometerNotifications({ event: 'telemetry.polling', secret, id: () => ID });

/** The samples of a notification. */
function samples(batch: readonly Point[], encode = encoder('s3cret')) {
  const { 'oslo.message': message } = JSON.parse(encode(batch));
  return JSON.parse(message).payload.samples;
}

const guest = (labels: Labels = {}) => guestPoints([guestOf(1)], [TICK], labels);
const sampleOf = (meter: string, labels?: Labels) =>
  samples(guest(labels)).find((it: { counter_name: string }) => it.counter_name === meter);

describe('a signature', () => {
  // What compute_signature of Ceilometer 19.0 says of them; test/e2e/ceilometer.test.ts asks it itself.
  it.each([
    ['cpu', '4cc26058e87297b2a9a23250224d3b8b3ca330f69788d43335e16e440cc3465e'],
    ['cpu_util', 'f2a7b0a743f349fb50b1b345ef2ae77af146ec6368c0c18b82d5fb58d651d865'],
    ['network.incoming.bytes', '8ddb83ef68b35881a5d9fb1cd550b19a5322f9d284c9254bf58e982b47eedb7f'],
  ])("of %s is Ceilometer's", (meter, signature) => {
    expect(sampleOf(meter, { project_id: 'a1' }).message_signature).toBe(signature);
  });

  it('is empty without a secret', () => {
    expect(samples(guest(), encoder())[0].message_signature).toBe('');
  });

  it.each([
    ['0', '0'],
    ['-5', '-5'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['0.1', '0.1'],
    ['0.0001', '0.0001'],
    ['0.00001', '1e-05'],
    ['-0.00000012', '-1.2e-07'],
    ['0.000000000012', '1.2e-11'],
    ['5.0', '5.0'],
  ])('takes %s as Python prints it: %s', (text, python) => {
    expect(pythonNumber(text)).toBe(python);
  });
});

describe('a sample', () => {
  it('says whose it is, as far as the domain does', () => {
    const nova = {
      ...{ project_id: 'a1', project: 'mail', user_id: 'b2', user: 'grace', instance: 'web' },
      ...{ flavor: 'm1.small', image_id: 'c3' },
    };
    const { uuid } = guestOf(1);
    expect(sampleOf('memory', nova)).toMatchObject({
      ...{ user_id: 'b2', user_name: 'grace', project_id: 'a1', project_name: 'mail' },
      ...{ counter_unit: 'MB', counter_type: 'gauge', counter_volume: 128, source: 'openstack' },
      resource_id: uuid,
      resource_metadata: {
        ...{ display_name: 'web', name: 'instance-00000001', instance_id: uuid },
        ...{ instance_type: 'm1.small', flavor: { id: 'm1.small', name: 'm1.small' } },
        ...{ instance_host: 'compute1', image: { id: 'c3' }, image_ref: 'c3' },
      },
    });
    expect(sampleOf('memory')).toMatchObject({
      ...{ user_id: null, project_id: null },
      resource_metadata: { display_name: 'instance-00000001', image: null },
    });
  });

  it('of a device names it', () => {
    const { uuid, domain } = guestOf(1);
    const tap = 'tap3f2504e0-4f';
    expect(sampleOf('disk.device.capacity')).toMatchObject({
      ...{ resource_id: `${uuid}-vda`, resource_metadata: { disk_name: 'vda', name: domain } },
    });
    expect(sampleOf('network.incoming.bytes')).toMatchObject({
      resource_id: `${domain}-${uuid}-${tap}`,
      resource_metadata: { vnic_name: tap, name: tap, instance_id: uuid },
    });
  });

  it('of the CPU time says by how many CPUs cpu_util is divided, as soon as that is known', () => {
    expect(sampleOf('cpu').resource_metadata.cpu_number).toBe(2);
    const encode = encoder();
    const [vcpus, cpu] = guest();
    const first = samples(
      [cpu].flatMap((it) => it ?? []),
      encode,
    );
    expect(first[0].resource_metadata).not.toHaveProperty('cpu_number');
    samples(
      [vcpus].flatMap((it) => it ?? []),
      encode,
    );
    const third = samples(
      [cpu].flatMap((it) => it ?? []),
      encode,
    );
    expect(third[0].resource_metadata.cpu_number).toBe(2);
  });

  it('of what is no guest belongs to its host', () => {
    expect(samples([point('load', { value: 0.5 })])[0]).toMatchObject({
      ...{ counter_name: 'load', resource_id: 'web01', project_id: null },
      resource_metadata: { host: 'web01' },
    });
  });

  it("has the configuration's labels as the user's metadata", () => {
    const [first] = guest();
    if (first === undefined) throw new Error('there is none');
    const labels = { ...first.name.series.labels, site: 'ams1' };
    const [sample] = samples([{ ...first, name: { ...first.name, labels } }]);
    expect(sample.resource_metadata.user_metadata).toEqual({ site: 'ams1' });
  });

  it('has a date, whatever the time', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (time) => {
        const [sample] = samples([{ ...point('a'), time }]);
        expect(sample.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?$/);
      }),
    );
  });
});
