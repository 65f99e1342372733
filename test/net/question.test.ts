import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { openQuestions } from '../../src/net/index.ts';
import { NoData, ParseError, Unresponsive } from '../../src/plugin/index.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function peer(answer: (socket: Socket, question: Buffer, port: number) => void) {
  const socket = createSocket('udp4');
  open.push(socket);
  socket.on('message', (bytes, { port }) => answer(socket, bytes, port));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { host: '127.0.0.1', port: socket.address().port };
}

const asking = async (where: { host: string; port: number }, signal: AbortSignal) => {
  const questions = await openQuestions(where, signal);
  open.push(questions);
  return (text: string) =>
    questions.ask(Buffer.from(text), (bytes) => {
      const answer = bytes.toString();
      if (answer === 'nonsense') throw new ParseError('this is none');
      return answer.startsWith('for ') ? answer : undefined;
    });
};

const forever = new AbortController().signal;

test('an answer is what is made of a datagram; others are passed over', async () => {
  const where = await peer((socket, question, port) => {
    socket.send('of another', port);
    socket.send(`for ${question}`, port);
  });
  const ask = await asking(where, forever);
  expect(await ask('a')).toBe('for a');
  expect(await ask('b')).toBe('for b');
});

test('what is wrong with an answer is what went wrong', async () => {
  const where = await peer((socket, _, port) => socket.send('nonsense', port));
  const ask = await asking(where, forever);
  await expect(ask('a')).rejects.toThrow(ParseError);
});

test('somebody else is not heard', async () => {
  const stranger = createSocket('udp4');
  open.push(stranger);
  const where = await peer((socket, question, port) => {
    stranger.send('for nobody', port, '127.0.0.1', () => socket.send(`for ${question}`, port));
  });
  const ask = await asking(where, forever);
  expect(await ask('a')).toBe('for a');
});

test('nobody listens, or there is no such name', async () => {
  const gone = createSocket('udp4').bind(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address();
  gone.close();
  const ask = await asking({ host: '127.0.0.1', port }, forever);
  await expect(ask('a')).rejects.toThrow(NoData);
  await expect(openQuestions({ host: 'nowhere.invalid', port: 1 }, forever)).rejects.toThrow(
    /^nowhere\.invalid:1: (there is no such name|getaddrinfo EAI_AGAIN)/,
  );
});

test('it is given up when whoever asks gives up, before or while it waits', async () => {
  const where = await peer(() => {});
  const aborter = new AbortController();
  const ask = await asking(where, aborter.signal);
  const answer = expect(ask('a')).rejects.toThrow(Unresponsive);
  aborter.abort();
  await answer;
  await expect(ask('b')).rejects.toThrow(Unresponsive);
  await expect(openQuestions(where, aborter.signal)).rejects.toThrow(Unresponsive);
  // While its name is looked up.
  const early = new AbortController();
  const opening = openQuestions(where, early.signal);
  early.abort();
  await expect(opening).rejects.toThrow(Unresponsive);
});
