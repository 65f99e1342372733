import type { z } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import amqp from '../../handlers/amqp.ts';
import { remedyFor } from '../../src/net/amqp-trouble.ts';
import { around } from '../support/delivery.ts';
import { blackHole, TcpPeer } from '../support/tcp-peer.ts';

type Given = z.input<typeof amqp.options>;

const forever = new AbortController().signal;
const open = (given: Given, signal = forever) =>
  amqp.open({ options: amqp.options.parse({ host: '127.0.0.1', ...given }), signal, ...around });

describe('the options', () => {
  const wrong: readonly (readonly [Given, string, string])[] = [
    [{ host: 'a b' }, 'host', 'must be host or host:port, and "a b" is neither'],
    [{ host: ['a', 'b=1'] }, 'host', 'must be host or host:port, and "b=1" is neither'],
    [{ username: 'agent' }, 'password', 'must be given together with "username"'],
    [{ auth: 'external' }, 'auth', 'must not be external without tls.cert and tls.key'],
    [{ exchange: { name: '' } }, 'exchange', 'must have declare: none'],
    [{ exchange: { type: 'headers' } }, 'headers', 'must be given'],
    [{ body: 'values', routingKey: '{host}' }, 'routingKey', 'must be {path} or left out'],
    [{ body: 'ceilometer', gzip: true }, 'gzip', 'must be false with body: ceilometer'],
    [{ telemetrySecret: 's' }, 'telemetrySecret', 'must have body: ceilometer beside it'],
    [{ routingKey: '{hostname}' }, 'routingKey', 'must not have the placeholder {hostname}'],
    [{ headers: { a: '{' } }, 'headers', 'must have no brace but those of a placeholder'],
  ];
  test.each(wrong)('%j is wrong, and it is said where and how', (given, path, message) => {
    const { error } = amqp.options.safeParse(given);
    expect(error?.issues[0]?.path[0]).toBe(path);
    expect(error?.issues[0]?.message).toContain(message);
  });

  test.each(['collectd', 'ceilometer'] as const)('of %s need its dialect', async (body) => {
    await expect(open({ body })).rejects.toThrow(`takes dialect: ${body}`);
  });
});

describe('a peer that is no broker', () => {
  test('is told from one, whatever it says', async () => {
    const peer = await TcpPeer.listen('well');
    const opening = open({ port: peer.port });
    opening.catch(() => undefined);
    await expect.poll(() => peer.received.join('')).toBe('AMQP\0\0\x09\x01');
    peer.say('HTTP/1.1 400 Bad Request\r\n\r\n');
    peer.end();
    await expect(opening).rejects.toThrow(
      `127.0.0.1:${peer.port}: it does not speak AMQP 0-9-1. Check the port`,
    );
    await peer.close();
  });

  test('neither crashes the agent nor is listened to for ever', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), async (said) => {
        const peer = await TcpPeer.listen('well');
        const aborter = new AbortController();
        const over = open({ port: peer.port }, aborter.signal).then(
          () => 'open',
          () => 'refused',
        );
        await expect.poll(() => peer.received.join('')).not.toBe('');
        peer.say(said);
        peer.end();
        expect(await over).toBe('refused');
        aborter.abort();
        await peer.close();
      }),
      { numRuns: 25 },
    );
  });

  test('is given up when it says nothing, and when it does not even answer', async () => {
    await using hole = await blackHole();
    const peer = await TcpPeer.listen('hangs');
    for (const { port } of [peer, hole]) {
      const aborter = new AbortController();
      const opening = open({ port }, aborter.signal);
      setTimeout(() => aborter.abort(), 50);
      await expect(opening).rejects.toThrow(`127.0.0.1:${port}: `);
    }
    await peer.close();
  });

  test('is left for the next one of several', async () => {
    const peer = await TcpPeer.listen('closes');
    const host = ['127.0.0.1:1', `127.0.0.1:${peer.port}`];
    await expect(open({ host })).rejects.toThrow(/127\.0\.0\.1:1: .*ECONNREFUSED/);
    expect(peer.accepted).toBe(1);
    await peer.close();
  });

  test('cannot be found under a name that is none', async () => {
    await expect(open({ host: 'no-such-host.invalid' })).rejects.toThrow(
      /^no-such-host\.invalid:5672: getaddrinfo/,
    );
  });
});

describe('what a broker refuses', () => {
  const asked = { vhost: '/', username: 'u', exchange: 'x', tls: false, heartbeat: 30 };

  test.each([
    ['type', 'Set exchange.type to topic, or name another'],
    ['durable', 'Set exchange.durable to topic, or name another'],
    [
      'auto_delete',
      'its auto_delete is topic, not x. Set exchange.declare to passive, which takes',
    ],
  ])('names an option that there is (%s)', (argument, remedy) => {
    const said = `inequivalent arg '${argument}' for exchange 'x' in vhost '/': received 'x' but current is 'topic'`;
    expect(remedyFor(said, asked)).toContain(remedy);
  });

  test('is said in words of our own, whatever it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const remedy = remedyFor(text, asked);
        expect(remedy === undefined || remedy.length < 400).toBe(true);
      }),
    );
  });
});
