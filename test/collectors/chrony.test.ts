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
import { freePort } from '../support/carbon.ts';
import { expectDistinct } from '../support/collector.ts';
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

/** A power of two as chronyd writes it: 7 bits of exponent, 25 of coefficient. */
const power = (value: number): number =>
  (((Math.log2(Math.abs(value)) + 2) & 0x7f) << 25) | ((Math.sign(value) * 2 ** 23) & 0x1ff_ffff);

/** One that follows a source by its address, and has a reference clock, twice, that has never answered. */
function chronyd(question: Buffer): Buffer {
  const command = question.readUInt16BE(4);
  const body = Buffer.alloc(76);
  const put = (bytes: 2 | 4, numbers: Readonly<Record<number, number>>) => {
    for (const [at, number] of Object.entries(numbers)) body.writeUIntBE(number, Number(at), bytes);
  };
  const powers = (at: number, ...numbers: readonly number[]) => {
    for (const [i, number] of numbers.entries()) body.writeInt32BE(power(number), at + 4 * i);
  };
  if (command === 33) {
    put(2, { 24: 3 });
    put(4, { 32: 1_795_219_200, 36: 500_000_000 });
    powers(40, -0.5, 0.25, 0.125, 2 ** -10, -(2 ** -12), 2 ** -14, 2, 4, 64);
  } else if (command === 14) put(4, { 0: 3 });
  else if (question.readUInt32BE(20) === 0) {
    put(4, { 0: 0xc0000201, 32: 20 });
    put(2, { 16: 1, 20: 6, 22: 2, 30: 0b1101 });
    powers(40, -0.5, 0.25);
  } else {
    body.write('PPS0', 0, 'latin1');
    put(2, { 20: 4, 24: 1, 26: 2 });
    put(4, { 32: 0xffff_ffff });
  }
  const head = Buffer.alloc(28);
  head.set([6, 2]);
  head.writeUInt16BE({ 14: 2, 15: 3, 33: 5 }[command] ?? 0, 6);
  question.copy(head, 16, 8, 12);
  return Buffer.concat([head, body]);
}

describe('chrony', () => {
  test('tells all that chronyd says under the names that it goes by here', async () => {
    const run = await asked(chrony, { port: await answering(chronyd) });
    expect([run.thrown, run.errors]).toEqual([undefined, []]);
    expectDistinct(run);
    expect(valuesOf(run, 'chrony.')).toEqual({
      ...{ 'synchronized{}': 1, 'stratum{}': 3, 'updated{}': 1_795_219_200.5 },
      // It says how far the clock is behind, and how far it was ahead.
      ...{ 'offset{}': 0.5, 'offset.last{}': 0.25, 'offset.rms{}': 0.125 },
      ...{ 'frequency{}': 2 ** -10 * 1e-6, 'frequency.residual{}': -(2 ** -12) * 1e-6 },
      ...{ 'frequency.skew{}': 2 ** -14 * 1e-6, 'root.delay{}': 2, 'root.dispersion{}': 4 },
      ...{ 'update_interval{}': 64, 'sources{}': 3 },
      ...{ 'source.selected{192.0.2.1,server}': 1, 'source.usable{192.0.2.1,server}': 1 },
      ...{ 'source.reached{192.0.2.1,server}': 3, 'source.poll{192.0.2.1,server}': 64 },
      ...{ 'source.stratum{192.0.2.1,server}': 2, 'source.since{192.0.2.1,server}': 20 },
      ...{ 'source.offset{192.0.2.1,server}': -0.5, 'source.error{192.0.2.1,server}': 0.25 },
      ...{ 'source.selected{PPS0,clock}': 0, 'source.usable{PPS0,clock}': 0 },
      ...{ 'source.reached{PPS0,clock}': 0, 'source.poll{PPS0,clock}': 16 },
    });
  });

  test('asks for a hundred sources at most, however many it says that it has', async () => {
    const indexes: number[] = [];
    const port = await answering((question) => {
      const [command, index] = [question.readUInt16BE(4), question.readUInt32BE(20)];
      if (command === 15) indexes.push(index);
      const answer = chronyd(question);
      if (command === 14) answer.writeUInt32BE(101, 28);
      return answer;
    });
    const run = await asked(chrony, { port });
    expect([run.thrown, run.errors]).toEqual([undefined, []]);
    expect(valuesOf(run, 'chrony.sources')).toEqual({ '{}': 101 });
    expect(indexes).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

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
    const [port, ntp] = [await freePort(), await freePort()];
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

  test('sources whose names were not found are told apart', async () => {
    const { port } = await started(['server a.invalid', 'server b.invalid']);
    const run = await asked(chrony, { port });
    expect([run.thrown, run.errors]).toEqual([undefined, []]);
    expect(valuesOf(run, 'chrony.source.reached')).toEqual({
      '{id-1,server}': 0,
      '{id-2,server}': 0,
    });
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
    // It may select its source between the two questions of a collection: the next one has both.
    const follows = () =>
      values['source.selected{127.0.0.1,server}'] === 1 && values['synchronized{}'] === 1;
    for (let i = 0; i < 400 && !follows(); i += 1) {
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
