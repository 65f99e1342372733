import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent, Identity } from '../agent/index.ts';
import type { Config } from '../config/index.ts';
import type { Sample } from '../metric/index.ts';
import type { Io } from './io.ts';
import { assemble, identify, openLog } from './setup.ts';

/** Long enough for the kernel's counters to move, so that derived values exist too. */
const BETWEEN_READINGS = 200;

/**
 * What is collected in two readings: of each series the later one that there is. A program that says
 * something once in a while may have nothing to say in the second.
 *
 * @param between milliseconds.
 */
export async function collectTwice(
  agent: Pick<Agent, 'collect'>,
  between = BETWEEN_READINGS,
): Promise<readonly Sample[]> {
  const now = (): number => Math.floor(Date.now() / 1000);
  const before = [...(await agent.collect(now()))];
  await sleep(between);
  const samples = await agent.collect(now());
  const again = new Set(samples.map(({ series }) => series));
  return [...samples, ...before.filter(({ series }) => !again.has(series))];
}

/**
 * What this host's collectors observe, of two readings, so that what is derived is there. Nothing is
 * sent, written down or listened to, and no handler connects.
 */
export async function readTwice(
  io: Io,
  config: Config,
): Promise<{ readonly samples: readonly Sample[]; readonly identity: Identity }> {
  const said = openLog(io, config);
  const identity = await identify(config, said.log);
  const read = async (part: Config): Promise<readonly Sample[]> => {
    const { agent, dispose } = await assemble(part, { ...said, identity });
    const samples = await collectTwice(agent);
    await dispose();
    return samples;
  };
  const handlers = config.handlers.map((it) => {
    return { ...it, only: [], queue: { ...it.queue, spool: undefined } };
  });
  const collectors = config.collectors.filter(({ collector }) => collector.name === 'agent');
  const [samples, ofHandlers] = await Promise.all([
    // Where there is no handler, a tail writes down nothing and a listener does not listen.
    read({ ...config, handlers: [] }),
    // The agent's own metrics speak of handlers. Those that are sent nothing, and have nothing on disk, never connect.
    read({ ...config, collectors, handlers }),
  ]);
  const known = new Set(samples.map(seriesKey));
  const more = ofHandlers.filter((sample) => !known.has(seriesKey(sample)));
  return { samples: [...samples, ...more], identity };
}

/** The same text for the same series of whatever agent. */
export const seriesKey = ({ series: { metric, host, labels } }: Sample): string =>
  JSON.stringify([metric.name, host, labels]);
