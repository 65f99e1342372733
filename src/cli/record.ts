import { setTimeout as sleep } from 'node:timers/promises';
import { createAgent } from '../agent/index.ts';
import { systemClock } from '../clock/index.ts';
import { hostFacts, startRecording } from '../host/index.ts';
import { EXIT, type Io } from './io.ts';
import { seconds } from './once.ts';
import { identify, load, openHost, openLog } from './setup.ts';

export interface RecordOptions {
  readonly config?: string;
  readonly for: string;
  readonly every: string;
}

/** `cullinan record`: keeps what the collectors read, so that another machine can replay it. */
export async function record(io: Io, directory: string, options: RecordOptions): Promise<number> {
  const length = seconds('--for', options.for);
  const every = Math.max(seconds('--every', options.every), 1);
  const config = { ...load(io, options.config, { console: {} }), handlers: [] };
  const host = openHost(config);
  const { hostname, fqdn } = await hostFacts();
  const recording = startRecording(directory, host, { hostname, fqdn });
  const { log, report } = openLog(io, config);
  const agent = createAgent({
    config,
    host: recording.host,
    identity: await identify(config),
    clock: systemClock,
    log,
    report,
    random: Math.random,
  });
  const moments = Math.floor(length / every) + 1;
  const start = Math.floor(Date.now() / 1000);
  for (let i = 0; i < moments; i += 1) {
    const time = start + Math.round(i * every);
    const wait = time * 1000 - Date.now();
    if (wait > 0) await sleep(wait);
    recording.moment(time);
    await agent.collect(time);
    io.err(`moment ${i + 1} of ${moments} recorded\n`);
  }
  await agent.stop(0);
  host.close();
  io.err(
    `Recorded in ${directory}. Serial numbers, hardware addresses and mount options are left out; look it through before you share it.\nReplay it with: cullinan replay ${directory}\n`,
  );
  return EXIT.ok;
}
