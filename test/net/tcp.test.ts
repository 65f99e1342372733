import { openTcp } from 'cullinan/net';
import { expect, test } from 'vitest';
import { saying } from '../support/probing.ts';

test.each([['x'], [[Buffer.from('x')]], [[Buffer.from('x'), Buffer.from('y')]]])(
  'what is written to a peer that has gone fails, and says where it was: %j',
  async (bytes) => {
    const port = await saying((socket) => socket.end());
    const peer = { host: '127.0.0.1', port, keepalive: 60, peer: 'the peer' };
    const stream = await openTcp(peer, AbortSignal.timeout(20_000));
    await stream.ended;
    await expect(stream.write(bytes)).rejects.toThrow(`127.0.0.1:${port}: `);
  },
);
