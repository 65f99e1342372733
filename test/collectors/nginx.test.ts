import { AccessDenied, Foreseen, NoData, ParseError, Unresponsive } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import nginx, { parse } from '../../collectors/nginx.ts';
import { freePort } from '../support/carbon.ts';
import { describeWithPeer } from '../support/peers.ts';
import { asked, saying, valuesOf } from '../support/probing.ts';
import { WebServer } from '../support/web-server.ts';

const PAGE = `Active connections: 291 
server accepts handled requests
 16630948 16630940 31070465 
Reading: 6 Writing: 179 Waiting: 106 
`;

test('reads the page', () => {
  expect(parse(PAGE)).toEqual({
    ...{ active: 291, accepted: 16630948, handled: 16630940, requests: 31070465 },
    states: { reading: 6, writing: 179, waiting: 106 },
  });
});

test('reads the page of builds that have request times', () => {
  const page = PAGE.replace('requests\n', 'requests request_time\n').replace(
    '465 \n',
    '465 1234 \n',
  );
  expect(parse(page)).toEqual(parse(PAGE));
});

test('no other page is taken for it, whatever it is', () => {
  const page = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.nat({ max: PAGE.length - 8 }).map((cut) => PAGE.slice(0, cut)),
  );
  fc.assert(
    fc.property(page, (text) => {
      expect(() => parse(text)).toThrow(ParseError);
    }),
  );
});

describe('nginx', () => {
  test('nobody listens', async () => {
    const { thrown } = await asked(nginx, { url: `http://127.0.0.1:${await freePort()}/` });
    expect(thrown).toBeInstanceOf(NoData);
  });

  test('nobody answers', async () => {
    const port = await saying(() => {});
    const run = await asked(nginx, { url: `http://127.0.0.1:${port}/` }, AbortSignal.timeout(100));
    expect(run.thrown).toEqual(
      new Unresponsive(`http://127.0.0.1:${port}/ did not answer in time`),
    );
  });

  test('a page without end is not read to its end', async () => {
    let over = false;
    const port = await saying((socket) => {
      socket.once('close', () => {
        over = true;
      });
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const go = () => void (socket.destroyed || socket.write('x'.repeat(65_536), go));
      go();
    });
    const run = await asked(nginx, { url: `http://127.0.0.1:${port}/` });
    expect(run.thrown).toEqual(
      new Foreseen(`http://127.0.0.1:${port}/: more than 1048576 bytes. Is this the page?`),
    );
    await expect.poll(() => over).toBe(true);
  });
});

describeWithPeer('nginx', 'a real nginx', () => {
  const started = async () => {
    const server = await WebServer.nginx();
    onTestFinished(() => server[Symbol.asyncDispose]());
    return (path: string, more = {}) =>
      asked(nginx, { url: `http://127.0.0.1:${server.port}${path}`, ...more });
  };

  test('counts requests', async () => {
    const ask = await started();
    const before = valuesOf(await ask('/nginx_status'));
    const { thrown, observations } = await ask('/nginx_status');
    expect(thrown).toBeUndefined();
    const after = valuesOf({ observations, errors: [], thrown });
    expect(after['nginx.requests{}']).toBe((before['nginx.requests{}'] ?? 0) + 1);
    expect(after).toMatchObject({
      'nginx.connections.active{}': 1,
      'nginx.connections.current{writing}': 1,
      'nginx.connections.accepted{}': after['nginx.connections.handled{}'],
    });
  });

  test('shows the page only to whom it may', async () => {
    const ask = await started();
    expect((await ask('/private', { username: 'zoë', password: 'secret' })).thrown).toBeUndefined();
    const wrong = (await ask('/private', { username: 'zoë', password: 'other' })).thrown;
    expect(wrong).toBeInstanceOf(AccessDenied);
    expect(String(wrong)).toContain('status 401. Check "username"');
    expect(String((await ask('/closed')).thrown)).toContain('status 403. Let this host see it');
    expect((await ask('/missing')).thrown).toBeInstanceOf(Foreseen);
    expect((await ask('/index.html')).thrown).toBeInstanceOf(ParseError);
  });
});
