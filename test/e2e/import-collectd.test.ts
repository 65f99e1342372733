import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { collectd } from '../../src/import/collectd/importer.ts';
import { convert } from '../../src/import/index.ts';
import { Collectd, Sink } from '../support/collectd.ts';
import { describeWithPeer } from '../support/peers.ts';
import { PROGRAM } from '../support/program.ts';
import { WebServer } from '../support/web-server.ts';

const configuration = (carbon: number, nginx: number, apache: number) => `Hostname "web01"
FQDNLookup false
BaseDir "FOLDER"
PIDFile "FOLDER/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval 1
LoadPlugin apache
LoadPlugin curl
LoadPlugin filecount
LoadPlugin nginx
LoadPlugin users
LoadPlugin write_graphite
<Plugin apache>
  <Instance "shop.main">
    URL "http://127.0.0.1:${apache}/server-status?auto"
  </Instance>
</Plugin>
<Plugin curl>
  <Page "front">
    URL "http://127.0.0.1:${nginx}/index.html"
    MeasureResponseTime true
    MeasureResponseCode true
  </Page>
</Plugin>
<Plugin filecount>
  <Directory "FOLDER">
    Instance "own.files"
  </Directory>
  <Directory "/etc/apt">
    Name "*.list"
    Size "1b"
  </Directory>
</Plugin>
<Plugin nginx>
  URL "http://127.0.0.1:${nginx}/nginx_status"
</Plugin>
<Plugin write_graphite>
  <Node "carbon">
    Host "127.0.0.1"
    Port "${carbon}"
  </Node>
</Plugin>
`;

/** The latest value of each name. */
const latest = (sink: Sink): ReadonlyMap<string, number> =>
  new Map([...sink.sent()].map(([path, slots]) => [path, [...slots.values()].at(-1) ?? 0]));

/** They say that somebody asks, and who asks when is not the same in both. */
const BUSY =
  /apache_(scoreboard|connections|idle|bytes|requests)|nginx_|connections-|response_time/;

describeWithPeer(
  ['collectd', 'nginx', 'apache'],
  'beside a real collectd that asks servers and counts files',
  () => {
    test('names are the same, and so is what stands still', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
      await using theirs = await Sink.listen();
      await using ours = await Sink.listen();
      await using nginx = await WebServer.nginx();
      await using apache = await WebServer.apache();
      const text = configuration(theirs.port, nginx.port, apache.port);
      await using peer = Collectd.startWith(text);
      const { owners, left } = convert(collectd, [peer.file]);
      expect(left.map(({ why }) => why).filter((why) => why.includes('counterpart'))).toEqual([]);
      const config = join(folder, 'cullinan.yaml');
      writeFileSync(config, owners.replace(`port: ${theirs.port}`, `port: ${ours.port}`));
      const words = [PROGRAM, 'run', '--config', config];
      const agent = spawn(process.execPath, words, { stdio: 'ignore' });
      const gone = once(agent, 'exit');
      try {
        await vi.waitFor(
          () => {
            for (const sink of [theirs, ours]) {
              const counts = [...sink.sent()].filter(([path]) => /files$|requests$/.test(path));
              expect(counts.length).toBe(4);
              for (const [, slots] of counts) expect(slots.size).toBeGreaterThan(3);
            }
          },
          { timeout: 40_000, interval: 250 },
        );
      } finally {
        agent.kill('SIGKILL');
        await gone;
        rmSync(folder, { recursive: true, force: true });
      }
      const [a, b] = [latest(theirs), latest(ours)];
      // It is those that were accepted less those that were handled.
      const known = [...a.keys()].filter((path) => !path.endsWith('connections-failed'));
      expect([...b.keys()].sort()).toEqual(known.sort());
      const still = (all: ReadonlyMap<string, number>) =>
        Object.fromEntries([...all].filter(([path]) => !BUSY.test(path)));
      expect(still(b)).toEqual(still(a));
    });
  },
);
