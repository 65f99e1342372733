import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { NoData } from 'cullinan/plugin';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import http from '../../collectors/http.ts';
import { freePort } from '../support/carbon.ts';
import { HttpServer } from '../support/http.ts';
import { asked, saying, valuesOf } from '../support/probing.ts';
import { Certificates } from '../support/tls.ts';

/** What a check of one target comes to. */
async function checked(target: object, signal?: AbortSignal) {
  const run = await asked(http, { targets: { a: target } }, signal);
  expect([run.thrown, run.errors]).toEqual([undefined, []]);
  const values = valuesOf(run, 'check.http.');
  const result = Object.keys(values).find((key) => key.startsWith('result{') && values[key] === 1);
  return { values, result: result?.slice('result{a,'.length, -1) };
}

async function server(status: number, body = '') {
  const it = await HttpServer.listen();
  onTestFinished(() => it[Symbol.asyncDispose]());
  it.say(status, body);
  return { it, url: `http://127.0.0.1:${it.port}/health?full=1` };
}

describe('a check of HTTP', () => {
  test('has the status, the size, and the time by phase', async () => {
    const { it, url } = await server(200, 'all is well');
    const began = process.uptime();
    const { values, result } = await checked({ url, contains: ['is well'] });
    const elapsed = process.uptime() - began;
    expect(result).toBe('ok');
    expect(values).toMatchObject({ 'up{a}': 1, 'status{a}': 200, 'size{a}': 11 });
    const phases = ['lookup', 'connect', 'wait', 'transfer'].map(
      (it) => values[`phase_time{a,${it}}`],
    );
    const sum = phases.reduce((sum: number, each) => sum + (each ?? Number.NaN), 0);
    expect(values['time{a}']).toBeCloseTo(sum);
    expect(sum).toBeGreaterThan(0);
    // One follows the other, and all of them are within the time that it took.
    expect(sum).toBeLessThanOrEqual(elapsed);
    expect(values).not.toHaveProperty('phase_time{a,tls}');
    expect(it.asked[0]).toMatchObject({ method: 'GET', url: '/health?full=1' });
  });

  test('asks as it is told', async () => {
    const { it, url } = await server(201);
    const login = { username: 'zoë', password: 'p:w' };
    const wanted = {
      method: 'POST',
      body: '{"ö":1}',
      headers: { 'X-From': 'here' },
      status: [201, 202],
    };
    expect((await checked({ url, ...login, ...wanted })).result).toBe('ok');
    const [seen] = it.asked;
    expect(seen?.headers).toMatchObject({ 'x-from': 'here', host: `127.0.0.1:${it.port}` });
    expect(seen?.headers.authorization).toBe(`Basic ${Buffer.from('zoë:p:w').toString('base64')}`);
    expect(seen?.body.toString()).toBe('{"ö":1}');
  });

  test.each([
    [{}, 500, '', 'status'],
    [{}, 302, '', 'status'],
    [{ status: [302] }, 302, '', 'ok'],
    [{ contains: ['well', 'fine'] }, 200, 'all is well', 'body'],
    [{ contains: ['x'] }, 200, 'a'.repeat(3_000_000), 'body'],
  ])('with %j an answer of %i is %s %s', async (wanted, status, body, expected) => {
    const { url } = await server(status, body);
    const { values, result } = await checked({ url, ...wanted });
    expect(result).toBe(expected);
    expect(values['up{a}']).toBe(expected === 'ok' ? 1 : 0);
    expect(values['size{a}']).toBe(Math.min(body.length, 1024 * 1024));
  });

  test('nobody listens, nobody answers, nobody has that name, or it is no HTTP', async () => {
    const absent = `http://127.0.0.1:${await freePort()}/`;
    expect(await checked({ url: absent })).toMatchObject({
      result: 'absent',
      values: { 'up{a}': 0 },
    });
    expect((await checked({ url: 'http://nobody.invalid/' })).result).toBe('failed');
    const { it, url } = await server(200);
    it.answer = () => undefined;
    expect((await checked({ url, timeout: '100ms' })).result).toBe('late');
    const other = await saying((socket) => socket.end('220 mail.example.net ESMTP\r\n'));
    expect((await checked({ url: `http://127.0.0.1:${other}/` })).result).toBe('failed');
  });

  test('a body that never ends is given up, too', async () => {
    const { it, url } = await server(200);
    it.answer = (_, response) => void response.writeHead(200).write('begun');
    expect((await checked({ url, timeout: '200ms' })).result).toBe('late');
  });

  test('one that is down does not hold up another', async () => {
    const { it, url } = await server(200);
    // Neither is answered before both were asked.
    const waiting: ServerResponse[] = [];
    it.answer = (_, response) => {
      waiting.push(response);
      if (waiting.length === 2) for (const each of waiting) each.end();
    };
    const run = await asked(http, { targets: { a: { url }, b: { url } } });
    expect(valuesOf(run, 'check.http.up')).toEqual({ '{a}': 1, '{b}': 1 });
  });

  test('without targets there is nothing to check', async () => {
    expect((await asked(http, {})).thrown).toBeInstanceOf(NoData);
  });
});

describe('a check of HTTP over TLS', () => {
  let certificates: Certificates;
  beforeAll(() => {
    certificates = new Certificates();
  });
  afterAll(() => certificates[Symbol.dispose]());

  /** A server with such a certificate. @returns its URL, and how often it was asked. */
  async function presenting(cert: string | Buffer, key: string) {
    let asked = 0;
    const it = createServer({ cert, key: readFileSync(key) }, (_, response) => {
      asked += 1;
      response.end('secure');
    }).listen(0, '127.0.0.1');
    await once(it, 'listening');
    onTestFinished(() => void it.close());
    const url = `https://127.0.0.1:${(it.address() as AddressInfo).port}/`;
    return { url, asked: () => asked };
  }

  function secure(name: string, wishes: { names?: string; expired?: boolean } = {}) {
    const { cert, key } = certificates.ours.issue(name, wishes);
    return presenting(readFileSync(cert), key);
  }

  test('has until when the certificate is valid', async () => {
    const { url } = await secure('web', { names: 'IP:127.0.0.1' });
    const { values, result } = await checked({ url, tls: { ca: certificates.ours.cert } });
    expect(result).toBe('ok');
    expect(values['certificate.expiry{a}']).toBe(Date.UTC(2049, 11, 31) / 1000 - 1_700_000_000);
    expect(values['phase_time{a,tls}']).toBeGreaterThan(0);
  });

  test('an expired one is told of, and its server asked nothing', async () => {
    const { url, asked } = await secure('old', { names: 'IP:127.0.0.1', expired: true });
    const { values, result } = await checked({ url, tls: { ca: certificates.ours.cert } });
    expect(result).toBe('untrusted');
    expect(values['certificate.expiry{a}']).toBe(Date.UTC(2020, 1, 1) / 1000 - 1_700_000_000);
    expect(asked()).toBe(0);
  });

  test.each([
    ['of nobody who is trusted', {}, undefined],
    ['for another name', { names: 'DNS:other.example.net' }, 'ca'],
  ])('one %s is not trusted', async (_, wishes, ca) => {
    const { url, asked } = await secure(`odd-${ca ?? 'none'}`, {
      names: 'IP:127.0.0.1',
      ...wishes,
    });
    const tls = ca === undefined ? {} : { ca: certificates.ours.cert };
    const { result } = await checked({ url, tls, username: 'u', password: 'p' });
    expect([result, asked()]).toEqual(['untrusted', 0]);
  });

  test('one that does not say until when it is valid is not trusted', async () => {
    const { cert, key } = certificates.theirs.issue('timeless', { names: 'IP:127.0.0.1' });
    const pem = readFileSync(cert, 'latin1');
    const bytes = Buffer.from(pem.replace(/-----.*-----|\n/g, ''), 'base64');
    // The second of two times (UTCTime, RFC 5280).
    const from = bytes.indexOf('\x17\x0d', 0, 'latin1');
    const until = bytes.indexOf('\x17\x0d', from + 1, 'latin1');
    bytes.write('no time at al', until + 2, 'latin1');
    const spoilt = `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`;
    const { url, asked } = await presenting(spoilt, key);
    const { result, values } = await checked({ url, username: 'u', password: 'p' });
    expect([result, asked()]).toEqual(['failed', 0]);
    expect(values).not.toHaveProperty('certificate.expiry{a}');
  });

  test('a server without TLS', async () => {
    const { url } = await server(200);
    expect((await checked({ url: url.replace('http:', 'https:') })).result).toBe('failed');
  });
});
