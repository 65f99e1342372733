import { count, defineCollector, gauge, type Session, z } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import { Settlements } from '../../src/agent/settlements.ts';
import { Peer } from '../deliver/peer.ts';
import { SimulatedClock } from '../support/clock.ts';
import { delivery, points } from '../support/delivery.ts';
import { hostWith } from '../support/host.ts';
import { runnerFor } from '../support/runner.ts';

const metric = gauge('test.number', { unit: 'count', help: 'A number.' });

/** A collector that writes down what it is told. */
function tail() {
  const told: number[] = [];
  const session: Session = {
    collect: () => [metric.observe(count(1))],
    settled: (collections) => void told.push(collections),
    close: () => undefined,
  };
  const collector = defineCollector({
    name: 'tail',
    summary: 'For a test.',
    source: 'nothing',
    options: z.strictObject({}),
    metrics: { metric },
    open: () => session,
  });
  return { told, collector };
}

function scene() {
  const clock = new SimulatedClock();
  const { told, collector } = tail();
  const { runner } = runnerFor(collector, hostWith({}));
  const peers = [new Peer(), new Peer()];
  const lines = new Map(
    peers.map((peer, i) => {
      return [`peer${i}`, { delivery: delivery(clock, { handler: peer.handler }).delivery }];
    }),
  );
  const settlements = new Settlements();
  const tick = async (offered: number) => {
    await runner.run(clock.now() / 1000);
    settlements.arrived(runner);
    for (const { delivery } of lines.values()) {
      delivery.offer(points(0, offered));
      delivery.flush();
    }
    settlements.handedOn(lines);
    await clock.run(0);
  };
  return { clock, told, peers, lines, settlements, tick };
}

test('a collector is told when every handler has delivered what it observed', async () => {
  const { told, peers, settlements, tick, clock } = scene();
  const [, slow] = peers;
  Object.assign(slow ?? {}, { welcome: 'refuse' });
  await tick(10);
  await tick(10);
  settlements.settle();
  expect(told).toEqual([]);
  Object.assign(slow ?? {}, { welcome: 'accept' });
  await clock.run(10_000);
  settlements.settle();
  expect(told).toEqual([1, 2]);
  await tick(10);
  expect(told).toEqual([1, 2]);
  // At each tick it is looked for what has settled since the one before.
  await tick(10);
  expect(told).toEqual([1, 2, 3]);
});

test('what is dropped because the agent ends is not settled: it can be observed again', async () => {
  const { told, peers, lines, settlements, tick, clock } = scene();
  await tick(10);
  settlements.settle();
  Object.assign(peers[0] ?? {}, { manner: 'fail' });
  await tick(10);
  const stops = [...lines.values()].map(({ delivery }) => delivery.stop('shutdown', 1000));
  await clock.run(2000);
  await Promise.all(stops);
  settlements.settle();
  expect(told).toEqual([1]);
});
