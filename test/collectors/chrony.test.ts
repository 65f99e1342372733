import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { NoData, ParseError, Unresponsive } from 'cullinan/plugin';
import { describe, expect, onTestFinished, test } from 'vitest';
import chrony from '../../collectors/chrony.ts';
import { describeWithPeer } from '../support/peers.ts';
import { asked, valuesOf } from '../support/probing.ts';

/** A port of UDP on which somebody answers so, or nobody. */
async function answering(answer?: (question: Buffer) => Buffer | undefined): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  if (answer === undefined) {
    socket.close();
    return port;
  }
  onTestFinished(() => void socket.close());
  socket.on('message', (question, { port }) => {
    const bytes = answer(question);
    if (bytes !== undefined) socket.send(bytes, port, '127.0.0.1');
  });
  return port;
}

describe('chrony', () => {
  test('nobody listens', async () => {
    const port = await answering();
    const { thrown } = await asked(chrony, { port });
    expect(thrown).toEqual(new NoData(`127.0.0.1:${port}: nobody listens`));
  });

  test('nobody answers', async () => {
    const port = await answering(() => undefined);
    const { thrown } = await asked(chrony, { port }, AbortSignal.timeout(100));
    expect(thrown).toEqual(new Unresponsive(`127.0.0.1:${port} did not answer in time`));
  });

  test('somebody else answers', async () => {
    const port = await answering((question) => question);
    const { thrown } = await asked(chrony, { port });
    expect(thrown).toBeInstanceOf(ParseError);
    expect(String(thrown)).toContain('Is this chronyd?');
  });
});

describeWithPeer('chrony', 'a real chronyd', () => {
  /** One that sets no clock. */
  async function started(lines: readonly string[]) {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-chrony-'));
    const [port, ntp] = [await answering(), await answering()];
    const config = join(folder, 'chrony.conf');
    const own = [`cmdport ${port}`, `port ${ntp}`, 'bindaddress 127.0.0.1', 'bindcmdaddress /'];
    const files = [`pidfile ${folder}/pid`, `driftfile ${folder}/drift`];
    writeFileSync(config, [...own, ...files, ...lines, ''].join('\n'));
    const child = spawn('/usr/sbin/chronyd', ['-x', '-d', '-u', 'root', '-f', config], {
      stdio: 'ignore',
    });
    onTestFinished(async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true });
    });
    const chronyc = async (words: string) => {
      const given = ['-h', '127.0.0.1', '-p', `${port}`, '-c', ...words.split(' ')];
      return (await promisify(execFile)('/usr/bin/chronyc', given)).stdout;
    };
    for (let i = 0; i < 400; i += 1) {
      if ((await asked(chrony, { port })).thrown === undefined) break;
      await sleep(25);
    }
    return { port, ntp, chronyc };
  }

  test('says what chronyc says of it', async () => {
    const { port, chronyc } = await started(['local stratum 5']);
    const values = valuesOf(await asked(chrony, { port }), 'chrony.');
    expect(values).toMatchObject({
      ...{ 'synchronized{}': 1, 'stratum{}': 5, 'sources{}': 0, 'root.delay{}': 0 },
    });
    const tracking = (await chronyc('tracking')).trim().split(',');
    expect(values['frequency{}']).toBeCloseTo(Number(tracking[7]) / 1e6, 9);
    expect(values['frequency.skew{}']).toBeCloseTo(Number(tracking[9]) / 1e6, 9);
    expect(values['updated{}']).toBeGreaterThan(1_700_000_000);
  });

  test('says that it is not synchronized, and of a source that never answered', async () => {
    const { port } = await started(['server 192.0.2.1 offline', 'server ::1 offline']);
    const values = valuesOf(await asked(chrony, { port }), 'chrony.');
    expect(values).toMatchObject({
      ...{ 'synchronized{}': 0, 'sources{}': 2 },
      ...{ 'source.reached{192.0.2.1,server}': 0, 'source.selected{192.0.2.1,server}': 0 },
      ...{ 'source.usable{192.0.2.1,server}': 0, 'source.reached{::1,server}': 0 },
    });
    expect(values).not.toHaveProperty('stratum{}');
    expect(values).not.toHaveProperty(['source.offset{192.0.2.1,server}']);
  });

  test('follows another chronyd', async () => {
    const server = await started(['local stratum 5', 'allow 127.0.0.1']);
    const { port } = await started([
      `server 127.0.0.1 port ${server.ntp} iburst minpoll -1 maxpoll -1`,
    ]);
    let values: Record<string, number> = {};
    for (let i = 0; i < 400 && values['source.selected{127.0.0.1,server}'] !== 1; i += 1) {
      await sleep(50);
      values = valuesOf(await asked(chrony, { port }), 'chrony.');
    }
    expect(values).toMatchObject({
      ...{ 'synchronized{}': 1, 'stratum{}': 6, 'source.stratum{127.0.0.1,server}': 5 },
      ...{ 'source.usable{127.0.0.1,server}': 1, 'source.poll{127.0.0.1,server}': 0.5 },
    });
    expect(Math.abs(values['offset{}'] ?? 1)).toBeLessThan(0.1);
    expect(values['source.reached{127.0.0.1,server}']).toBeGreaterThan(0);
  });
});
