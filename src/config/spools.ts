import { resolve } from 'node:path';
import type { z } from '../plugin/index.ts';
import type { HandlerConfig } from './config.ts';
import type { handlerKeys } from './schema.ts';

const SPOOLS = '/var/lib/cullinan/spool';

/** A spool without a place of its own has one under the instance's name. */
export function queueOf(
  instance: string,
  { samples, bytes, age, spool }: z.output<typeof handlerKeys>['queue'],
): HandlerConfig['queue'] {
  const { size, age: old } = spool;
  if (size === 0) return { samples, bytes, age, spool: undefined };
  const path = resolve(spool.path ?? `${SPOOLS}/${encodeURIComponent(instance)}`);
  return { samples, bytes, age, spool: { path, size, age: old } };
}

/** Handlers that would use the spool of one before them. */
export function* sharedSpools(handlers: readonly HandlerConfig[]) {
  const spools = new Map<string, string>();
  for (const { instance, queue } of handlers) {
    if (queue.spool === undefined) continue;
    const { path } = queue.spool;
    const [, other] =
      [...spools].find(([its]) => `${path}/`.startsWith(its) || its.startsWith(`${path}/`)) ?? [];
    spools.set(`${path}/`, instance);
    if (other === undefined) continue;
    const message = `handlers.${instance} has the spool of handlers.${other} or a folder in it, ${path}`;
    yield { instance, message, remedy: 'leave "path" out: each has a folder of its own then' };
  }
}
