import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Booted, eventually } from '../support/booted.ts';
import { Carbon } from '../support/carbon.ts';
import { packages } from '../support/packages.ts';
import { describeWithPeer } from '../support/peers.ts';

const execute = promisify(execFile);

const COLLECTD = (host: string, port: number) => `
Hostname "box.example"
FQDNLookup false
Interval 2
LoadPlugin cpu
LoadPlugin df
LoadPlugin interface
LoadPlugin load
LoadPlugin memory
LoadPlugin swap
LoadPlugin uptime
LoadPlugin write_graphite
<Plugin df>
  MountPoint "/"
  MountPoint "/dev/shm"
</Plugin>
<Plugin write_graphite>
  <Node "carbon">
    Host "${host}"
    Port "${port}"
    Protocol "tcp"
    Prefix "old."
  </Node>
</Plugin>
`;

// What Debian ships, heard and sent by this host alone.
const gmondOf = (shipped: string) =>
  shipped
    .replace(/udp_send_channel \{[^}]*\}/, 'udp_send_channel { host = 127.0.0.1 port = 8649 }')
    .replace(/udp_recv_channel \{[^}]*\}/, 'udp_recv_channel { port = 8649 }')
    .replace(/send_metadata_interval = \d+/, 'send_metadata_interval = 5')
    .replaceAll(/collect_every = \d+/g, 'collect_every = 5')
    .replaceAll(/time_threshold = \d+/g, 'time_threshold = 5');

/** Metric to value, of a host in gmond's XML. */
function metricsOf(xml: string, host: RegExp): ReadonlyMap<string, string> {
  const [, text = ''] =
    xml
      .split('<HOST ')
      .map((part) => [part.split('>')[0], part] as const)
      .find(([head]) => host.test(head ?? '')) ?? [];
  const all = text.matchAll(/<METRIC NAME="([^"]*)" VAL="([^"]*)"/g);
  return new Map([...all].map(([, name = '', value = '']) => [name, value]));
}

describeWithPeer(
  ['nspawn', 'carbon-cache', 'gcc', 'rpm'],
  'the old agent and what was imported from it, in one system',
  () => {
    let box: Booted;
    let carbon: Carbon;

    beforeAll(async () => {
      const made = packages();
      box = await Booted.start(async (root) => {
        // Nobody starts what is installed until it is configured.
        writeFileSync(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
        const install =
          'apt-get install -q -y --no-install-recommends collectd-core ganglia-monitor';
        const environment = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
        const words = [root, 'sh', '-c', `apt-get update -q && ${install}`];
        await execute('chroot', words, environment);
        rmSync(join(root, 'usr/sbin/policy-rc.d'));
      });
      carbon = await Carbon.start(box.outside);
      await box.run('dpkg', '--install', box.take((await made).deb));
      await box.sh('systemctl stop cullinan');
    });
    afterAll(async () => {
      await carbon?.[Symbol.asyncDispose]();
      await box?.[Symbol.asyncDispose]();
    });

    /** Imports a configuration, and runs what came out with its text changed. */
    async function moved(from: string, path: string, change: (text: string) => string) {
      await box.run('cullinan', 'import', from, path, '--force', '--output', `/etc/${from}.yaml`);
      box.write(
        `/etc/${from}.yaml`,
        `${change(box.read(`/etc/${from}.yaml`))}\nstatus: { enabled: false }\n`,
      );
      const unit = ['--quiet', `--unit=new-${from}`, '--uid=cullinan'];
      await box.sh(`chown cullinan /etc/${from}.yaml`);
      await box.run('systemd-run', ...unit, 'cullinan', 'run', '--config', `/etc/${from}.yaml`);
    }

    test('collectd: the same names, the same values', async () => {
      box.write('/etc/collectd/collectd.conf', COLLECTD(box.outside, carbon.port));
      await box.run('systemd-run', '--quiet', '--unit=old', 'collectd', '-f');
      await moved('collectd', '/etc/collectd/collectd.conf', (text) =>
        text.replaceAll('old.', 'new.'),
      );
      const named = (prefix: string) =>
        carbon
          .series()
          .filter((name) => name.startsWith(prefix))
          .map((name) => name.slice(4));
      await eventually(() => expect(named('old.').length).toBeGreaterThan(40));
      await eventually(() => expect(named('new.')).toEqual(named('old.')));
      // What does not leap from one second to the next.
      const calm = named('old.').filter((name) =>
        /uptime|df-.*(used|reserved)|memory-(used|cached)|swap-used|load/.test(name),
      );
      expect(calm.length).toBeGreaterThan(8);
      const value = (name: string) => [...carbon.read(name).values()].at(-1);
      await eventually(() => {
        for (const name of calm) {
          const [old, our] = [value(`old.${name}`), value(`new.${name}`)] as [number, number];
          expect(Math.abs(our - old), name).toBeLessThanOrEqual(Math.abs(old) * 0.05 + 5);
        }
      });
      await box.sh('systemctl stop old new-collectd');
    });

    test('gmond: the same metrics of two hosts, with the same values', async () => {
      const text = gmondOf(box.read('/etc/ganglia/gmond.conf'));
      box.write('/etc/ganglia/gmond.conf', text);
      await box.run(
        'systemd-run',
        '--quiet',
        '--unit=old',
        'gmond',
        '--foreground',
        '-c',
        '/etc/ganglia/gmond.conf',
      );
      // The same host twice would be one, and its port is taken: the new one has another name, and only sends.
      const own = 'globals {\n  override_hostname = "moved"\n  override_ip = "10.9.8.7"';
      const sending = text
        .replace(/globals \{/, own)
        .replace(/deaf = no/, 'deaf = yes')
        .replace(/(udp_recv|tcp_accept)_channel \{[^}]*\}/g, '');
      box.write('/etc/moved.conf', sending);
      await moved('gmond', '/etc/moved.conf', (given) => given);
      const xml = () => box.run('bash', '-c', 'cat </dev/tcp/127.0.0.1/8649');
      await eventually(async () => {
        const all = await xml();
        const old = metricsOf(all, /NAME="(?!moved)/);
        const ours = metricsOf(all, /NAME="moved"/);
        // docs/dialects/ganglia.md has these as those that are not there; a container has no disks, of which
        // gmond says that they have no bytes.
        const missing =
          /^(gexec|cpu_speed|cpu_aidle|heartbeat|disk_total|disk_free|part_max_used)$/;
        const wanted = [...old.keys()].filter((name) => !missing.test(name)).sort();
        expect(wanted.length).toBeGreaterThan(20);
        expect([...ours.keys()].filter((name) => !missing.test(name)).sort()).toEqual(wanted);
        for (const name of [
          'mem_total',
          'swap_total',
          'cpu_num',
          'boottime',
          'os_name',
          'os_release',
          'machine_type',
        ]) {
          const [a, b] = [ours.get(name), old.get(name)];
          if (name === 'boottime') expect(Math.abs(Number(a) - Number(b))).toBeLessThanOrEqual(2);
          else expect(a, name).toBe(b);
        }
      }, 60);
      await box.sh('systemctl stop old new-gmond');
    });
  },
);
