import type { z } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import mqtt, { payloadOf, topicOf } from '../../handlers/mqtt.ts';
import { around, points } from '../support/delivery.ts';
import { Mosquitto } from '../support/mosquitto.ts';
import { describeWithPeer } from '../support/peers.ts';
import { TcpPeer } from '../support/tcp-peer.ts';
import { Certificates } from '../support/tls.ts';

const forever = new AbortController().signal;
const open = (given: z.input<typeof mqtt.options>, signal = forever) =>
  mqtt.open({ options: mqtt.options.parse({ host: '127.0.0.1', ...given }), signal, ...around });

describe('messages', () => {
  test('have the path for their topic, without what MQTT reserves', () => {
    expect(topicOf('metrics/', 'web01.cpu.#+')).toBe('metrics/web01/cpu/&&');
  });

  test('are a value and a time, or JSON', () => {
    const [point] = points(1, 2);
    if (point === undefined) throw new Error('no point');
    const some = { ...point, name: { ...point.name, precision: 2 }, value: 1.005, time: 1e9 + 0.5 };
    expect(payloadOf('plain', some)).toBe('1.00 1000000000');
    expect(JSON.parse(payloadOf('json', some))).toMatchObject({ value: 1.005, host: 'h' });
  });

  test('cannot have wildcards before them, nor a password without a name', () => {
    expect(mqtt.options.safeParse({ topic: 'a/#' }).success).toBe(false);
    expect(mqtt.options.safeParse({ password: 'x' }).success).toBe(false);
  });
});

describe('a peer that is no broker', () => {
  test('is told from one, whatever it says', async () => {
    const peer = await TcpPeer.listen('well');
    const opening = open({ port: peer.port });
    opening.catch(() => undefined);
    await expect.poll(() => peer.received.join('')).not.toBe('');
    peer.say('HTTP/1.1 400 Bad Request\r\n\r\n');
    await expect(opening).rejects.toThrow(`127.0.0.1:${peer.port}: `);
    await peer.close();
  });

  test('neither crashes the agent nor is listened to for ever', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), async (said) => {
        const peer = await TcpPeer.listen('well');
        const aborter = new AbortController();
        const opening = open({ port: peer.port }, aborter.signal);
        const over = opening.then(
          () => undefined,
          () => undefined,
        );
        await expect.poll(() => peer.received.join('')).not.toBe('');
        peer.say(said);
        peer.end();
        await over;
        aborter.abort();
        await peer.close();
      }),
      { numRuns: 25 },
    );
  });
});

describeWithPeer('mosquitto', 'with a real Mosquitto', () => {
  test.each([0, 1] as const)('publishes every point, with QoS %i', async (qos) => {
    await using broker = await Mosquitto.start();
    using subscription = await broker.subscribe();
    const connection = await open({ port: broker.port, qos, topic: 'metrics/' });
    await connection.write(points(0, 500, 'web01.load'), forever);
    await expect.poll(() => subscription.messages.length, { timeout: 5000 }).toBe(500);
    expect(subscription.messages[499]).toBe('metrics/web01/load 499 1000000000');
    await connection.close();
  });

  test('leaves the latest with those who come later, where that is wanted', async () => {
    await using broker = await Mosquitto.start();
    const connection = await open({ port: broker.port, retain: true });
    await connection.write(points(0, 3, 'a'), forever);
    using subscription = await broker.subscribe();
    await expect.poll(() => subscription.messages).toEqual(['a 2 1000000000']);
    await connection.close();
  });

  test('logs in, and says what is wrong with a login', async () => {
    await using broker = await Mosquitto.start({ login: ['agent', 'secret'] });
    const { port } = broker;
    await (await open({ port, username: 'agent', password: 'secret' })).close();
    await expect(open({ port, username: 'agent', password: 'wrong' })).rejects.toThrow(
      `127.0.0.1:${port}: this username may not connect. Check "username", "password"`,
    );
    await expect(open({ port })).rejects.toThrow('this username may not connect');
  });

  test('notices that the broker has gone', async () => {
    await using broker = await Mosquitto.start();
    const connection = await open({ port: broker.port });
    await broker.restart();
    expect(String(await connection.ended)).toContain('the broker closed the connection');
    await expect(connection.write(points(0, 1), forever)).rejects.toThrow();
  });

  test('over TLS, where both have a certificate', async () => {
    using certificates = new Certificates();
    const { ours, theirs } = certificates;
    const ca = ours.cert;
    const broker = (expired: boolean) => {
      const names = 'DNS:localhost,IP:127.0.0.1';
      const { cert, key } = ours.issue(expired ? 'old' : 'broker', { names, expired });
      const more = `cafile ${ca}\ncertfile ${cert}\nkeyfile ${key}\nrequire_certificate true`;
      return Mosquitto.start({ more });
    };
    await using good = await broker(false);
    const { port } = good;
    const { cert, key } = ours.issue('agent');
    const login = ['--cafile', ca, '--cert', cert, '--key', key];
    using subscription = await good.subscribe(...login);
    const connection = await open({ port, tls: { ca, cert, key } });
    await connection.write(points(0, 100, 'web01.load'), forever);
    await expect.poll(() => subscription.messages.length, { timeout: 5000 }).toBe(100);
    await connection.close();
    await expect(open({ port, tls: { ca } })).rejects.toThrow(
      `127.0.0.1:${port}: it wants a certificate from us. Set tls.cert and tls.key.`,
    );
    await expect(open({ port, tls: { ca, ...theirs.issue('agent') } })).rejects.toThrow(
      'it does not accept our certificate',
    );
    await expect(open({ port, tls: { ca: theirs.cert, cert, key } })).rejects.toThrow(
      'its certificate is vouched for by nobody who is trusted here',
    );
    const servername = 'other.example.net';
    await expect(open({ port, tls: { ca, cert, key, servername } })).rejects.toThrow(
      'not for other.example.net. Connect under a name that it bears',
    );
    await using old = await broker(true);
    await expect(open({ port: old.port, tls: { ca, cert, key } })).rejects.toThrow(
      `127.0.0.1:${old.port}: its certificate, or that of its authority, has expired.`,
    );
  });
});
