import { setTimeout as sleep } from 'node:timers/promises';
import type { Identity } from '../agent/index.ts';
import type { Config } from '../config/index.ts';
import type { Sample } from '../metric/index.ts';
import type { Io } from './io.ts';
import { assemble, openLog } from './setup.ts';

/** Long enough for the kernel's counters to move, so that derived values exist too. */
const BETWEEN_READINGS = 200;

/**
 * What this host's collectors observe, of two readings, so that what is derived is there. Nothing is
 * sent, and no handler connects.
 */
export async function readTwice(
  io: Io,
  config: Config,
): Promise<{ readonly samples: readonly Sample[]; readonly identity: Identity }> {
  // Handlers that are sent nothing, and have nothing on disk, never connect; the agent's own metrics
  // speak of them.
  const handlersToName = config.handlers.map((it) => {
    return { ...it, only: [], queue: { ...it.queue, spool: undefined } };
  });
  const silent = { ...config, handlers: handlersToName };
  const { agent, identity, dispose } = await assemble(silent, openLog(io, config));
  await agent.collect(Math.floor(Date.now() / 1000));
  await sleep(BETWEEN_READINGS);
  const samples = await agent.collect(Math.floor(Date.now() / 1000));
  await dispose();
  return { samples, identity };
}
