import { once } from 'node:events';
import type { Socket } from 'node:net';
import { CAPTURES } from './ganglia-captures.ts';

/** From 0 up to, but not including, a number: the same ones each time, and cheap. */
export function chance(): (below: number) => number {
  let seed = 20_261_121;
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

/** Real packets with a few bytes changed or the end cut off: the same ones each time, and cheap. */
export class Damaged {
  /** From 0 up to, but not including, a number. */
  readonly chance = chance();

  packet(): Buffer {
    const packet = Buffer.from(CAPTURES[this.chance(CAPTURES.length)]?.bytes ?? []);
    for (let n = this.chance(4); n > 0; n -= 1) {
      packet[this.chance(packet.length)] = this.chance(256);
    }
    return this.chance(10) > 0 ? packet : packet.subarray(0, this.chance(packet.length));
  }
}

/** Throws a million packets at a server, on a thousand connections after each other. */
export async function throwAMillion(connect: () => Socket): Promise<void> {
  const damaged = new Damaged();
  for (let connection = 0; connection < 1000; connection += 1) {
    const socket = connect();
    socket.on('error', () => {
      // A server may well have enough of it.
    });
    socket.resume();
    socket.end(Buffer.concat(Array.from({ length: 1000 }, () => damaged.packet())));
    await once(socket, 'close');
  }
}
