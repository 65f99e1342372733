import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import syslog from '../../handlers/syslog.ts';
import { around, points } from '../support/delivery.ts';
import { describeHandler } from '../support/handler.ts';
import { parseSyslog, readOctetCounted } from '../support/syslog.ts';

const forever = new AbortController().signal;
const pathOf = (message: string): string => parseSyslog(message).text.split(' ')[0] ?? '';

describeHandler({
  handler: syslog,
  options: (port) => ({ host: '127.0.0.1', port }),
  paths: (received) => readOctetCounted(received).map(pathOf),
});

test('over UDP, a datagram is a message', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  onTestFinished(() => void socket.close());
  const received: string[] = [];
  socket.on('message', (datagram) => received.push(datagram.toString()));
  await once(socket, 'listening');
  const { port } = socket.address();
  const connection = await syslog.open({
    options: syslog.options.parse({ host: '127.0.0.1', port, protocol: 'udp', facility: 'cron' }),
    signal: forever,
    ...around,
  });
  await connection.write(points(0, 100, 'web01.load'), forever);
  await vi.waitFor(() => expect(received).toHaveLength(100));
  expect(received.map((message) => parseSyslog(message))).toMatchObject(
    Array.from({ length: 100 }, (_, i) => ({ facility: 9, text: `web01.load ${i}` })),
  );
  await connection.close();
});

test.each([
  [{ protocol: 'udp', tls: {} }, ['tls'], 'must be left out: UDP has no TLS'],
  [
    { appName: 'two words' },
    ['appName'],
    'must be 1 to 48 printable ASCII characters without a space',
  ],
  [{ enterprise: 'x]' }, ['enterprise'], 'must be numbers with dots between them'],
])('refuses %j', (given, path, message) => {
  expect(syslog.options.safeParse(given).error?.issues).toMatchObject([{ path, message }]);
});
