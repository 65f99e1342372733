import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import graphite from '../../handlers/graphite.ts';
import { systemClock } from '../../src/clock/index.ts';
import type { Handler, z } from '../../src/plugin/index.ts';
import { Carbon } from '../support/carbon.ts';
import { around, delivery, points } from '../support/delivery.ts';
import { describeWithPeer } from '../support/peers.ts';
import { connectionsTo, TcpPeer } from '../support/tcp-peer.ts';
import { Certificates, type Pair, Stunnel } from '../support/tls.ts';

type Tls = NonNullable<z.input<typeof graphite.options>['tls']>;

describeWithPeer(['carbon-cache', 'stunnel'], 'TLS through a real stunnel', () => {
  let certificates: Certificates;
  let carbon: Carbon;
  let right: Pair;
  let client: Pair;
  const tunnels: Stunnel[] = [];

  const tunnel = async (pair: Pair, more: { clients?: string; newest?: string } = {}) => {
    const started = await Stunnel.start({ ...pair, connect: carbon.port, ...more });
    tunnels.push(started);
    return started;
  };
  const optionsOf = ({ port }: { port: number }, tls: Tls, host = 'localhost') =>
    graphite.options.parse({ host, port, tls });
  const open = (to: { port: number }, tls: Tls, host?: string) =>
    graphite.open({
      options: optionsOf(to, tls, host),
      signal: new AbortController().signal,
      ...around,
    });
  const ours = (): Tls => ({ ca: certificates.ours.cert });

  beforeAll(async () => {
    certificates = new Certificates();
    carbon = await Carbon.start();
    right = certificates.ours.issue('localhost');
    client = certificates.ours.issue('agent');
  });

  afterAll(async () => {
    for (const started of tunnels) await started[Symbol.asyncDispose]();
    await carbon[Symbol.asyncDispose]();
    certificates[Symbol.dispose]();
  });

  /** Delivers points, and waits until Carbon has written them. */
  async function expectDelivered(to: { port: number }, tls: Tls, path: string, host?: string) {
    const { delivery: it, notes } = delivery(systemClock, {
      handler: graphite as unknown as Handler,
      options: optionsOf(to, tls, host),
    });
    const time = Math.floor(Date.now() / 1000) - 10;
    it.offer(points(0, 5, path).map((point, i) => ({ ...point, time: time + i })));
    it.flush();
    expect(await it.drain(5000), notes.said.join()).toEqual({ left: 0 });
    await it.stop('shutdown', 1000);
    expect(it.status()).toMatchObject({ delivered: 5, failures: 0 });
    await vi.waitFor(() => {
      expect([...carbon.read(path).values()]).toEqual([0, 1, 2, 3, 4]);
    }, 10_000);
  }

  describe('delivers', () => {
    test.concurrent('to a host whose certificate our authority issued', async () => {
      await expectDelivered(await tunnel(right), ours(), 'tls.right');
    });

    test.concurrent('with a certificate of our own, where the host wants one', async () => {
      const to = await tunnel(right, { clients: certificates.ours.cert });
      await expectDelivered(to, { ...ours(), ...client }, 'tls.client');
    });

    test.concurrent('to an address, and to a host of another name, where told which it bears', async () => {
      const pair = certificates.ours.issue('carbon.example.net', {
        names: 'DNS:carbon.example.net,IP:127.0.0.1',
      });
      const to = await tunnel(pair);
      await expectDelivered(to, ours(), 'tls.address', '127.0.0.1');
      await expectDelivered(to, { ...ours(), servername: 'carbon.example.net' }, 'tls.name');
    });

    test.concurrent('in TLS 1.2, and not where 1.3 is the least', async () => {
      const to = await tunnel(right, { newest: 'TLSv1.2' });
      await expectDelivered(to, ours(), 'tls.older');
      await expect(open(to, { ...ours(), minVersion: 'TLSv1.3' })).rejects.toThrow(
        `localhost:${to.port}: it does not speak TLSv1.3 or later. Let it speak a newer version, or lower tls.minVersion.`,
      );
    });

    test.concurrent('after a renewal, without a reload', async () => {
      const to = await tunnel(right, { clients: certificates.ours.cert });
      const ca = join(certificates.folder, 'renewed.pem');
      copyFileSync(certificates.theirs.cert, ca);
      await expect(open(to, { ca, ...client })).rejects.toThrow('vouched for by nobody');
      copyFileSync(certificates.ours.cert, ca);
      await (await open(to, { ca, ...client })).close();
    });
  });

  test.concurrent('a write that is stuck is given up with its connection', async () => {
    const peer = await TcpPeer.listen('hangs');
    const to = await Stunnel.start({ ...right, connect: peer.port });
    tunnels.push(to);
    const aborter = new AbortController();
    const options = optionsOf(to, { ...ours(), servername: 'localhost' }, '127.0.0.1');
    const connection = await graphite.open({ options, signal: aborter.signal, ...around });
    const batch = points(0, 20_000, 'x'.repeat(1000));
    const writing = connection.write(batch, aborter.signal);
    setTimeout(() => aborter.abort(), 100);
    await expect(writing).rejects.toThrow(`127.0.0.1:${to.port}: `);
    await vi.waitFor(() => expect(connectionsTo(to.port)).toBe(0));
    await peer.close();
  });

  describe('delivers nothing, and says what is wrong and what to do, when', () => {
    test.concurrent('the certificate was issued by another authority', async () => {
      const to = await tunnel(certificates.theirs.issue('localhost'));
      await expect(open(to, ours())).rejects.toThrow(
        `localhost:${to.port}: its certificate is vouched for by nobody who is trusted here. ` +
          `Put the certificate of the authority that issued it into ${certificates.ours.cert}. `,
      );
      await expect(open(to, {})).rejects.toThrow(
        'vouched for by nobody who is trusted here. Set tls.ca to a PEM file with the certificate of the authority',
      );
    });

    test.concurrent('the certificate is for another name', async () => {
      const to = await tunnel(certificates.ours.issue('other.example.net'));
      await expect(open(to, ours())).rejects.toThrow(
        `localhost:${to.port}: its certificate is for other.example.net, not for localhost. ` +
          'Connect under a name that it bears, or set tls.servername to one.',
      );
      await expect(open(to, ours(), '127.0.0.1')).rejects.toThrow(
        'its certificate is for other.example.net, not for 127.0.0.1',
      );
    });

    test.concurrent('the certificate has expired', async () => {
      const to = await tunnel(
        certificates.ours.issue('expired', { names: 'DNS:localhost', expired: true }),
      );
      await expect(open(to, ours())).rejects.toThrow(
        `localhost:${to.port}: its certificate, or that of its authority, has expired. Renew it there. ` +
          `See it with: openssl s_client -connect localhost:${to.port} -showcerts`,
      );
    });

    test.concurrent.each(['TLSv1.3', 'TLSv1.2'])(
      'the host wants a certificate and has none, in %s',
      async (newest) => {
        const to = await tunnel(right, { clients: certificates.ours.cert, newest });
        await expect(open(to, ours())).rejects.toThrow(
          `localhost:${to.port}: it wants a certificate from us. Set tls.cert and tls.key.`,
        );
      },
    );

    test.concurrent.each(['TLSv1.3', 'TLSv1.2'])(
      'the host does not accept our certificate, in %s',
      async (newest) => {
        const to = await tunnel(right, { clients: certificates.ours.cert, newest });
        const stranger = certificates.theirs.issue(`stranger-${newest}`);
        await expect(open(to, { ...ours(), ...stranger })).rejects.toThrow(
          `localhost:${to.port}: it does not accept our certificate. Have ${stranger.cert} issued by an authority that it trusts`,
        );
      },
    );

    test.concurrent('the port speaks no TLS', async () => {
      await using greeter = {
        peer: await TcpPeer.listen(),
        [Symbol.asyncDispose]() {
          return this.peer.close();
        },
      };
      const { peer } = greeter;
      const opening = open(peer, ours());
      await vi.waitFor(() => expect(peer.received.join('')).not.toBe(''));
      peer.say('220 mail.example.net ESMTP\r\n');
      await expect(opening).rejects.toThrow(
        `localhost:${peer.port}: it does not speak TLS. Check the port, or leave "tls" out.`,
      );
    });

    test.concurrent('the host closes the connection at once', async () => {
      const peer = await TcpPeer.listen('closes');
      await expect(open(peer, ours())).rejects.toThrow(
        `localhost:${peer.port}: it closed the connection without a word of TLS. Check the port`,
      );
      await peer.close();
    });

    test.concurrent('a file is missing, is no certificate, or does not belong to its key', async () => {
      const to = await tunnel(right);
      const empty = join(certificates.folder, 'empty.pem');
      writeFileSync(empty, 'nothing\n');
      await expect(open(to, { ca: '/gone.pem' })).rejects.toThrow(
        `localhost:${to.port}: tls.ca: /gone.pem cannot be read (ENOENT). Create it, or change tls.ca.`,
      );
      await expect(open(to, { ca: empty })).rejects.toThrow(
        `tls.ca: there is no certificate in ${empty}. It must be a PEM file`,
      );
      await expect(open(to, { ...ours(), cert: client.cert, key: right.key })).rejects.toThrow(
        `the key in ${right.key} is not that of the certificate in ${client.cert}`,
      );
    });
  });
});
