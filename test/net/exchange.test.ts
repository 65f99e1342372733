import { getEventListeners, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTls } from 'node:tls';
import { type Exchange, exchange, reachUnix } from 'cullinan/net';
import { AccessDenied, Foreseen, NoData, ParseError, Unresponsive } from 'cullinan/plugin';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../support/carbon.ts';
import { saying } from '../support/probing.ts';
import { Certificates } from '../support/tls.ts';

/** A line in, a line out. */
function line(take: (text: string) => string | undefined = (text) => text): Exchange<string> {
  let text = '';
  return {
    ...{ question: 'how?\n', protocol: 'small talk', farewell: 'bye\n' },
    take(piece) {
      text += piece;
      return text.endsWith('\n') ? take(text) : undefined;
    },
  };
}

const at = (port: number) => ({ host: '127.0.0.1', port });
const soon = () => AbortSignal.timeout(20_000);
const failureOf = async (asked: Promise<unknown>): Promise<unknown> =>
  await asked.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('an exchange', () => {
  test('ends with the answer, in whatever pieces it comes, and with a farewell', async () => {
    let heard = '';
    const port = await saying((socket) => {
      socket.once('data', () => {
        socket.write('fi');
        setImmediate(() => socket.write('ne\n'));
      });
      socket.on('data', (piece) => {
        heard += piece;
      });
    });
    const signal = soon();
    expect(await exchange(at(port), line(), signal)).toBe('fine\n');
    await vi.waitFor(() => expect(heard).toBe('how?\nbye\n'));
    await vi.waitFor(() => expect(getEventListeners(signal, 'abort')).toEqual([]));
  });

  test('is possible over a socket in the filesystem', async () => {
    const path = await listening();
    expect(await exchange({ ...at(0), socket: path }, line(), soon())).toBe('fine\n');
  });

  test('says where it fails, whatever it is', async () => {
    const port = await saying((socket) => socket.once('data', () => socket.write('what?\n')));
    const failing = (error: Error) =>
      failureOf(
        exchange(
          at(port),
          line(() => {
            throw error;
          }),
          soon(),
        ),
      );
    const where = `127.0.0.1:${port}`;
    expect(await failing(new SyntaxError('a cry'))).toEqual(
      new ParseError(`${where}: it sent a cry. Is this small talk?`),
    );
    expect(await failing(new AccessDenied('not you'))).toEqual(
      new AccessDenied(`${where}: not you`),
    );
    const bug = new TypeError('of ours');
    expect(await failing(bug)).toBe(bug);
    expect(bug.message).toBe('of ours');
  });

  test('with a peer that ends it, resets it, is silent, or is not there', async () => {
    const ending = await saying((socket) => socket.once('data', () => socket.end('fi')));
    expect(await failureOf(exchange(at(ending), line(), soon()))).toEqual(
      new Foreseen(`127.0.0.1:${ending}: it ended the connection`),
    );
    const rude = await saying((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await failureOf(exchange(at(rude), line(), soon()))).toMatchObject({
      message: `127.0.0.1:${rude}: read ECONNRESET`,
      code: 'ECONNRESET',
    });
    const silent = await saying(() => undefined);
    expect(await failureOf(exchange(at(silent), line(), AbortSignal.timeout(100)))).toEqual(
      new Unresponsive(`127.0.0.1:${silent} did not answer in time`),
    );
    const nobody = await freePort();
    expect(await failureOf(exchange(at(nobody), line(), soon()))).toEqual(
      new NoData(`127.0.0.1:${nobody}: nobody listens`),
    );
  });

  test('tells a server that is not trusted nothing', async () => {
    using certificates = new Certificates();
    const { cert, key } = certificates.theirs.issue('other', { names: 'IP:127.0.0.1' });
    const server = createTls({ cert: readFileSync(cert), key: readFileSync(key) });
    const heard = new Promise<string>((resolve) => {
      // It may hear that nobody is there before it believes that somebody was.
      server.on('tlsClientError', () => resolve(''));
      server.on('secureConnection', (socket) => {
        let text = '';
        socket.on('data', (piece) => {
          text += piece;
        });
        socket.on('error', () => undefined).on('close', () => resolve(text));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const tls = { ca: certificates.ours.cert };
    const error = await failureOf(exchange({ ...at(port), tls }, line(), soon()));
    expect(error).toBeInstanceOf(Foreseen);
    expect(String(error)).toContain(`127.0.0.1:${port}: its certificate is vouched for by nobody`);
    expect(await heard).toBe('');
  });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'cullinan-exchange-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** Where somebody answers. */
async function listening(): Promise<string> {
  const path = join(folder(), 'peer.sock');
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.write('fine\n'));
  }).listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return path;
}

describe('a socket in the filesystem', () => {
  test('that is not there, and one that is no socket', async () => {
    const path = join(folder(), 'none');
    expect(await failureOf(reachUnix(path, soon()))).toEqual(
      new NoData(`${path} does not exist here`),
    );
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    expect(await failureOf(reachUnix(file, soon()))).toEqual(new NoData(`${file}: nobody listens`));
  });

  test('is given up in time', async () => {
    const path = await listening();
    expect(await failureOf(reachUnix(path, AbortSignal.abort()))).toEqual(
      new Unresponsive(`${path} did not answer in time`),
    );
  });
});
