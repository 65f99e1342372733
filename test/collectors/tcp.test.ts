import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { NoData } from 'cullinan/plugin';
import { describe, expect, onTestFinished, test } from 'vitest';
import tcp from '../../collectors/tcp.ts';
import { freePort } from '../support/carbon.ts';
import { asked, saying, valuesOf } from '../support/probing.ts';
import { Certificates } from '../support/tls.ts';

/** What a check of one target comes to. */
async function checked(target: object) {
  const run = await asked(tcp, { targets: { a: { host: '127.0.0.1', ...target } } });
  expect([run.thrown, run.errors]).toEqual([undefined, []]);
  const values = valuesOf(run, 'check.tcp.');
  const result = Object.keys(values).find((key) => key.startsWith('result{') && values[key] === 1);
  return { values, result: result?.slice('result{a,'.length, -1) };
}

describe('a check of TCP', () => {
  test('connects, and says nothing', async () => {
    let said = 0;
    const port = await saying((socket) => {
      socket.on('data', ({ length }) => {
        said += length;
      });
    });
    const { values, result } = await checked({ port });
    expect(result).toBe('ok');
    expect(values['up{a}']).toBe(1);
    expect(values['time{a}']).toBe(
      (values['phase_time{a,lookup}'] ?? 0) + (values['phase_time{a,connect}'] ?? 0),
    );
    expect(said).toBe(0);
  });

  test('waits for a greeting, in whatever pieces it comes', async () => {
    const port = await saying((socket) => {
      socket.write('220 mail.exa');
      setImmediate(() => socket.write('mple.net ESMTP\r\n'));
    });
    const { values, result } = await checked({ port, expect: 'example.net ESMTP' });
    expect(result).toBe('ok');
    expect(values).toHaveProperty('phase_time{a,banner}');
  });

  test('sends what is to be sent first', async () => {
    const port = await saying((socket) => {
      socket.once('data', (bytes) => socket.write(`you said ${bytes}`));
    });
    expect((await checked({ port, send: 'PING\r\n', expect: 'PING' })).result).toBe('ok');
  });

  test('another greeting, one without end, and none', async () => {
    const other = await saying((socket) => socket.end('SSH-2.0\r\n'));
    expect((await checked({ port: other, expect: '220' })).result).toBe('banner');
    const endless = await saying((socket) => {
      const go = () => void (socket.destroyed || socket.write('x'.repeat(1000), go));
      go();
    });
    expect((await checked({ port: endless, expect: '220' })).result).toBe('banner');
    const silent = await saying(() => {});
    const { values, result } = await checked({ port: silent, expect: '220', timeout: '100ms' });
    expect([result, values['up{a}']]).toEqual(['late', 0]);
  });

  test('nobody listens, or it is reset', async () => {
    expect((await checked({ port: await freePort() })).result).toBe('absent');
    const port = await saying((socket) => socket.resetAndDestroy());
    expect((await checked({ port, expect: '220' })).result).toBe('failed');
  });

  test('has until when a certificate is valid', async () => {
    using certificates = new Certificates();
    const good = certificates.ours.issue('good', { names: 'IP:127.0.0.1' });
    const old = certificates.ours.issue('old', { names: 'IP:127.0.0.1', expired: true });
    const tls = { ca: certificates.ours.cert };
    for (const [pair, expected, year] of [
      [good, 'ok', 2049],
      [old, 'untrusted', 2020],
    ] as const) {
      const { cert, key } = pair;
      const it = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) =>
        socket.on('error', () => {}).end('* OK IMAP4\r\n'),
      ).listen(0, '127.0.0.1');
      onTestFinished(() => void it.close());
      await once(it, 'listening');
      const { port } = it.address() as AddressInfo;
      const { values, result } = await checked({ port, tls, expect: 'IMAP4' });
      expect(result).toBe(expected);
      const expires = (values['certificate.expiry{a}'] ?? 0) + 1_700_000_000;
      expect(new Date(expires * 1000 - 1).getUTCFullYear()).toBe(year);
    }
  });

  test('without targets there is nothing to check', async () => {
    expect((await asked(tcp, {})).thrown).toBeInstanceOf(NoData);
  });
});
