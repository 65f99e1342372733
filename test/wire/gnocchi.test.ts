import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ARCHIVE_POLICIES, gnocchiBatches, refusalOf } from '../../src/wire/gnocchi.ts';
import { guestOf, guestPoints } from '../support/guests.ts';
import { point } from '../support/points.ts';

const POLICIES = { archivePolicy: 'low', totalsArchivePolicy: 'low-rate' };
const batches = gnocchiBatches(POLICIES);
const TICK = 1_795_219_200;

/** The measures in a body, by resource, meter and time. */
function measures(body: string) {
  const resources: Record<string, Record<string, { measures: object[] }>> = JSON.parse(body);
  return Object.entries(resources).flatMap(([resource, meters]) =>
    Object.entries(meters).flatMap(([meter, { measures }]) =>
      measures.map((measure) => ({ resource, meter, ...measure })),
    ),
  );
}

describe('a batch', () => {
  const { uuid, domain } = guestOf(1);

  it('has measures by resource and meter, each with its unit and archive policy', () => {
    const body = JSON.parse(batches(guestPoints([guestOf(1)], [TICK, TICK + 10])).body());
    expect(body[uuid].cpu).toEqual({
      ...{ archive_policy_name: 'low-rate', unit: 'ns' },
      measures: [
        { timestamp: TICK, value: 6_235_344_000 },
        { timestamp: TICK + 10, value: 12_470_688_000 },
      ],
    });
    expect(body[uuid].memory).toMatchObject({ archive_policy_name: 'low', unit: 'MB' });
    expect(Object.keys(body)).toEqual([uuid, `${uuid}-vda`, `${domain}-${uuid}-tap3f2504e0-4f`]);
  });

  it('has every point once, whatever it is', () => {
    const points = fc.array(
      fc.record({
        path: fc.string({ unit: 'binary' }),
        host: fc.string(),
        value: fc.double({ noNaN: true, noDefaultInfinity: true }),
        time: fc.integer({ min: 0, max: 2 ** 32 }),
      }),
    );
    fc.assert(
      fc.property(points, (facts) => {
        const made = facts.map(({ path, host, value, time }) => point(path, { host, value, time }));
        const batch = batches(made);
        expect(batch.size).toBe(made.length);
        const sent = measures(batch.body());
        expect(sent).toHaveLength(made.length);
        for (const { resource, meter } of sent) {
          for (const name of [resource, meter]) {
            expect(name).not.toContain('/');
            expect(name.length).toBeLessThanOrEqual(255);
          }
        }
      }),
    );
  });

  it('goes on without a resource that is left out', () => {
    const batch = batches(guestPoints([guestOf(1), guestOf(2)], [TICK]));
    batch.drop(uuid);
    expect(measures(batch.body()).map(({ resource }) => resource)).not.toContain(uuid);
    expect(batch.size).toBe(measures(batch.body()).length);
  });

  it('knows what its resources are and whose', () => {
    const nova = { instance: 'web', flavor: 'm1', flavor_id: '7', project_id: 'p', user_id: 'u' };
    const owner = { project_id: 'p', user_id: 'u' };
    const { resources } = batches(guestPoints([guestOf(1)], [TICK], nova));
    expect(resources).toEqual([
      {
        ...{ id: uuid, type: 'instance' },
        attributes: {
          ...owner,
          ...{ display_name: 'web', host: 'compute1', flavor_id: '7', flavor_name: 'm1' },
        },
      },
      {
        ...{ id: `${uuid}-vda`, type: 'instance_disk' },
        attributes: { ...owner, name: 'vda', instance_id: uuid },
      },
      {
        ...{ id: `${domain}-${uuid}-tap3f2504e0-4f`, type: 'instance_network_interface' },
        attributes: { ...owner, name: 'tap3f2504e0-4f', instance_id: uuid },
      },
    ]);
  });
});

describe('the archive policies', () => {
  it("are Ceilometer's", () => {
    expect([...ARCHIVE_POLICIES.keys()]).toEqual([
      'ceilometer-low',
      'ceilometer-low-rate',
      'ceilometer-high',
      'ceilometer-high-rate',
    ]);
  });
});

describe('a refusal', () => {
  // As Gnocchi 4.4.2 says them.
  const said = (description: unknown) =>
    JSON.stringify({ code: 400, title: 'Bad Request', description });

  it('names the resources that are unknown', () => {
    const detail = [
      { resource_id: 'ee0619da', original_resource_id: 'vm "1"\\-vda' },
      { resource_id: '6a8e1c52', original_resource_id: '6a8e1c52' },
    ];
    const answer = said({ cause: 'Unknown resources', detail });
    const ids = ['vm "1"\\-vda', '6a8e1c52'];
    expect(refusalOf(answer)).toEqual({ why: 'unknown resources', ids });
    expect(refusalOf(answer.slice(0, -40))).toMatchObject({ ids: ids.slice(0, 1) });
  });

  it.each([
    ['Archive policy gold does not exist', { why: 'unknown archive policy', name: 'gold' }],
    ['Resource type nope does not exist', { why: 'unknown resource type', name: 'nope' }],
    ['anything', { why: 'anything else', sentence: 'anything' }],
    [
      { cause: 'Invalid input', reason: "required key not provided @ data['x']", detail: ['x'] },
      { why: 'anything else', sentence: "required key not provided @ data['x']" },
    ],
  ])('says %j', (description, refusal) => {
    expect(refusalOf(said(description))).toEqual(refusal);
  });

  it('is none that can be read, and that is all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(refusalOf(text).why).toBe('anything else');
      }),
    );
  });
});
