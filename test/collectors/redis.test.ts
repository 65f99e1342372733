import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AccessDenied, Foreseen, NoData, ParseError, Unresponsive } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import redis, { observe, parse } from '../../collectors/redis.ts';
import { encodeCommand } from '../../src/wire/resp.ts';
import { freePort, listens } from '../support/carbon.ts';
import { describeWithPeer } from '../support/peers.ts';
import { asked, saying, valuesOf } from '../support/probing.ts';

describe('what INFO says', () => {
  test('is read line by line, and numbers that are none are left out', () => {
    const info = parse('# Server\r\nredis_version:7.0.15\r\nused_memory:12\r\nmaxclients:many\r\n');
    expect([...observe('a', info)].map(({ metric, value }) => [metric.name, value])).toEqual([
      ['redis.memory.usage', 12],
    ]);
  });

  test('of a master: how far its replicas are behind', () => {
    const info = parse(
      'redis_version:7\nrole:master\nmaster_repl_offset:1000\n' +
        'slave0:ip=192.0.2.1,port=6379,state=online,offset=900,lag=0\n' +
        'db3:keys=7,expires=2,avg_ttl=0\n',
    );
    const values = valuesOf({
      observations: [...observe('a', info)],
      errors: [],
      thrown: undefined,
    });
    expect(values).toEqual({
      ...{ 'redis.replication.offset{a}': 1000, 'redis.replication.master{a}': 1 },
      ...{ 'redis.replication.lag{a,192.0.2.1:6379}': 100 },
      ...{ 'redis.keys{a,3}': 7, 'redis.keys.expiring{a,3}': 2 },
    });
  });

  test('or does not say is nothing or sound, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (noise) => {
        const info = parse(`redis_version:7\n${noise}\nused_memory:${noise}\ndb0:${noise}\n`);
        for (const { value } of observe('a', info)) expect(Number.isFinite(value)).toBe(true);
      }),
    );
    expect(() => parse('')).toThrow(ParseError);
  });
});

/** Asks whoever answers so. */
const askedOf = async (answer: string, signal?: AbortSignal) => {
  const port = await saying((socket) => socket.once('data', () => socket.write(answer)));
  return { port, ...(await asked(redis, { servers: { a: { host: '127.0.0.1', port } } }, signal)) };
};

describe('redis', () => {
  test('nobody listens', async () => {
    const port = await freePort();
    const { thrown } = await asked(redis, { servers: { a: { host: '127.0.0.1', port } } });
    expect(thrown).toEqual(new NoData(`127.0.0.1:${port}: nobody listens`));
    const socket = '/nowhere/redis.sock';
    const gone = await asked(redis, { servers: { a: { socket } } });
    expect(gone.thrown).toEqual(new NoData('/nowhere/redis.sock does not exist here'));
  });

  test('what is no Redis, refuses, or has nothing to say', async () => {
    const other = await askedOf('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect(other.thrown).toBeInstanceOf(ParseError);
    expect(String(other.thrown)).toContain('Is this Redis?');
    const loading = await askedOf('-LOADING Redis is loading the dataset in memory\r\n');
    expect(loading.thrown).toBeInstanceOf(Foreseen);
    expect((await askedOf('$-1\r\n')).thrown).toBeInstanceOf(ParseError);
    const short = await askedOf('$100\r\nredis', AbortSignal.timeout(100));
    expect(short.thrown).toEqual(
      new Unresponsive(`127.0.0.1:${short.port} did not answer in time`),
    );
  });
});

describeWithPeer('redis', 'a real Redis', () => {
  async function started(words: readonly string[] = []) {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-redis-'));
    const port = await freePort();
    const socket = join(folder, 'redis.sock');
    const given = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    const child = spawn(
      '/usr/bin/redis-server',
      [...given, '--unixsocket', socket, '--unixsocketperm', '777', ...words],
      { stdio: 'ignore' },
    );
    onTestFinished(async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true });
    });
    for (let i = 0; i < 400 && !(await listens(port)); i += 1) await sleep(25);
    chmodSync(folder, 0o755);
    return { host: '127.0.0.1', port, socket };
  }

  test('counts keys, hits and misses, and is reached by its socket, too', async () => {
    const { host, port, socket } = await started(['--maxmemory', '64mb']);
    await command(
      port,
      ['SET', 'a', '1'],
      ['SET', 'b', '1', 'EX', '1000'],
      ['GET', 'a'],
      ['GET', 'x'],
    );
    for (const server of [{ host, port }, { socket }]) {
      const run = await asked(redis, { servers: { a: server } });
      expect([run.thrown, run.errors]).toEqual([undefined, []]);
      expect(valuesOf(run, 'redis.')).toMatchObject({
        ...{ 'keys{a,0}': 2, 'keys.expiring{a,0}': 1 },
        ...{ 'keyspace.lookups{a,hits}': 1, 'keyspace.lookups{a,misses}': 1 },
        ...{ 'clients{a,connected}': 1, 'clients{a,blocked}': 0, 'clients.limit{a}': 10_000 },
        ...{ 'memory.limit{a}': 64 * 1024 * 1024, 'replication.master{a}': 1 },
        ...{ 'replication.replicas{a}': 0, 'persistence.ok{a}': 1 },
      });
      for (const key of ['memory.usage{a,rss}', 'cpu.time{a,user}', 'network.io{a,receive}']) {
        expect(valuesOf(run, 'redis.')).toHaveProperty([key]);
      }
    }
  });

  test('wants a password, and says so where it is wrong or missing', async () => {
    const at = await started(['--requirepass', 'secret']);
    const ask = async (more: object) =>
      (await asked(redis, { servers: { a: { host: at.host, port: at.port, ...more } } })).thrown;
    expect(await ask({ password: 'secret' })).toBeUndefined();
    expect(await ask({ username: 'default', password: 'secret' })).toBeUndefined();
    for (const wrong of [{}, { password: 'other' }, { username: 'nobody', password: 'secret' }]) {
      const thrown = await ask(wrong);
      expect(thrown).toBeInstanceOf(AccessDenied);
      expect(String(thrown)).not.toContain('secret');
    }
  });

  test('a replica knows its link, and its master how far it is behind', async () => {
    const master = await started(['--repl-diskless-sync-delay', '0']);
    const replica = await started(['--replicaof', '127.0.0.1', `${master.port}`]);
    const servers = {
      master: { host: master.host, port: master.port },
      replica: { host: replica.host, port: replica.port },
    };
    let values: Record<string, number> = {};
    for (let i = 0; i < 400 && values['link_up{replica}'] !== 1; i += 1) {
      await sleep(25);
      values = valuesOf(await asked(redis, { servers }), 'redis.replication.');
    }
    expect(values).toMatchObject({
      ...{ 'master{master}': 1, 'master{replica}': 0, 'replicas{master}': 1 },
      ...{ 'link_up{replica}': 1 },
    });
    expect(values).toHaveProperty([`lag{master,127.0.0.1:${replica.port}}`]);
  });

  async function command(port: number, ...commands: readonly (readonly string[])[]): Promise<void> {
    const { connect } = await import('node:net');
    const socket = connect(port, '127.0.0.1');
    socket.end([...commands, ['QUIT']].map(encodeCommand).join(''));
    socket.resume();
    await once(socket, 'close');
  }
});
