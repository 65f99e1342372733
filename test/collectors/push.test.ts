import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import push from '../../collectors/push.ts';
import { scratch } from '../support/agent.ts';
import { freePort } from '../support/carbon.ts';
import { Collectd } from '../support/collectd.ts';
import { collecting } from '../support/collector.ts';
import { collectorAt } from '../support/foreign-programs.ts';
import { hostWith } from '../support/host.ts';
import { describeWithPeer } from '../support/peers.ts';
import { forsaken } from '../support/processes.ts';

/** A collector that listens at a unix socket, and has been ticked once. */
async function listening(more: Readonly<Record<string, unknown>> = {}) {
  const path = join(scratch(), 'push.sock');
  const world = collectorAt('push', { listen: [{ at: `unix:${path}` }], ...more });
  await world.tick();
  return { ...world, path };
}

/** Sends over a connection, and has what is answered until the other side is done. */
async function sent(path: string | { port: number; host: string }, text: string | Uint8Array) {
  const socket = typeof path === 'string' ? connect(path) : connect(path);
  let answered = '';
  socket.setEncoding('utf8').on('data', (piece: string) => {
    answered += piece;
  });
  socket.end(text);
  await once(socket, 'close');
  return answered;
}

describe('lines', () => {
  test('of all forms are told apart', async () => {
    const { values, path } = await listening();
    await sent(
      path,
      'app.requests 12 1795219200\nhits:2|c\nhits:1|c|@0.5\nlevel:7|g\nlevel:-2|g\nusers:a|s\nusers:b|s\n' +
        'm,tag=x f=1.5 1795219200000000000\nPUTVAL web01/app/gauge-it N:4\nq;name=in 3\n',
    );
    expect(await values()).toEqual({
      'app.requests': 12,
      hits: 4,
      level: 5,
      users: 2,
      'm.f{tag=x}': 1.5,
      'app.gauge{plugin_instance=,type_instance=it}': 4,
      'q{name=in}': 3,
    });
    // A counter goes on, at nothing; a level at what it was; the others wait for a word.
    expect(await values()).toEqual({ hits: 0, level: 5, users: 0 });
  });

  test('of timers become their spread', async () => {
    const { values, path } = await listening({ percentiles: [50, 90] });
    await sent(path, Array.from({ length: 101 }, (_, i) => `t:${i}|ms\n`).join(''));
    expect(await values()).toEqual({
      't.count': 101,
      't.mean': 50,
      't.min': 0,
      't.max': 100,
      't.p50': 50,
      't.p90': 90,
      't.sum': 5050,
    });
    expect(await values()).toEqual({ 't.count': 0 });
  });

  test('that cannot be read cost themselves, and are told of', async () => {
    const { values, path, troubles } = await listening();
    await sent(path, 'a 1\nnonsense\nb:1|zz\nc 3\n');
    expect(await values()).toEqual({ a: 1, c: 3 });
    expect(troubles()).toEqual([
      expect.stringMatching(/^InfluxDB's line: /),
      expect.stringMatching(/^statsd's line: .*has no type that is known/),
    ]);
  });

  test('of a million names are refused, and counted', async () => {
    const { values, path, troubles } = await listening({ series: 50 });
    await sent(path, Array.from({ length: 5000 }, (_, i) => `a${i} 1\n`).join(''));
    await sent(path, Array.from({ length: 5000 }, (_, i) => `b${i}:1|c\n`).join(''));
    expect(Object.keys(await values())).toHaveLength(50);
    expect(troubles().join()).toContain('more series than the 50');
    expect(troubles().join()).toContain('4950 statsd events of more names');
  });

  test('of one form only, where that is said', async () => {
    const path = join(scratch(), 'statsd.sock');
    const { values, tick } = collectorAt('push', {
      listen: [{ at: `unix:${path}`, format: 'statsd' }],
    });
    await tick();
    await sent(path, 'a:1|c\na 1\n');
    expect(await values()).toEqual({ a: 1 });
  });
});

test('UDP and TCP are taken on the loopback', async () => {
  const [udp, tcp] = [await freePort(), await freePort()];
  const { values, tick } = collectorAt('push', {
    listen: [{ at: `udp:127.0.0.1:${udp}` }, { at: `tcp:127.0.0.1:${tcp}` }],
    as: 'pushed',
  });
  await tick();
  await sent({ port: tcp, host: '127.0.0.1' }, 'a 1\nb 2');
  const socket = createSocket('udp4');
  let seen: Record<string, number> = {};
  while (seen['pushed.c'] === undefined) {
    socket.send('c:1|c\nd:2|g', udp, '127.0.0.1');
    await sleep(5);
    seen = { ...seen, ...(await values()) };
  }
  socket.close();
  expect(seen).toMatchObject({ 'pushed.a': 1, 'pushed.b': 2, 'pushed.d': 2 });
});

test('PUTVAL is answered as collectd answers it', async () => {
  const { path, tick } = await listening();
  await tick();
  expect(
    await sent(
      path,
      'PUTVAL web01/a/gauge N:1\nPUTVAL web01/a/load N:1:2:3 N:1:2:3\nPUTVAL web01/a/load N:1\nLISTVAL\nFLUSH\nPUTNOTIF severity=okay message=x\n',
    ),
  ).toBe(
    `0 Success: 1 value has been dispatched.
0 Success: 2 values have been dispatched.
-1 collectd's PUTVAL: "PUTVAL web01/a/load N:1" has 1 values where type load has 3
-1 Unknown command: LISTVAL
0 Done: 0 successful, 0 errors
0 Success
`,
  );
});

describe('what is not bounded by whoever sends is bounded here', () => {
  test('connections', async () => {
    const { path, tick, troubles } = await listening({ connections: 2 });
    const held = [connect(path), connect(path)];
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    expect(await sent(path, '')).toBe('');
    await tick();
    expect(troubles().join()).toContain('1 connections beyond 2 were closed');
    for (const socket of held) socket.destroy();
  });

  test('bytes of a tick: the rest waits for the next one', async () => {
    const { path, values } = await listening({ bytes: '64KiB', series: 100_000 });
    const lines = Array.from({ length: 40_000 }, (_, i) => `name.of.a.series.${i} ${i}\n`);
    const all = sent(path, lines.join(''));
    const seen = new Set<string>();
    // All of it would be there by now.
    await sleep(200);
    while (seen.size < lines.length) {
      const names = Object.keys(await values());
      // It stops behind the piece with which they are too many, and each line has 20 bytes at least.
      expect(names.length).toBeLessThan((2 * 64 * 1024) / 20);
      for (const name of names) seen.add(name);
      await sleep(2);
    }
    await all;
  });

  test('bytes of a tick, in datagrams: the rest is left out, and counted', async () => {
    const port = await freePort();
    const at = `udp:127.0.0.1:${port}`;
    const { tick, troubles } = collectorAt('push', { listen: [{ at }], bytes: '64KiB' });
    await tick();
    const socket = createSocket('udp4');
    while (!troubles().join().includes('datagrams beyond 65536 bytes a tick were left out')) {
      for (let i = 0; i < 70; i += 1) socket.send(`${'a'.repeat(999)} 1\n`, port, '127.0.0.1');
      await sleep(20);
      await tick();
    }
    socket.close();
  });

  test('answers that nobody reads', async () => {
    const { path, values } = await listening({ connections: 1 });
    const deaf = connect(path).pause();
    deaf.on('error', () => {});
    deaf.write('PUTVAL web01/a/gauge N:1\n'.repeat(50_000));
    // There is room for another once it was closed.
    while ((await values())['alive'] !== 1) {
      await sent(path, 'alive 1\n').catch(() => undefined);
      await sleep(5);
    }
    deaf.destroy();
  });

  test('lines', async () => {
    const { path, values, troubles } = await listening();
    await sent(path, `a 1\n${'x'.repeat(200_000)}\nb 2\n`);
    expect(await values()).toEqual({ a: 1, b: 2 });
    expect(troubles().join()).toContain('1 lines were too long');
  });

  test('any bytes, in pieces of any size', async () => {
    const { path, values } = await listening({ series: 1000 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
        async (pieces) => {
          const socket = connect(path);
          socket.on('error', () => {});
          socket.resume();
          for (const piece of pieces) socket.write(piece);
          socket.end('\n');
          await once(socket, 'close');
        },
      ),
      { numRuns: 50 },
    );
    await sent(path, 'alive 1\n');
    expect(await values()).toMatchObject({ alive: 1 });
  });
});

describe('its place', () => {
  test('has the permissions that are asked for, and is gone with the agent', async () => {
    const { path, agent } = await listening({ mode: '606' });
    expect(statSync(path).mode & 0o777).toBe(0o606);
    await agent.stop(0);
    expect(() => statSync(path)).toThrow();
  });

  test('is taken over where nobody listens any more, and not where somebody does', async () => {
    const { path, tick, values } = await listening();
    const other = collectorAt('push', { listen: [{ at: `unix:${path}` }] });
    await other.tick();
    expect(other.troubles().join()).toContain('cannot listen at');
    await tick();
    await sent(path, 'a 1\n');
    expect(await values()).toEqual({ a: 1 });

    const left = join(scratch(), 'left.sock');
    await forsaken(left);
    const heir = collectorAt('push', { listen: [{ at: `unix:${left}` }] });
    await heir.tick();
    await sent(left, 'a 1\n');
    expect(await heir.values()).toEqual({ a: 1 });
  });

  test('that is a file of somebody is left alone', async () => {
    const path = join(scratch(), 'file');
    writeFileSync(path, 'precious');
    const { tick, troubles } = collectorAt('push', { listen: [{ at: `unix:${path}` }] });
    await tick();
    expect(troubles().join()).toContain('cannot listen at');
    expect(statSync(path).size).toBe(8);
  });

  test('is not taken by whoever only looks', async () => {
    const path = join(scratch(), 'push.sock');
    const options = { listen: [{ at: `unix:${path}` }] };
    const { errors } = await collecting(push)(0, { host: hostWith({}), options });
    expect(errors.map(({ message }) => message)).toEqual(['only an agent that runs listens']);
    expect(() => statSync(path)).toThrow();
  });

  test.each([
    '/run/it',
    'unix:it',
    'udp:127.0.0.1',
    'tcp:127.0.0.1:70000',
    `unix:/${'a'.repeat(120)}`,
  ])('is refused: %s', (at) => {
    expect(push.options.safeParse({ listen: [{ at }] }).error?.message).toContain('must be');
  });
});

describeWithPeer(['collectd', 'collectdctl'], 'collectdctl', () => {
  const ask = async (path: string, ...words: readonly string[]) => {
    const run = promisify(execFile);
    return await run('collectdctl', ['-s', path, ...words]).then(
      ({ stdout }) => ({ ok: true, said: stdout }),
      (error: { stdout: string }) => ({ ok: false, said: error.stdout }),
    );
  };
  const PUTS = [
    ['putval', 'web01/app/gauge-it', 'interval=10', 'N:42'],
    ['putval', 'web01/app/if_octets-eth0', 'N:1:2'],
    ['putval', 'web01/app/unheard', 'N:1:2'],
    ['putval', 'web01/app/gauge-it', 'N:none'],
  ];

  test('is served as by a real collectd', async () => {
    const { path, tick, lines } = await listening();
    const real = join(scratch(), 'collectd.sock');
    await using _collectd = Collectd.start(
      'web01',
      ['unixsock'],
      `<Plugin unixsock>\n  SocketFile "${real}"\n</Plugin>\n<Plugin write_graphite>\n</Plugin>\n`,
    );
    while (!(await ask(real, 'putval', 'web01/app/gauge-first', 'N:1')).ok) await sleep(20);
    for (const words of PUTS) expect(await ask(path, ...words)).toEqual(await ask(real, ...words));
    await tick();
    expect(lines('collectd')).toEqual([
      'web01.app.gauge-it 42',
      'web01.app.if_octets-eth0.rx 1',
      'web01.app.if_octets-eth0.tx 2',
    ]);
  });
});
