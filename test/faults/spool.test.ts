/** A handler with a spool: what it has yet to send outlives the agent, and its disk's troubles. */
import { describe, expect, test, vi } from 'vitest';
import { noMounting, smallDisk } from '../support/disk.ts';
import { FaultyLink } from '../support/faulty-link.ts';
import { describeWithPeer } from '../support/peers.ts';
import { RunningAgent } from '../support/running.ts';
import { expectAllArrived } from './arrival.ts';
import { amqp, graphite, http, riemann, type Subject } from './subject.ts';

const SUBJECTS: readonly Subject[] = [graphite, riemann, http, amqp];

const cannot = noMounting();
const mounted = cannot === undefined ? '' : ` (left out: ${cannot})`;

const withSpool = (subject: Subject): void => {
  const spool = (path: string) => `, queue: { spool: { path: ${path}, size: 16MiB } }`;

  /** Waits until all that was observed before the outage has been put on disk. */
  const onDisk = (agent: RunningAgent) =>
    vi.waitFor(
      async () => {
        const { queued, spooled } = await agent.books('subject');
        expect(spooled).toBeGreaterThan(0);
        expect(queued).toBe(0);
      },
      { timeout: 20_000, interval: 20 },
    );

  test.concurrent('kill -9, while its peer is away', { timeout: 60_000 }, async () => {
    await using peer = await subject.peer();
    await using link = await FaultyLink.to(peer.port);
    await using agent = new RunningAgent({
      subject: subject.handler(link.port, spool('FOLDER/spool')),
    });
    await agent.ticks(2);
    await link.refuse();
    for (let i = 0; i < 3; i += 1) {
      await agent.ticks(2);
      await onDisk(agent);
      await agent.crash();
    }
    await link.repair();
    await agent.ticks(2);
    await expectAllArrived(agent, peer);
  });

  test.concurrent('being stopped, while its peer is away', { timeout: 60_000 }, async () => {
    await using peer = await subject.peer();
    await using link = await FaultyLink.to(peer.port);
    await using agent = new RunningAgent({
      subject: subject.handler(link.port, spool('FOLDER/spool')),
    });
    await agent.ticks(2);
    await link.refuse();
    await agent.ticks(3);
    const books = await agent.stop();
    expect(books.get('subject')).toMatchObject({ queued: 0, dropped: { shutdown: 0 } });
    agent.startAgain();
    await link.repair();
    await agent.ticks(2);
    await expectAllArrived(agent, peer);
  });

  test
    .runIf(cannot === undefined)
    .concurrent(`a disk that is full${mounted}`, { timeout: 60_000 }, async () => {
      using disk = smallDisk('1m');
      await using peer = await subject.peer();
      await using link = await FaultyLink.to(peer.port);
      await using agent = new RunningAgent({
        subject: subject.handler(link.port, spool(`${disk.path}/spool`)),
      });
      await agent.ticks(2);
      await link.refuse();
      await agent.ticks(2);
      await onDisk(agent);
      disk.fill();
      await vi.waitFor(() => expect(agent.log.join('\n')).toContain('ENOSPC'), {
        timeout: 20_000,
        interval: 100,
      });
      disk.free();
      await link.repair();
      await agent.ticks(2);
      await expectAllArrived(agent, peer);
    });
};

for (const subject of SUBJECTS) {
  const title = `${subject.name} with a spool loses nothing by`;
  if (subject.needs === undefined) describe(title, () => withSpool(subject));
  else describeWithPeer(subject.needs, title, () => withSpool(subject));
}
