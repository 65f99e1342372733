import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import gnocchi from '../../handlers/gnocchi.ts';
import { systemClock } from '../../src/clock/index.ts';
import type { Connection, Handler, Point, z } from '../../src/plugin/index.ts';
import { freePort } from '../support/carbon.ts';
import { around, delivery } from '../support/delivery.ts';
import { Gnocchi, Keystone } from '../support/gnocchi.ts';
import { guestOf, guestPoints } from '../support/guests.ts';
import { LibvirtPeer, recordedGuest } from '../support/libvirt-peer.ts';
import { describeWithPeer } from '../support/peers.ts';
import { point } from '../support/points.ts';
import { RunningAgent } from '../support/running.ts';

const forever = new AbortController().signal;
const TICKS = [1_795_219_200, 1_795_219_500, 1_795_219_800];
const NOVA = { instance: 'web', flavor: 'm1.small', project_id: 'a1', user_id: 'b2' };

type Given = z.input<typeof gnocchi.options>;

const open = (given: Given): Promise<Connection> =>
  gnocchi.open({ ...around, options: gnocchi.options.parse(given), signal: forever });

async function post(given: Given, batch: readonly Point[]): Promise<Connection> {
  const connection = await open(given);
  await connection.write(batch, forever);
  await connection.close();
  return connection;
}

type Headers = Readonly<Record<string, string>>;
const ADMIN = { authorization: `Basic ${Buffer.from('admin:').toString('base64')}` };

async function get(url: string, headers: Headers = ADMIN) {
  const answer = await fetch(url, { headers: { ...headers, accept: 'application/json' } });
  return answer.json();
}

/** The measures of a metric, its new ones worked in, as aggregates by time. */
async function measures(at: string, path: string, how = '', headers?: Headers) {
  const list = await get(`${at}/v1/resource/${path}/measures?refresh=true${how}`, headers);
  return (list as [string, number, number][]).map(([time, , value]) => [
    Date.parse(time) / 1000,
    value,
  ]);
}

describeWithPeer(['gnocchi', 'postgresql'], 'measures for a real Gnocchi', () => {
  let server: Gnocchi;
  let given: Given;

  beforeAll(async () => {
    server = await Gnocchi.start();
    given = { url: server.url, username: 'admin' };
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const counted = (connection: Connection) => connection.counts;

  test('are taken by one that knows nothing yet: policies, types and resources are created', async () => {
    const { uuid, domain } = guestOf(1);
    const connection = await post(given, guestPoints([guestOf(1)], TICKS, NOVA));
    expect(counted(connection)).toMatchObject({ 'resources.created': 3, 'resources.refused': 0 });
    expect(await measures(server.url, `instance/${uuid}/metric/cpu`)).toEqual([
      [TICKS[0], 6_235_344_000],
      [TICKS[1], 12_470_688_000],
      [TICKS[2], 18_706_032_000],
    ]);
    // Nectar's cpu_util: the rate over five minutes, of two CPUs.
    const rates = await measures(
      server.url,
      `instance/${uuid}/metric/cpu`,
      '&aggregation=rate:mean',
    );
    expect(rates.map(([, grown = 0]) => (grown / 300) * (100 / (1e9 * 2)))).toEqual([
      expect.closeTo(1.039_224, 6),
      expect.closeTo(1.039_224, 6),
    ]);
    const disk = `instance_disk/${uuid}-vda`;
    expect(await measures(server.url, `${disk}/metric/disk.device.read.bytes`)).toHaveLength(3);
    const nic = await get(
      `${server.url}/v1/resource/instance_network_interface/${domain}-${uuid}-tap3f2504e0-4f`,
    );
    expect(nic).toMatchObject({
      ...{ name: 'tap3f2504e0-4f', instance_id: uuid, project_id: 'a1', user_id: 'b2' },
    });
    const metric = await get(`${server.url}/v1/resource/instance/${uuid}/metric/cpu`);
    expect(metric).toMatchObject({
      ...{ unit: 'ns', archive_policy: { name: 'ceilometer-low-rate' } },
    });
  });

  test('go on where a resource was there before, and say what has changed about it', async () => {
    const { uuid } = guestOf(2);
    const host = { 'content-type': 'application/json', ...ADMIN };
    const old = { display_name: 'web', host: 'compute9', flavor_id: '', flavor_name: '' };
    await fetch(`${server.url}/v1/resource/instance`, {
      ...{ method: 'POST', headers: host, body: JSON.stringify({ id: uuid, ...old }) },
    });
    const batch = guestPoints([guestOf(2)], [1_795_219_200], NOVA);
    const connection = await post(given, batch);
    const at = `${server.url}/v1/resource/instance/${uuid}`;
    expect(await get(at)).toMatchObject({ host: 'compute1', flavor_name: 'm1.small' });
    expect(counted(connection)).toMatchObject({ 'resources.refused': 0 });
  });

  test('are kept once, though they are sent twice', async () => {
    const { uuid } = guestOf(3);
    const batch = guestPoints([guestOf(3)], TICKS, NOVA);
    await post(given, batch);
    await post(given, batch);
    const kept = await measures(server.url, `instance/${uuid}/metric/memory`);
    expect(kept).toEqual(TICKS.map((time) => [time, 128]));
  });

  test('of five hundred resources are taken, though Gnocchi names more of them than we read', async () => {
    const guests = Array.from({ length: 250 }, (_, i) => guestOf(1000 + i));
    const batch = guestPoints(guests, [1_795_219_200], NOVA).filter(
      ({ name }) => name.meter?.of === 'instance_disk' || name.meter?.name === 'memory',
    );
    const connection = await post(given, batch);
    expect(counted(connection)).toMatchObject({ 'resources.created': 500 });
  });

  test('of a host, and of guests without Nova, are taken too', async () => {
    const guest = { uuid: 'mail.example', domain: 'mail.example' };
    await post(given, [...guestPoints([guest], [1_795_219_200]), point('a/b', { value: 5 })]);
    expect(
      await measures(server.url, 'generic/mail.example-vda/metric/disk.device.capacity'),
    ).toEqual([[1_795_219_200, 16_777_216]]);
    expect(await measures(server.url, 'host/web01/metric/a_b')).toEqual([[1_795_219_200, 5]]);
  });

  test('that Gnocchi has no place for cost only themselves', async () => {
    const rack = { rack: { type: 'string', required: true } };
    await fetch(`${server.url}/v1/resource_type`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', ...ADMIN } },
      body: JSON.stringify({ name: 'nova_compute', attributes: rack }),
    });
    const meter = { name: 'x', type: 'gauge', unit: '', resource: 'web01_web01' } as const;
    const { name, ...cpu } = point('x');
    const node: Point = { ...cpu, name: { ...name, meter: { ...meter, of: 'nova_compute' } } };
    const batch = [...guestPoints([guestOf(6)], [1_795_219_200]), node];
    await expect(post(given, batch)).rejects.toMatchObject({
      ...{ name: 'Unsendable', points: 1 },
      message: expect.stringContaining('nova_compute web01_web01: '),
    });
    const { uuid } = guestOf(6);
    expect(await measures(server.url, `instance/${uuid}/metric/vcpus`)).toEqual([[TICKS[0], 2]]);
  });

  test('of guests with the longest names are taken, too', async () => {
    const long = { ...guestOf(7), domain: `${'x'.repeat(300)}/é` };
    const connection = await post(given, guestPoints([long], [1_795_219_200]));
    expect(counted(connection)).toMatchObject({ 'resources.created': 3 });
  });

  test('wait where an archive policy or a right is missing, and it is said what to do', async () => {
    const batch = guestPoints([guestOf(8)], [1_795_219_200], NOVA);
    await expect(post({ ...given, archivePolicy: 'gold' }, batch)).rejects.toThrow(
      'Gnocchi has no archive policy "gold". Create it',
    );
    const bob = { ...given, username: 'bob', archivePolicy: 'ceilometer-high' };
    await expect(post(bob, batch)).rejects.toThrow(
      'Gnocchi has no archive policy "ceilometer-high", and this login may not create it. Run ceilometer-upgrade',
    );
    await expect(post({ url: server.url }, batch)).rejects.toThrow('It wants a login');
    await expect(post({ ...given, url: `${server.url}/metric` }, batch)).rejects.toThrow(
      'Check the path of "url"',
    );
  });

  test('come from libvirt, through the installed program, and are in its books', async () => {
    const guest = recordedGuest();
    await using libvirt = await LibvirtPeer.listen([guest]);
    const gnocchi = `{ url: "${server.url}", username: admin, archivePolicy: ceilometer-high,
      dialect: { name: ceilometer, others: false }, only: ["guest.*"] }`;
    await using program = new RunningAgent(
      { gnocchi },
      { more: `collectors: { libvirt: { socket: ${libvirt.path}, labels: [uuid, domain] } }` },
    );
    const kept = () => measures(server.url, `instance/${guest.uuid}/metric/cpu`);
    const cpu = 922_558_000;
    await expect
      .poll(() => kept().catch(() => []), { timeout: 15_000, interval: 300 })
      .toEqual(expect.arrayContaining([[expect.any(Number), cpu]]));
    const books = await program.books('gnocchi');
    expect(books?.delivered).toBeGreaterThan(20);
    expect(books?.dropped).toMatchObject({ unsendable: 0 });
  });

  test('are all there after it was killed in mid-stream, five times', async () => {
    const { delivery: it } = delivery(systemClock, {
      handler: gnocchi as unknown as Handler,
      options: gnocchi.options.parse({ ...given, archivePolicy: 'ceilometer-high' }),
      queue: { samples: 100_000, bytes: 64e6 },
      backoff: { least: 0.05, most: 0.2 },
    });
    let sent = 0;
    const tick = () => {
      for (let i = 0; i < 10; i += 1) {
        it.offer(guestPoints([guestOf(9)], [1_795_219_200 + sent], NOVA).slice(0, 1));
        sent += 1;
      }
      it.flush();
    };
    for (let round = 0; round < 5; round += 1) {
      const { failures } = it.status();
      for (let i = 0; i < 5; i += 1) tick();
      const killed = server.kill();
      for (let i = 0; i < 5; i += 1) tick();
      await killed;
      await vi.waitFor(() => expect(it.status().failures).toBeGreaterThan(failures), 5000);
      await server.restart();
    }
    expect(await it.stop('shutdown', 10_000)).toEqual({ left: 0 });
    expect(it.status()).toMatchObject({ observed: sent, delivered: sent });
    const vcpus = `instance/${guestOf(9).uuid}/metric/vcpus`;
    const kept = await measures(server.url, vcpus, '&granularity=1');
    expect(kept).toEqual(Array.from({ length: sent }, (_, i) => [1_795_219_200 + i, 2]));
  });
});

describeWithPeer(
  ['gnocchi', 'postgresql', 'keystone'],
  'measures for a Gnocchi that asks Keystone',
  () => {
    let keystone: Keystone;
    let server: Gnocchi;
    const login = { username: 'agent', password: 'secret', project: 'admin' };
    let agent: string;

    beforeAll(async () => {
      keystone = await Keystone.start(await freePort());
      agent = await createUser(keystone, 'agent');
      server = await Gnocchi.start(keystone.trusted);
    });
    afterAll(async () => {
      await server[Symbol.asyncDispose]();
      await keystone[Symbol.asyncDispose]();
    });

    test('are taken with a token, and with another when that is revoked', async () => {
      const { url } = keystone;
      const connection = await open({ url: server.url, keystone: { url, ...login } });
      const batch = guestPoints([guestOf(1)], TICKS, NOVA);
      await connection.write(batch, forever);
      const headers = await token(keystone);
      const { uuid } = guestOf(1);
      const cpu = `instance/${uuid}/metric/cpu`;
      expect(await measures(server.url, cpu, '', headers)).toHaveLength(3);
      await setPassword(keystone, agent); // Which revokes all tokens of the user.
      // With it goes what is given in the same second: Keystone counts in seconds.
      const write = () => connection.write(guestPoints([guestOf(2)], TICKS, NOVA), forever);
      await vi.waitFor(write, { timeout: 10_000, interval: 300 });
      const other = `instance/${guestOf(2).uuid}/metric/cpu`;
      expect(await measures(server.url, other, '', await token(keystone))).toHaveLength(3);
      await connection.close();
    });

    test('wait for the right password, and it is said which is wrong', async () => {
      const wrong = { url: keystone.url, ...login, password: 'wrong' };
      const batch = guestPoints([guestOf(3)], TICKS, NOVA);
      await expect(post({ url: server.url, keystone: wrong }, batch)).rejects.toThrow(
        'Keystone does not let agent in: The request you have made requires authentication.',
      );
    });
  },
);

/** A token of the administrator's, as a header. */
async function token({ url }: Keystone): Promise<Record<string, string>> {
  const domain = { name: 'Default' };
  const user = { name: 'admin', domain, password: 'secret' };
  const answer = await fetch(`${url}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user } },
        scope: { project: { name: 'admin', domain } },
      },
    }),
  });
  return { 'x-auth-token': answer.headers.get('x-subject-token') ?? '' };
}

interface Named {
  readonly id: string;
}

/** What Keystone answers, as far as it is used here. */
interface Answered {
  readonly user?: Named;
  readonly roles?: readonly Named[];
  readonly projects?: readonly Named[];
}

async function ask(
  keystone: Keystone,
  method: string,
  path: string,
  body?: object,
): Promise<Answered> {
  const headers = { ...(await token(keystone)), 'content-type': 'application/json' };
  const answer = await fetch(keystone.url + path, {
    ...{ method, headers, body: JSON.stringify(body) ?? null },
  });
  if (!answer.ok) throw new Error(`Keystone: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? {} : (answer.json() as Promise<Answered>);
}

/** Creates a user who is an administrator of the project `admin`. */
async function createUser(keystone: Keystone, name: string): Promise<string> {
  const { user = { id: '' } } = await ask(keystone, 'POST', '/users', {
    user: { name, password: 'secret' },
  });
  const { roles = [] } = await ask(keystone, 'GET', '/roles?name=admin');
  const { projects = [] } = await ask(keystone, 'GET', '/projects?name=admin');
  const role = `/projects/${projects[0]?.id}/users/${user.id}/roles/${roles[0]?.id}`;
  await ask(keystone, 'PUT', role);
  return user.id;
}

const setPassword = (keystone: Keystone, user: string) =>
  ask(keystone, 'PATCH', `/users/${user}`, { user: { password: 'secret' } });
