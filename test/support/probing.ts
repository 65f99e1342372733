import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Collector, z } from 'cullinan/plugin';
import { onTestFinished } from 'vitest';
import { collecting, type Run } from './collector.ts';
import { hostWith } from './host.ts';

/** What a collector that asks elsewhere observes at one tick. */
export const asked = async <O extends z.ZodType>(
  collector: Collector<O>,
  options: unknown,
  signal: AbortSignal = AbortSignal.timeout(20_000),
): Promise<Run> => collecting(collector)(1_700_000_000, { host: hostWith({}), options, signal });

/** The values by name and labels, of those whose name begins so: `up{a}`. */
export function valuesOf({ observations }: Run, prefix = ''): Record<string, number> {
  return Object.fromEntries(
    observations.flatMap(({ metric, labels, value }) => {
      if (!metric.name.startsWith(prefix)) return [];
      const inside = metric.labels.map((label) => labels[label]).join(',');
      return [[`${metric.name.slice(prefix.length)}{${inside}}`, value]];
    }),
  );
}

/** Whoever listens at a port, and says what it likes until the test is over. */
export async function saying(answer: (socket: Socket) => void): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on('error', () => {}));
    answer(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
