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
import { expectSound } from '../support/collector.ts';
import { describeWithPeer } from '../support/peers.ts';
import { asked, saying, valuesOf } from '../support/probing.ts';

describe('what INFO says', () => {
  test('is read line by line, and numbers that are none are left out', () => {
    const info = parse('# Server\r\nredis_version:7.0.15\r\nused_memory:12\r\nmaxclients:many\r\n');
    expect([...observe('a', info)].map(({ metric, value }) => [metric.name, value])).toEqual([
      ['redis.memory.usage', 12],
    ]);
  });

  test('is told by the names that it goes by here', () => {
    // In the form of Redis 7.0, of a replica.
    const text = `# Server\r
redis_version:7.0.15\r
uptime_in_seconds:86400\r
\r
# Clients\r
connected_clients:5\r
maxclients:10000\r
blocked_clients:2\r
\r
# Memory\r
used_memory:1048576\r
used_memory_rss:4194304\r
used_memory_peak:2097152\r
used_memory_lua:31744\r
maxmemory:0\r
mem_fragmentation_ratio:4.25\r
\r
# Persistence\r
rdb_changes_since_last_save:12\r
rdb_last_save_time:1795219200\r
rdb_last_bgsave_status:err\r
\r
# Stats\r
total_connections_received:100\r
total_commands_processed:200\r
total_net_input_bytes:300\r
total_net_output_bytes:400\r
rejected_connections:6\r
expired_keys:7\r
evicted_keys:8\r
keyspace_hits:9\r
keyspace_misses:10\r
pubsub_channels:11\r
pubsub_patterns:13\r
\r
# Replication\r
role:slave\r
master_link_status:down\r
slave_repl_offset:14\r
connected_slaves:0\r
master_repl_offset:15\r
\r
# CPU\r
used_cpu_sys:1.5\r
used_cpu_user:2.5\r
used_cpu_sys_children:0.25\r
used_cpu_user_children:0.75\r
`;
    const observations = [...observe('a', parse(text))];
    const values = valuesOf({ observations, errors: [], thrown: undefined }, 'redis.');
    expect(values).toEqual({
      ...{ 'uptime{a}': 86_400, 'clients{a,connected}': 5, 'clients{a,blocked}': 2 },
      ...{ 'clients.limit{a}': 10_000, 'connections{a,received}': 100 },
      ...{ 'connections{a,rejected}': 6, 'commands{a}': 200 },
      ...{ 'network.io{a,receive}': 300, 'network.io{a,transmit}': 400 },
      ...{ 'memory.usage{a,used}': 2 ** 20, 'memory.usage{a,rss}': 2 ** 22 },
      ...{ 'memory.usage{a,peak}': 2 ** 21, 'memory.usage{a,lua}': 31_744 },
      ...{ 'memory.fragmentation{a}': 4.25 },
      ...{ 'keyspace.lookups{a,hits}': 9, 'keyspace.lookups{a,misses}': 10 },
      ...{ 'keys.removed{a,expired}': 7, 'keys.removed{a,evicted}': 8 },
      ...{ 'pubsub{a,channels}': 11, 'pubsub{a,patterns}': 13 },
      ...{ 'persistence.changes{a}': 12, 'persistence.last_save{a}': 1_795_219_200 },
      ...{ 'persistence.ok{a}': 0, 'cpu.time{a,user}': 2.5, 'cpu.time{a,system}': 1.5 },
      ...{ 'cpu.time{a,children.user}': 0.75, 'cpu.time{a,children.system}': 0.25 },
      ...{ 'replication.master{a}': 0, 'replication.replicas{a}': 0 },
      ...{ 'replication.link_up{a}': 0, 'replication.offset{a}': 14 },
    });
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
    const number = fc.oneof(
      fc.constantFrom('1e999', 'inf', '-1', '0', '0.5', `${'9'.repeat(400)}`, '.', '1.5.5', ''),
      fc.nat().map(String),
    );
    let seen = 0;
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), number, number), (noise) => {
        const info = parse(
          `redis_version:7\n${noise}\nused_memory:${noise}\ndb0:keys=${noise},expires=${noise}\n` +
            `master_repl_offset:${noise}\nslave0:ip=a,port=1,state=b,offset=${noise}\n`,
        );
        const observations = [...observe('a', info)];
        expectSound(redis, { observations, errors: [], thrown: undefined });
        seen += observations.length;
      }),
    );
    expect(seen).toBeGreaterThan(50);
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
    for (const refusal of ['NOPERM this user has no permissions', 'ERR invalid password']) {
      expect((await askedOf(`-${refusal}\r\n`)).thrown).toBeInstanceOf(AccessDenied);
    }
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
