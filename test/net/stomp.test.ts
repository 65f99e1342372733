import { askStomp } from 'cullinan/net';
import { ParseError } from 'cullinan/plugin';
import { encodeFrame, FrameReader } from 'cullinan/wire/stomp';
import { expect, test, vi } from 'vitest';
import { saying } from '../support/probing.ts';

const soon = () => AbortSignal.timeout(20_000);
const reply = (id: string, body: string) => encodeFrame('MESSAGE', { 'correlation-id': id }, body);

test('a broker is asked, and heard until its last reply, and told that it was', async () => {
  const commands: string[] = [];
  const port = await saying((socket) => {
    const reader = new FrameReader();
    socket.on('data', (piece) => {
      for (const { command, headers } of reader.push(piece)) {
        commands.push(command);
        const id = headers.get('correlation-id');
        if (id === '1') socket.write(reply(id, 'a') + reply(id, 'b'));
        if (id === '0') socket.write(reply(id, 'c'));
      }
    });
  });
  const broker = { host: '127.0.0.1', port, most: 1000 };
  const replies = await askStomp(broker, ['/queue/many', '/queue/one'], soon());
  expect(replies.map(({ body }) => body)).toEqual(['a', 'b', 'c']);
  await vi.waitFor(() => expect(commands.at(-1)).toBe('DISCONNECT'));
  expect(commands).toEqual(['CONNECT', 'SUBSCRIBE', 'SEND', 'SEND', 'DISCONNECT']);
});

test('a broker that says more than there may be is not heard to its end', async () => {
  const port = await saying((socket) => {
    const more = (error?: Error | null): void => {
      if (!error) socket.write(reply('1', 'x'.repeat(100)), more);
    };
    more();
  });
  const answer = askStomp({ host: '127.0.0.1', port, most: 1000 }, ['/queue/one'], soon());
  await expect(answer).rejects.toEqual(
    new ParseError(`127.0.0.1:${port}: it sent more than 1000 bytes. Is this STOMP?`),
  );
});
