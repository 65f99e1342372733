import { join } from 'node:path';
import type { HandlerConfig } from '../config/index.ts';

/** Where one delivery goes: a configured handler, or one of the peers among which it divides its points. */
export interface Destination extends HandlerConfig {
  /** Whether a series of this path goes there; `undefined` is all of them. */
  readonly accepts?: ((path: string) => boolean) | undefined;
}

/**
 * The deliveries that a configured handler stands for, each with its own queue, connection and books:
 * one under the handler's own name, or one for each peer, as `graphite[carbon.example.net:2003]`.
 */
export function destinations(config: HandlerConfig): readonly Destination[] {
  const peers = config.handler.peers?.(config.options);
  if (peers === undefined || peers.length === 0) return [config];
  const alone = peers.length === 1;
  return peers.map(({ name, options, accepts }) => ({
    ...config,
    instance: alone ? config.instance : `${config.instance}[${name}]`,
    options,
    accepts,
    queue: alone ? config.queue : ownQueue(config.queue, name),
  }));
}

/** Each peer's spool has a folder of its own, below that of the handler. */
function ownQueue(queue: HandlerConfig['queue'], peer: string): HandlerConfig['queue'] {
  const { spool } = queue;
  if (spool === undefined) return queue;
  return { ...queue, spool: { ...spool, path: join(spool.path, encodeURIComponent(peer)) } };
}
