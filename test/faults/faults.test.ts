/**
 * Faults, and that nothing is lost by them: the built program sends to a real server over a link that
 * breaks. Beside it the program writes an archive of all it observes; when the fault is over, the
 * server must have every point of it, and the books must balance.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FaultyLink } from '../support/faulty-link.ts';
import { describeWithPeer } from '../support/peers.ts';
import { RunningAgent } from '../support/running.ts';
import { Certificates } from '../support/tls.ts';
import { expectAllArrived } from './arrival.ts';
import {
  amqp,
  type FaultPeer,
  graphite,
  http,
  LineSink,
  riemann,
  type Secured,
  type Subject,
} from './subject.ts';

const SUBJECTS: readonly Subject[] = [graphite, riemann, http, amqp];

interface Scene {
  readonly peer: FaultPeer;
  readonly link: FaultyLink;
  readonly agent: RunningAgent;
}

type Fault = (scene: Scene) => Promise<void>;

const aWhile = (agent: RunningAgent) => agent.ticks(2);

const FAULTS: Readonly<Record<string, Fault>> = {
  'a port where nobody listens': async ({ link, agent }) => {
    await link.refuse();
    await aWhile(agent);
    await link.repair();
  },
  'a peer that takes connections and never reads': async ({ link, agent }) => {
    link.turn('stalls');
    link.cut();
    await aWhile(agent);
    await link.repair();
  },
  'a connection whose other end has gone without a word': async ({ link, agent }) => {
    link.turn('swallows');
    await aWhile(agent);
    await link.repair();
  },
  'a peer that reads slowly': async ({ link, agent }) => {
    link.turn('crawls');
    await aWhile(agent);
    link.turn('well');
  },
  'a reset in the middle of a batch': async ({ link, agent }) => {
    for (let i = 0; i < 3; i += 1) {
      link.resetAfter(2000);
      await agent.ticks(1);
    }
  },
  'a peer that restarts ten times': async ({ peer, agent }) => {
    for (let i = 0; i < 10; i += 1) {
      await peer.restart();
      if (i % 3 === 0) await agent.ticks(1);
    }
  },
};

for (const subject of SUBJECTS) {
  const title = `${subject.name} loses nothing by`;
  const tests = (): void => {
    test.concurrent.each(Object.entries(FAULTS))('%s', { timeout: 60_000 }, async (_, fault) => {
      await using peer = await subject.peer();
      await using link = await FaultyLink.to(peer.port);
      await using agent = new RunningAgent({ subject: subject.handler(link.port) });
      await agent.ticks(2);
      await fault({ peer, link, agent });
      await agent.ticks(2);
      await expectAllArrived(agent, peer);
    });
  };
  if (subject.needs === undefined) describe(title, tests);
  else describeWithPeer(subject.needs, title, tests);
}

const root = process.getuid?.() === 0 && existsSync('/usr/bin/unshare');
const MOVED = `a name with another address${root ? '' : ' (left out: takes root and unshare)'}`;

describe('graphite loses nothing by', () => {
  test.concurrent('a clock that somebody sets', { timeout: 60_000 }, async () => {
    await using peer = await LineSink.listen();
    await using agent = new RunningAgent(
      { subject: graphite.handler(peer.port) },
      { node: ['--import', SETTABLE_CLOCK] },
    );
    await agent.ticks(2);
    agent.signal('SIGUSR2');
    await agent.ticks(3);
    const times = [...agent.archived().values()].flatMap((points) => [...points.keys()]);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(3600);
    await expectAllArrived(agent, peer);
  });

  test.runIf(root).concurrent(MOVED, { timeout: 60_000 }, async () => {
    await using before = await LineSink.listen();
    await using after = await LineSink.listen('127.0.0.2', before.port);
    using hosts = new Hosts('127.0.0.1 carbon.test\n');
    await using agent = new RunningAgent(
      { subject: graphite.handler(before.port).replace('127.0.0.1', 'carbon.test') },
      { under: hosts.command },
    );
    await agent.ticks(2);
    hosts.write('127.0.0.2 carbon.test\n');
    await before.restart();
    await before[Symbol.asyncDispose]();
    await agent.ticks(3);
    expect(after.received().size).toBeGreaterThan(0);
    await expectAllArrived(agent, before, after);
  });
});

const moves = ({ start, handler }: Secured): void => {
  test.runIf(root).concurrent(MOVED, { timeout: 60_000 }, async () => {
    await using before = await start({});
    const { port } = before;
    await using after = await start({ at: { host: '127.0.0.2', port } });
    using hosts = new Hosts('127.0.0.1 moved.test\n');
    await using agent = new RunningAgent(
      { subject: handler(port).replace('127.0.0.1', 'moved.test') },
      { under: hosts.command },
    );
    await agent.ticks(2);
    hosts.write('127.0.0.2 moved.test\n');
    // It is killed, and back again for the question of what it has.
    await before.restart();
    await agent.ticks(3);
    expect((await after.received()).size).toBeGreaterThan(0);
    await expectAllArrived(agent, before, after);
  });

  test.concurrent('a certificate that expires', { timeout: 60_000 }, async () => {
    using certificates = new Certificates();
    const { ours, folder } = certificates;
    const [good, old] = [false, true].map((expired) =>
      ours.issue(expired ? 'old' : 'good', { names: 'DNS:localhost', expired }),
    );
    const pair = { cert: join(folder, 'used.pem'), key: join(folder, 'used.key'), ca: ours.cert };
    const use = (files: typeof good): void => {
      if (files === undefined) throw new Error('no certificate');
      copyFileSync(files.cert, pair.cert);
      copyFileSync(files.key, pair.key);
    };
    use(good);
    await using peer = await start({ pair });
    const { port } = peer;
    use(old);
    await peer.restart();
    const secured = handler(port, `, tls: { ca: ${ours.cert} }`);
    await using agent = new RunningAgent({
      subject: secured.replace('http:', 'https:').replace('127.0.0.1', 'localhost'),
    });
    await agent.ticks(2);
    expect(agent.log.join('\n')).toContain(
      `localhost:${port}: its certificate, or that of its authority, has expired. Renew it there.`,
    );
    for (const next of [good, old, good]) {
      use(next);
      await peer.restart();
      await agent.ticks(2);
    }
    await expectAllArrived(agent, peer);
  });
};

for (const subject of [http, amqp]) {
  describeWithPeer(subject.needs, `${subject.name} loses nothing by`, () => moves(subject));
}

/** Adds an hour to the program's wall clock at a SIGUSR2, and to nothing else. */
const SETTABLE_CLOCK = `data:text/javascript,${encodeURIComponent(`
  const now = Date.now;
  let set = 0;
  Date.now = () => now() + set;
  process.on('SIGUSR2', () => { set += 3600e3; });
`)}`;

/** An /etc/hosts of a command's own. */
class Hosts implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cullinan-hosts-'));
  readonly #path = join(this.#folder, 'hosts');
  readonly command: readonly string[];

  constructor(text: string) {
    this.write(text);
    const script = `mount --bind ${this.#path} /etc/hosts && exec "$@"`;
    this.command = ['unshare', '--mount', 'sh', '-c', script, 'sh'];
  }

  write(text: string): void {
    writeFileSync(this.#path, text);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
