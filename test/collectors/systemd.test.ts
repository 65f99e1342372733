import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Foreseen, NoData, type Observation, Unresponsive } from 'cullinan/plugin';
import { describe, expect, onTestFinished, test } from 'vitest';
import systemd from '../../collectors/systemd.ts';
import { idleAgent } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';
import { describeWithPeer } from '../support/peers.ts';

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'cullinan-bus-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
};

async function collectFrom(socket: string, signal = new AbortController().signal) {
  const session = await systemd.open?.();
  if (session === undefined) throw new Error('it has no session');
  try {
    const options = systemd.options.parse({ socket });
    const since = () => undefined;
    const host = hostWith({});
    const context = { host, options, signal, since, agent: idleAgent, time: 0 };
    const seen: (Observation | Error)[] = [];
    for await (const one of await session.collect(context)) seen.push(one);
    return seen;
  } finally {
    await session.close();
  }
}

/** Whoever listens at a socket, and answers as it likes. */
async function listening(answer: (socket: Socket) => void): Promise<string> {
  const path = join(folder(), 'bus');
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on('error', () => {}));
    answer(socket);
  }).listen(path);
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return path;
}

describe('systemd', () => {
  test('has no data where there is no bus', async () => {
    await expect(collectFrom(join(folder(), 'none'))).rejects.toThrow(NoData);
  });

  test('says so where the bus refuses it', async () => {
    const path = await listening((socket) => socket.end('REJECTED EXTERNAL\r\n'));
    await expect(collectFrom(path)).rejects.toThrow(
      new Foreseen(`${path}: refused: REJECTED EXTERNAL`),
    );
  });

  test('a bus that is none, and one that ends in the middle', async () => {
    const other = await listening((socket) =>
      socket.end('OK 1234\r\nHTTP/1.1 400 Bad Request\r\n'),
    );
    await expect(collectFrom(other)).rejects.toThrow(/a message of D-Bus with another beginning/);
    const short = await listening((socket) => socket.end('OK 1234\r\n'));
    await expect(collectFrom(short)).rejects.toThrow('the bus ended the connection');
  });

  test('a bus that says nothing is given up at the deadline', async () => {
    const deadline = new AbortController();
    const path = await listening((socket) => socket.once('data', () => deadline.abort()));
    await expect(collectFrom(path, deadline.signal)).rejects.toThrow(Unresponsive);
  });
});

describeWithPeer('dbus', 'a real bus', () => {
  async function bus(policy: string): Promise<string> {
    const at = folder();
    const path = join(at, 'bus');
    const config = join(at, 'bus.conf');
    writeFileSync(
      config,
      `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=${path}</listen>
<policy context="default"><allow user="*"/><allow send_destination="*"/>
<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
${policy}</policy></busconfig>`,
    );
    chmodSync(at, 0o755);
    const daemon = spawn('dbus-daemon', ['--nofork', '--print-address', '--config-file', config], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(async () => {
      const ended = once(daemon, 'exit');
      daemon.kill();
      await ended;
    });
    await once(daemon.stdout, 'data');
    return path;
  }

  test('on which no systemd is has no data', async () => {
    const path = await bus('');
    await expect(collectFrom(path)).rejects.toThrow(NoData);
  });

  test('that lets nobody in is said to have ended the connection', async () => {
    const path = await bus('<deny user="*"/>');
    await expect(collectFrom(path)).rejects.toThrow(`${path}: the bus ended the connection`);
  });
});
