import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import syslog from '../../handlers/syslog.ts';
import { systemClock } from '../../src/clock/index.ts';
import type { Handler } from '../../src/plugin/index.ts';
import { around, delivery, imbalance } from '../support/delivery.ts';
import { describeWithPeer } from '../support/peers.ts';
import { point } from '../support/points.ts';
import { Rsyslog } from '../support/rsyslog.ts';
import { Certificates, type Pair } from '../support/tls.ts';

const forever = new AbortController().signal;

/** Labels that would break whatever does not escape. */
const DEVICES = [
  'sda',
  'a]b',
  'say "hi"',
  'back\\slash',
  '] <134>1 - - - - - - x',
  'größe',
  'a\nb',
];

describeWithPeer('rsyslog', 'a real rsyslog', () => {
  let certificates: Certificates;
  let server: Pair;
  beforeAll(() => {
    certificates = new Certificates();
    server = certificates.ours.issue('localhost', { names: 'DNS:localhost,IP:127.0.0.1' });
  });
  afterAll(() => certificates[Symbol.dispose]());
  const start = () => Rsyslog.start({ ...server, ca: certificates.ours.cert });
  const options = (peer: Rsyslog, how: 'udp' | 'tcp' | 'tls') => ({
    host: 'localhost',
    protocol: how === 'udp' ? 'udp' : 'tcp',
    ...(how === 'tls'
      ? { port: peer.tls, tls: { ca: certificates.ours.cert } }
      : { port: peer.port }),
  });

  test.each(['udp', 'tcp', 'tls'] as const)('understands all that is sent over %s', async (how) => {
    await using peer = await start();
    const connection = await syslog.open({
      options: syslog.options.parse({ ...options(peer, how), appName: 'metrics' }),
      signal: forever,
      ...around,
    });
    const batch = Array.from({ length: 400 }, (_, i) =>
      point('system.disk.io', {
        kind: 'counter',
        unit: 'B',
        labels: { device: DEVICES[i % DEVICES.length] ?? '', direction: 'read' },
        path: `web01.system.disk.io.${i}`,
        value: i / 7,
      }),
    );
    await connection.write(batch, forever);
    await vi.waitFor(() => expect(peer.messages()).toHaveLength(batch.length), 10_000);
    await connection.close();
    for (const [i, understood] of peer.messages().entries()) {
      const device = DEVICES[i % DEVICES.length]?.replace('\n', '\\n');
      expect(understood).toEqual({
        pri: '134',
        time: '2026-11-21T00:00:00.000Z',
        hostname: 'web01',
        app: 'metrics',
        procid: String(process.pid),
        msgid: 'metric',
        msg: `web01.system.disk.io.${i} ${i / 7}`,
        data: {
          'metric@32473': {
            name: 'system.disk.io',
            value: String(i / 7),
            unit: 'bytes/s',
            kind: 'gauge',
          },
          'labels@32473': { device, direction: 'read' },
        },
      });
    }
  });

  test('is missed while it is away, and spoken to again when it is back', async () => {
    await using peer = await start();
    const { delivery: it, notes } = delivery(systemClock, {
      handler: syslog as unknown as Handler,
      options: syslog.options.parse(options(peer, 'tcp')),
      backoff: { least: 0.05, most: 0.1 },
    });
    let sent = 0;
    const ticking = setInterval(() => {
      it.offer([point('n', { value: sent })]);
      it.flush();
      sent += 1;
      expect(imbalance(it.status())).toBe(0);
    }, 10);
    const arrived = () =>
      peer.messages().map(({ data }) => Number(data['metric@32473']?.['value']));
    try {
      await vi.waitFor(() => expect(arrived().length).toBeGreaterThan(5), 5000);
      await peer.kill();
      await vi.waitFor(() => expect(it.status().queued).toBeGreaterThan(5), 5000);
      expect(notes.said[0]).toMatch(/ECONN|the syslog server closed the connection/);
      await peer.start();
      await vi.waitFor(() => expect(notes.said.at(-1)).toBe('handler peer recovered'), 5000);
    } finally {
      clearInterval(ticking);
    }
    expect(await it.stop('shutdown', 2000)).toEqual({ left: 0 });
    await vi.waitFor(() => expect(arrived()).toContain(sent - 1), 5000);
    expect(it.status()).toMatchObject({ observed: sent, delivered: sent, resent: 0 });
    // What waited for it is all there; only what the kernel held for the one that was killed is not.
    expect(arrived().length).toBeGreaterThan(sent - 10);
  });
});
