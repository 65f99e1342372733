import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { noMounting, smallDisk } from '../support/disk.ts';
import { FaultyLink } from '../support/faulty-link.ts';
import { RunningAgent } from '../support/running.ts';
import { Certificates, type Pair } from '../support/tls.ts';
import { Audit } from './audit.ts';
import { Hosts } from './hosts.ts';
import type { FaultPeer, Subject } from './subject.ts';

/** An agent that sends to a peer over a link, and whatever is needed to break that. */
interface Scene {
  readonly peer: FaultPeer;
  readonly link: FaultyLink;
  readonly agent: RunningAgent;
  readonly audit: Audit;
}

/** How a scene is set; everything is as usual where nothing is said. */
interface Setting {
  /** The name under which the agent looks for its peer. */
  readonly host?: string;
  /** With it, TLS is spoken: what the peer shows at first, and whom the agent trusts. */
  readonly tls?: Pair & { readonly ca: string };
  /** Further options of the handler, as YAML. */
  readonly more?: string;
  readonly agent?: ConstructorParameters<typeof RunningAgent>[1];
  /** Whether the peer is restarted. */
  readonly alone?: boolean;
}

/** One row of the table. */
export interface Fault {
  readonly title: string;
  /** Whether it breaks connections that have something under way. */
  readonly underWay?: boolean;
  /** Why a subject need not bear it, or this machine cannot play it. */
  readonly leftOut?: (subject: Subject) => string | undefined;
  readonly play: (subject: Subject) => Promise<void>;
}

type Act = (scene: Scene) => Promise<void>;

/** Plays a fault in the life of an agent, and sees afterwards what became of every point. */
async function during(
  { title, underWay = false }: Pick<Fault, 'title' | 'underWay'>,
  subject: Subject,
  setting: Setting,
  act: Act,
): Promise<void> {
  const { host = '127.0.0.1', tls, more = '', alone = false } = setting;
  await using peer = await subject.start(alone);
  await using link = await FaultyLink.to(peer.port);
  if (tls !== undefined) link.present(tls);
  await using agent = new RunningAgent(
    { subject: peer.handler({ host, port: link.port, ca: tls?.ca }, more) },
    { ...setting.agent, archive: subject.archive ?? '' },
  );
  const audit = new Audit(agent, peer, subject);
  try {
    await agent.ticks(1);
    await audit.quiet();
    await act({ peer, link, agent, audit });
    if (subject.repeats || !underWay) {
      await agent.ticks(2);
      await audit.arrived();
    } else await audit.goesOn();
    await audit.close();
  } catch (error) {
    throw new Error(`${subject.name}, ${title}: ${agent.log.slice(-5).join('\n')}`, {
      cause: error,
    });
  }
}

const fault = (
  title: string,
  act: Act,
  { setting = {}, ...more }: Partial<Fault> & { readonly setting?: Setting } = {},
): Fault => ({
  ...more,
  title,
  play: (subject) => during({ title, ...more }, subject, setting, act),
});

const spool = (path: string) => `, queue: { spool: { path: ${path}, size: 16MiB } }`;

const says = (agent: RunningAgent, what: string): Promise<void> =>
  vi.waitFor(() => expect(agent.log.join('\n')).toContain(what), { timeout: 40_000, interval: 50 });

/** Sets the program's wall clock by so many hours at a SIGUSR2, and nothing else. */
const settableClock = (hours: number) =>
  `data:text/javascript,${encodeURIComponent(`
  const now = Date.now;
  let set = 0;
  Date.now = () => now() + set;
  process.on('SIGUSR2', () => { set += ${hours} * 3600e3; });
`)}`;

const aClockThatIsSet = (title: string, hours: number): Fault =>
  fault(
    title,
    async ({ agent }) => {
      agent.signal('SIGUSR2');
      await agent.ticks(2);
      const times = [...agent.times];
      expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(3500);
    },
    { setting: { agent: { node: ['--import', settableClock(hours)] } } },
  );

const noUnshare =
  process.getuid?.() === 0 && existsSync('/usr/bin/unshare')
    ? undefined
    : 'it takes root and unshare';

const cannotMount = noMounting();

/** Those that take longest come first. */
export const FAULTS: readonly Fault[] = [
  fault(
    'a peer that restarts ten times',
    async ({ peer, audit }) => {
      for (let i = 0; i < 10; i += 1) {
        if (i % 3 === 0) await audit.quiet();
        await peer.restart();
      }
    },
    { setting: { alone: true } },
  ),
  {
    title: 'a certificate that expires',
    leftOut: ({ name, tls }) => (tls ? undefined : `${name} has no TLS`),
    async play(subject) {
      using certificates = new Certificates();
      const { ours } = certificates;
      const good = ours.issue('good', { names: 'DNS:localhost' });
      const old = ours.issue('old', { names: 'DNS:localhost', expired: true });
      const setting = { host: 'localhost', tls: { ...good, ca: ours.cert } };
      await during(this, subject, setting, async ({ link, agent, audit }) => {
        for (let i = 0; i < 2; i += 1) {
          link.present(old);
          await says(
            agent,
            `localhost:${link.port}: its certificate, or that of its authority, has expired. Renew it there.`,
          );
          await agent.ticks(1);
          link.present(good);
          await audit.quiet();
        }
      });
    },
  },
  fault(
    'kill -9 of the agent with a spool, while its peer is away',
    async ({ link, agent, audit }) => {
      await link.refuse();
      for (let i = 0; i < 3; i += 1) {
        await agent.ticks(1);
        await audit.crash();
      }
      await link.repair();
    },
    { setting: { more: spool('FOLDER/spool') } },
  ),
  fault(
    'being stopped with a spool, while its peer is away',
    async ({ link, agent }) => {
      await link.refuse();
      await agent.ticks(2);
      const books = await agent.stop();
      expect(books.get('subject')).toMatchObject({ queued: 0, dropped: { shutdown: 0 } });
      agent.startAgain();
      await link.repair();
    },
    { setting: { more: spool('FOLDER/spool') } },
  ),
  {
    title: 'a disk that is full, with a spool on it, while its peer is away',
    leftOut: () => cannotMount,
    async play(subject) {
      using disk = smallDisk('1m');
      const setting = { more: spool(join(disk.path, 'spool')) };
      await during(this, subject, setting, async ({ link, agent }) => {
        await link.refuse();
        await agent.ticks(1);
        disk.fill();
        await says(agent, 'ENOSPC');
        await agent.ticks(1);
        disk.free();
        await link.repair();
      });
    },
  },
  {
    title: 'a name with another address',
    leftOut: () => noUnshare,
    async play(subject) {
      using hosts = new Hosts('127.0.0.1 moved.test\n');
      const setting = { host: 'moved.test', agent: { under: hosts.command } };
      await during(this, subject, setting, async ({ link }) => {
        hosts.write('127.0.0.2 moved.test\n');
        await link.move('127.0.0.2');
      });
    },
  },
  fault('a port where nobody listens', async ({ link, agent }) => {
    await link.refuse();
    await agent.ticks(2);
    await link.repair();
  }),
  fault(
    'a peer that takes connections and never reads',
    async ({ link, agent }) => {
      link.turn('stalls');
      link.cut();
      await agent.ticks(2);
      await link.repair();
    },
    { underWay: true },
  ),
  fault(
    'a connection whose other end has gone without a word',
    async ({ link, agent }) => {
      link.turn('swallows');
      await agent.ticks(2);
      await link.repair();
    },
    { underWay: true },
  ),
  fault('a peer that reads slowly', async ({ link, agent }) => {
    link.turn('crawls');
    await agent.ticks(2);
    link.turn('well');
  }),
  fault(
    'a reset in the middle of a batch',
    async ({ link }) => {
      for (let i = 0; i < 3; i += 1) await link.resetAfter(2000);
    },
    { underWay: true },
  ),
  aClockThatIsSet('a clock that is set forward by an hour', 1),
  aClockThatIsSet('a clock that is set back by an hour', -1),
];
