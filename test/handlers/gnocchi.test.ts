import type { z } from 'cullinan/plugin';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import gnocchi from '../../handlers/gnocchi.ts';
import { around } from '../support/delivery.ts';
import { guestOf, guestPoints } from '../support/guests.ts';
import { type Asked, HttpServer } from '../support/http.ts';

type Given = z.input<typeof gnocchi.options>;

const forever = new AbortController().signal;
const BATCH = '/v1/batch/resources/metrics/measures?create_metrics=true';
const WEB = guestPoints([guestOf(1)], [1_795_219_200]);

/** As Gnocchi 4.4.2 says it; test/e2e/gnocchi.test.ts asks a real one. */
const refusal = (description: unknown) => JSON.stringify({ code: 400, description });
const unknown = (...ids: string[]) =>
  refusal({
    cause: 'Unknown resources',
    detail: ids.map((id) => ({ resource_id: id, original_resource_id: id })),
  });

let server: HttpServer;
beforeEach(async () => {
  server = await HttpServer.listen();
  server.say(202);
});
afterEach(() => server[Symbol.asyncDispose]());

async function open(given: Partial<Given> = {}, clock = around.clock) {
  const options = gnocchi.options.parse({ url: `http://127.0.0.1:${server.port}`, ...given });
  return gnocchi.open({ ...around, clock, options, signal: forever });
}

const paths = () => server.asked.map(({ method, url }) => `${method} ${url}`);

/** Answers each request by its path, the first answer that is left. */
function script(answers: Readonly<Record<string, readonly (readonly [number, string?])[]>>): void {
  const left = new Map(Object.entries(answers).map(([path, list]) => [path, [...list]]));
  server.answer = ({ url = '' }: Asked, response) => {
    const [status, body = ''] = left.get(url)?.shift() ?? [202];
    response.writeHead(status, { 'x-subject-token': `token-${server.asked.length}` }).end(body);
  };
}

describe('the options', () => {
  const keystone = { url: 'http://keystone:5000/v3', username: 'a', password: 'b' };
  const url = 'http://gnocchi:8041';
  const wrong: readonly (readonly [Given, string, string])[] = [
    [{ url: 'gnocchi:8041' }, 'url', 'must begin with http:// or https://'],
    [{ url, username: 'a', keystone }, 'username', 'must be left out with "keystone"'],
    [{ url, keystone: { ...keystone, password: undefined } }, 'keystone.password', 'together'],
    [{ url, keystone: { url: keystone.url } }, 'keystone.username', 'with its password, or'],
    [{ url, keystone: { project: 'p' } }, 'keystone.url', 'must be given'],
    [{ url, keystone: { url, credentialId: 'i' } }, 'keystone.credentialSecret', 'together'],
    [{ url, keystone: { ...keystone, tls: {} } }, 'keystone.tls', 'must be left out, or the URL'],
  ];
  test.each(wrong)('%j is wrong, and it is said where and how', (given, path, message) => {
    const { error } = gnocchi.options.safeParse(given);
    expect(error?.issues[0]?.path.join('.')).toBe(path);
    expect(error?.issues[0]?.message).toContain(message);
  });
});

describe('a batch', () => {
  test('is one request, which says that it takes JSON, where everything is known', async () => {
    const connection = await open({ username: 'admin' });
    await connection.write(WEB, forever);
    const [{ headers } = { headers: {} }] = server.asked;
    expect(headers).toMatchObject({
      ...{ accept: 'application/json', 'content-type': 'application/json' },
      authorization: `Basic ${Buffer.from('admin:').toString('base64')}`,
    });
    const first = paths().filter((path) => path.startsWith('POST'));
    expect(first).toEqual([`POST ${BATCH}`]);
    await connection.write(WEB, forever);
    // That its resources are as they were is known now.
    expect(paths().slice(4)).toEqual([`POST ${BATCH}`]);
    expect(server.accepted).toBe(1);
    await connection.close();
  });

  test('is sent again when what it takes was created, by us or by somebody else', async () => {
    const { uuid } = guestOf(1);
    const policy = refusal('Archive policy ceilometer-low-rate does not exist');
    script({
      [BATCH]: [[400, policy], [400, unknown(uuid, `${uuid}-vda`)], [202]],
      '/v1/resource/instance': [[201]],
      '/v1/resource/instance_disk': [[409]],
    });
    const connection = await open();
    await connection.write(WEB, forever);
    expect(paths().slice(0, 6)).toEqual([
      `POST ${BATCH}`,
      'POST /v1/archive_policy',
      `POST ${BATCH}`,
      'POST /v1/resource/instance',
      'POST /v1/resource/instance_disk',
      `POST ${BATCH}`,
    ]);
    expect(connection.counts).toMatchObject({ 'resources.created': 1 });
    await connection.close();
  });

  test('is given up by one that never knows what it was told', async () => {
    const { uuid } = guestOf(1);
    server.answer = ({ url }, response) =>
      url === BATCH
        ? response.writeHead(400).end(unknown(uuid))
        : response.writeHead(409).end(refusal('exists'));
    const connection = await open();
    await expect(connection.write(WEB, forever)).rejects.toThrow('refuses it with status 400');
    expect(paths().filter((path) => path === `POST ${BATCH}`)).toHaveLength(9);
    await connection.close();
  });

  test.each([
    [500, 'answers with status 500'],
    [503, 'answers with status 503'],
    [413, 'Lower "batch"'],
  ])('is not settled by %i', async (status, message) => {
    server.say(status);
    const connection = await open();
    await expect(connection.write(WEB, forever)).rejects.toThrow(message);
    await connection.close();
  });

  test('leaves nothing of a resource that is not known in the end', async () => {
    const { uuid } = guestOf(1);
    script({
      [BATCH]: [[400, unknown('somebody else', uuid)], [202]],
      '/v1/resource/instance': [[400, refusal({ cause: 'Invalid input', reason: 'no rack' })]],
    });
    const connection = await open();
    const points = WEB.filter(({ name }) => name.meter?.resource === uuid).length;
    await expect(connection.write(WEB, forever)).rejects.toMatchObject({
      ...{ name: 'Unsendable', points },
      message: `Gnocchi does not take a resource of ${points} points: instance ${uuid}: no rack`,
    });
    await connection.close();
  });
});

describe('a token', () => {
  const keystone = () => ({
    ...{ url: `http://127.0.0.1:${server.port}/v3`, username: 'agent', password: 'secret' },
  });
  const LOGIN = '/v3/auth/tokens?nocatalog';
  const logins = () => server.asked.filter(({ url }) => url === LOGIN);
  const until = (ms: number) =>
    JSON.stringify({ token: { expires_at: new Date(Date.now() + ms).toISOString() } });

  test('is asked for once, as long as it holds', async () => {
    script({ [LOGIN]: [[201, until(3_600_000)]] });
    const connection = await open({ keystone: keystone() });
    await connection.write(WEB, forever);
    await connection.write(WEB, forever);
    expect(logins()).toHaveLength(1);
    expect(JSON.parse(logins()[0]?.body.toString() ?? '')).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'agent', domain: { name: 'Default' }, password: 'secret' } },
        },
        scope: { project: { name: 'service', domain: { name: 'Default' } } },
      },
    });
    expect(server.asked.at(-1)?.headers['x-auth-token']).toBe('token-1');
    await connection.close();
  });

  test('is replaced before it ends', async () => {
    script({
      [LOGIN]: [
        [201, until(50_000)],
        [201, until(3_600_000)],
      ],
    });
    const connection = await open({ keystone: keystone() });
    await connection.write(WEB.slice(0, 1), forever);
    expect(logins()).toHaveLength(2);
    await connection.close();
  });

  test('that is refused is replaced once, and then it is said', async () => {
    script({
      [LOGIN]: [
        [201, until(3_600_000)],
        [201, until(3_600_000)],
      ],
      [BATCH]: [[401], [202]],
    });
    const connection = await open({ keystone: keystone() });
    await connection.write(WEB, forever);
    expect(logins()).toHaveLength(2);
    server.answer = ({ url }, response) =>
      response.writeHead(url === LOGIN ? 201 : 401, { 'x-subject-token': 't' }).end();
    await expect(connection.write(WEB, forever)).rejects.toThrow(
      'Gnocchi does not take a token that Keystone has just given.',
    );
    await connection.close();
  });

  test('is had for an application credential, too', async () => {
    script({ [LOGIN]: [[201, until(3_600_000)]] });
    const { url } = keystone();
    const credential = { credentialId: 'i', credentialSecret: 's' };
    const connection = await open({ keystone: { url, ...credential } });
    await connection.write(WEB, forever);
    expect(JSON.parse(logins()[0]?.body.toString() ?? '')).toEqual({
      auth: {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: 'i', secret: 's' },
        },
      },
    });
    await connection.close();
  });

  test.each([
    [404, 'answers with status 404'],
    [201, 'gives no token. Check "keystone.url"'],
  ])('is not had from %i', async (status, message) => {
    server.answer = ({ url }, response) => response.writeHead(url === LOGIN ? status : 202).end();
    const connection = await open({ keystone: keystone() });
    await expect(connection.write(WEB, forever)).rejects.toThrow(message);
    await connection.close();
  });
});
