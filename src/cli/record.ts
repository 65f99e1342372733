import { setTimeout as sleep } from 'node:timers/promises';
import { hostFacts, startRecording } from '../host/index.ts';
import { EXIT, type Io, listed } from './io.ts';
import { seconds } from './seconds.ts';
import { assemble, loadWithPlugins, openLog } from './setup.ts';

export interface RecordOptions {
  readonly config?: string;
  readonly for: string;
  readonly every: string;
}

/** `cullinan record`: keeps what the collectors read, so that another machine can replay it. */
export async function record(io: Io, directory: string, options: RecordOptions): Promise<number> {
  const length = seconds('--for', options.for, { least: 0, most: 7 * 86_400 });
  const every = seconds('--every', options.every, { least: 1, most: 3600 });
  const loaded = await loadWithPlugins(io, options.config, { inProcess: true });
  const config = { ...loaded.config, handlers: [] };
  const { hostname, fqdn } = await hostFacts();
  let moment: (time: number) => void = () => {};
  const { agent, dispose } = await assemble(config, {
    ...openLog(io, config),
    through: (host) => {
      const recorder = startRecording(directory, host, { hostname, fqdn });
      moment = recorder.moment;
      return recorder.host;
    },
  });
  const moments = Math.floor(length / every) + 1;
  io.err(
    moments === 1
      ? 'Recording one moment; rates need two: make --for longer than --every.\n'
      : `Recording ${moments} moments, one every ${every} s …\n`,
  );
  const start = Math.floor(Date.now() / 1000);
  for (let i = 0; i < moments; i += 1) {
    const time = start + Math.round(i * every);
    const wait = time * 1000 - Date.now();
    if (wait > 0) await sleep(wait);
    moment(time);
    await agent.collect(time);
    io.err(`moment ${i + 1} of ${moments} recorded\n`);
  }
  const failed = agent.status.collectors.filter(({ outcomes }) => outcomes.failed > 0);
  await dispose();
  if (failed.length > 0) {
    const names = listed(failed.map(({ name }) => name));
    io.err(`cullinan: the recording in ${directory} is not complete: ${names} failed, see above\n`);
    return EXIT.failure;
  }
  io.err(
    `Recorded in ${directory}. Serial numbers, hardware addresses and mount options are left out; look it through before you share it.\nReplay it with: cullinan replay ${directory}\n`,
  );
  return EXIT.ok;
}
