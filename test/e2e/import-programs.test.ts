import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { diamond } from '../../src/import/diamond/importer.ts';
import { convert, type Imported } from '../../src/import/index.ts';
import { telegraf } from '../../src/import/telegraf/importer.ts';
import { freePort } from '../support/carbon.ts';
import { Sink } from '../support/collectd.ts';
import { PROGRAM } from '../support/program.ts';

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text.replaceAll('FOLDER', folder));
    if (text.startsWith('#!')) chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

/** The agent at work with what was imported. */
function atWork(folder: string, { owners }: Imported): void {
  const config = join(folder, 'cullinan.yaml');
  writeFileSync(config, owners);
  const agent = spawn(process.execPath, [PROGRAM, 'run', '--config', config], { stdio: 'ignore' });
  const gone = once(agent, 'exit');
  onTestFinished(async () => {
    agent.kill('SIGKILL');
    await gone;
  });
}

const latestOf = (sink: Sink, path: string): number | undefined =>
  [...(sink.sent().get(path)?.values() ?? [])].at(-1);

test('Diamond’s user scripts and files go on under their names', async () => {
  await using carbon = await Sink.listen();
  const folder = folderOf({
    'user_scripts/queue.sh': '#!/bin/sh\necho "queue.deferred 12"\necho "queue.active 3.5"\n',
    'user_scripts/README': 'no program',
    'files/backup.out': 'backup.age 3600\n',
    'diamond.conf': `[server]
handlers = diamond.handler.graphite.GraphiteHandler
[handlers]
[[GraphiteHandler]]
host = 127.0.0.1
port = ${carbon.port}
[collectors]
[[default]]
hostname = web01
interval = 1
[[UserScriptsCollector]]
enabled = True
scripts_path = FOLDER/user_scripts
metrics_blacklist = queue\\.active
[[FilesCollector]]
enabled = True
dir = FOLDER/files
`,
  });
  atWork(folder, convert(diamond, [folder]));
  await vi.waitFor(
    () => {
      expect(latestOf(carbon, 'servers.web01.queue.deferred')).toBe(12);
      expect(latestOf(carbon, 'servers.web01.backup.age')).toBe(3600);
    },
    { timeout: 20_000, interval: 200 },
  );
  expect([...carbon.sent().keys()].filter((path) => path.includes('queue.active'))).toEqual([]);
});

test('Telegraf’s programs, and those that send to it, are heard', async () => {
  await using carbon = await Sink.listen();
  const [statsd, lines] = [await freePort(), await freePort()];
  const folder = folderOf({
    'bin/one': '#!/bin/sh\necho "site,part=$(echo "$1" | tr " " _) asked=5"\n',
    'bin/stays': '#!/bin/sh\nwhile read -r _; do echo "told.by.it 7"; done\n',
    'telegraf.conf': `[agent]
interval = "1s"
hostname = "web01"
[[inputs.exec]]
commands = ["FOLDER/bin/one 'in here'"]
data_format = "influx"
[[inputs.execd]]
command = ["FOLDER/bin/stays"]
signal = "STDIN"
data_format = "graphite"
[[inputs.statsd]]
service_address = "127.0.0.1:${statsd}"
[[inputs.socket_listener]]
service_address = "udp://127.0.0.1:${lines}"
data_format = "influx"
[[outputs.graphite]]
servers = ["127.0.0.1:${carbon.port}"]
`,
  });
  atWork(folder, convert(telegraf, [join(folder, 'telegraf.conf')]));
  const sender = createSocket('udp4');
  onTestFinished(() => void sender.close());
  await vi.waitFor(
    () => {
      sender.send('site.hits:1|c', statsd, '127.0.0.1');
      sender.send('weather,place=here temperature=21', lines, '127.0.0.1');
      const names = [...carbon.sent().keys()];
      const ends = (end: string) => names.find((name) => name.endsWith(end)) ?? '';
      expect(names.filter((name) => /site\.asked\.in_here/.test(name))).toHaveLength(1);
      expect(latestOf(carbon, ends('told.by.it'))).toBe(7);
      expect(latestOf(carbon, ends('site.hits'))).toBeGreaterThan(0);
      expect(latestOf(carbon, ends('weather.temperature.here'))).toBe(21);
    },
    { timeout: 20_000, interval: 200 },
  );
});
