import { afterAll, beforeAll, expect, test } from 'vitest';
import { Booted, eventually } from '../support/booted.ts';
import { Carbon } from '../support/carbon.ts';
import { another, packages } from '../support/packages.ts';
import { describeWithPeer } from '../support/peers.ts';

const PATH = 'servers.box.loadavg.01';

/** Ticks between the first and the last that did not arrive. */
function missing(times: readonly number[]): number {
  const all = [...times].sort((a, b) => a - b);
  return (all.at(-1) ?? 0) - (all[0] ?? 0) + 1 - all.length;
}

// One life of an installed agent, from the first package to the last file: each test goes on where the one
// before has left it.
describeWithPeer(
  ['nspawn', 'carbon-cache', 'gcc', 'rpm'],
  'the deb, in a system that systemd has booted',
  () => {
    let box: Booted;
    let carbon: Carbon;
    let before: readonly string[];
    let newer: string;
    let incapable: string;
    let broken: string;

    const pid = () => box.property('MainPID');
    const times = () => [...carbon.read(PATH).keys()];
    /** Waits for a point of a tick that has not come yet. */
    async function arrives(): Promise<void> {
      const latest = times().at(-1) ?? 0;
      await eventually(() => expect(times().at(-1) ?? 0).toBeGreaterThan(latest + 1));
    }
    const configure = (more = '') =>
      box.write(
        '/etc/cullinan/conf.d/test.yaml',
        `interval: 1s
shutdown: { timeout: 1s }
hostname: { name: box }
handlers:
  graphite:
    host: ${box.outside}
    port: ${carbon.port}
    prefix: servers
    linger: 0s
    queue: { spool: { size: 8MiB } }
${more}`,
      );

    beforeAll(async () => {
      const made = Promise.all([
        packages(),
        another('8.0.0'),
        // It knows one option less.
        another('9.0.0', (text) => text.replaceAll('linger', 'lunger')),
        // It checks a configuration, and ends as soon as it runs. Parts are found by their places in the text.
        another('10.0.0', (text) =>
          text.replace(/\(0,\w+\.writeFileSync\)\("\/proc\/self\/comm","\w+"\)/, (it) =>
            'process.exit(7)'.padEnd(it.length),
          ),
        ),
      ]);
      box = await Booted.start();
      carbon = await Carbon.start(box.outside);
      const [{ deb }, ...others] = await made;
      [newer, incapable, broken] = others.map((path) => box.take(path)) as [string, string, string];
      before = await box.files();
      // As udev makes them.
      await box.sh('mkdir -p /dev/disk/by-label && ln -s ../../vda /dev/disk/by-label/data');
      await box.run('dpkg', '--install', box.take(deb));
    });
    afterAll(async () => {
      await carbon?.[Symbol.asyncDispose]();
      await box?.[Symbol.asyncDispose]();
    });

    test('installing it enables and starts it, within its sandbox', async () => {
      expect(await box.run('systemctl', 'is-enabled', 'cullinan')).toBe('enabled\n');
      expect(await box.run('systemctl', 'is-active', 'cullinan')).toBe('active\n');
      expect(await box.property('StatusText')).toMatch(/^13 collectors, \d+ series/);
      await box.run('systemd-analyze', 'security', '--threshold=20', 'cullinan');
      const words = await box.try('systemd-analyze', 'verify', 'cullinan.service');
      expect(words.err).not.toContain('/cullinan.service');
      // Nobody reads metrics in the journal.
      expect(await box.journal()).not.toContain('system.cpu');
      expect(await box.sh(`cat /proc/${await pid()}/comm`)).toBe('cullinan\n');
    });

    test('its points arrive in a real Carbon outside, after a reload', async () => {
      const same = await pid();
      configure();
      await box.run('systemctl', 'reload', 'cullinan');
      await eventually(() => expect(times().length).toBeGreaterThan(2));
      expect(await pid()).toBe(same);
    });

    test('a plugin that cullinan new begins is at work after a reload', async () => {
      await box.run('cullinan', 'new', 'collector', 'softnet', '--in', '/etc/cullinan/plugins');
      const tested = await box.run('cullinan', 'test', '/etc/cullinan/plugins/softnet.ts');
      expect(tested).toContain('ok   web01: observes exactly this\n');
      configure('collectors: { softnet: { enabled: true } }\n');
      await box.run('systemctl', 'reload', 'cullinan');
      await eventually(() =>
        expect(carbon.read('servers.box.softnet.packets.0').size).toBeGreaterThan(0),
      );
      await box.sh('rm -r /etc/cullinan/plugins/*');
      configure();
      await box.run('systemctl', 'reload', 'cullinan');
    });

    test('inside the sandbox it observes what root does outside', async () => {
      // A filesystem that came while it ran, and a name for one, as udev gives them.
      await box.sh(`mkdir -p /mnt/later && mount -t tmpfs -o size=1M later /mnt/later`);
      await arrives();
      const names = async () => {
        const said = await box.run('cullinan', 'check', '--config', '/etc/cullinan/cullinan.yaml');
        return said.split('\n').filter((line) => line.startsWith('servers.box.'));
      };
      const ours = (name: string) => !/^servers\.box\.cullinan\./.test(name);
      const outside = (await names()).filter(ours).sort();
      expect(outside.length).toBeGreaterThan(300);
      await eventually(() => {
        const inside = new Set(carbon.series());
        expect(outside.filter((name) => !inside.has(name))).toEqual([]);
      });
      expect(outside.some((name) => name.includes('mnt_later'))).toBe(true);
      await box.sh('umount /mnt/later && rmdir /mnt/later');
      // The labels of filesystems, in a /dev that has no devices.
      const look = `nsenter --target ${await pid()} --mount ls`;
      expect(await box.sh(`${look} /dev/disk/by-label`)).toBe('data\n');
      expect(await box.sh(`${look} /dev`)).not.toMatch(/vda|kmsg/);
    });

    test('a configuration that cannot be loaded makes the reload fail and changes nothing', async () => {
      const same = await pid();
      configure('    hots: elsewhere\n');
      const { code } = await box.try('systemctl', 'reload', 'cullinan');
      expect(code).not.toBe(0);
      expect(await box.journal()).toContain('unknown option "hots" in handlers.graphite');
      await arrives();
      expect(await pid()).toBe(same);
      configure();
    });

    test('one that does not tick any more is killed by the watchdog, and comes back', async () => {
      box.write(
        '/etc/systemd/system/cullinan.service.d/test.conf',
        '[Service]\nWatchdogSec=3s\nRestartSec=100ms\n',
      );
      await box.run('systemctl', 'daemon-reload');
      await box.run('systemctl', 'restart', 'cullinan');
      await arrives();
      const stopped = await pid();
      await box.sh(`kill -STOP ${stopped}`);
      await eventually(async () => expect(await box.property('NRestarts')).toBe('1'));
      expect(await box.journal()).toContain('Watchdog timeout');
      await arrives();
      expect(await pid()).not.toBe(stopped);
    });

    test('while Carbon is away it spools, and kill -9 loses one tick at most', async () => {
      await arrives();
      const begun = times().at(-1) ?? 0;
      await carbon.kill('SIGTERM');
      const spooled = async () =>
        Number((await box.sh('ls /var/lib/cullinan/spool/graphite | wc -l')).trim());
      await eventually(async () => expect(await spooled()).toBeGreaterThan(0));
      const killed = await pid();
      await box.sh(`kill -9 ${killed}`);
      await eventually(async () => expect(await pid()).not.toMatch(new RegExp(`^(0|${killed})$`)));
      await eventually(async () =>
        expect(await box.property('StatusText')).toMatch(/NOT connected/),
      );
      await carbon.start();
      await arrives();
      await arrives();
      expect(missing(times().filter((time) => time >= begun))).toBeLessThanOrEqual(1);
    });

    test('an upgrade loses one tick at most, nothing of what waits, and no line of a log', async () => {
      const log = '/var/log/shop.log';
      const write = (lines: number) =>
        box.sh(`yes '<13>Nov 21 12:00:00 box shop: sold' | head -n ${lines} >>${log}`);
      const counted = () => {
        const series = 'servers.box.shop.syslog.lines';
        if (!carbon.series().includes(series)) return 0;
        return [...carbon.read(series).values()].reduce((sum, lines) => sum + lines, 0);
      };
      await box.sh(`install -m 644 /dev/null ${log}`);
      // Numbers of lines, not rates of them: they add up.
      configure(`    counters: deltas
collectors: { logs: { files: [{ path: ${log}, parser: syslog, as: shop }] } }
`);
      await box.run('systemctl', 'reload', 'cullinan');
      await arrives();
      await write(3);
      await eventually(() => expect(counted()).toBe(3));

      const begun = times().at(-1) ?? 0;
      await carbon.kill('SIGTERM');
      await write(4);
      await eventually(async () =>
        expect(await box.sh('ls /var/lib/cullinan/spool/graphite')).not.toBe(''),
      );
      await box.run('dpkg', '--install', newer);
      await write(5);
      expect((await box.run('cullinan', '--version')).trim()).toBe('8.0.0');
      await carbon.start();
      await eventually(() => expect(counted()).toBe(12));
      await arrives();
      await arrives();
      expect(counted()).toBe(12);
      expect(missing(times().filter((time) => time >= begun))).toBeLessThanOrEqual(1);
      expect(await box.sh(`readlink /proc/${await pid()}/exe`)).toContain('active-8.0.0');
      configure();
      await box.sh(`rm ${log}`);
      await box.run('systemctl', 'reload', 'cullinan');
    });

    test('a version that cannot load the configuration leaves the one before running', async () => {
      const same = await pid();
      const { code, err } = await box.try('dpkg', '--install', incapable);
      expect(code).not.toBe(0);
      expect(err).toContain('cannot load the configuration, so 8.0.0 goes on running');
      expect(err).toContain('unknown option "linger"');
      await arrives();
      expect(await pid()).toBe(same);
      // It starts again after a crash, too.
      await box.sh(`kill -9 ${same}`);
      await arrives();
      expect(await box.sh(`readlink /proc/${await pid()}/exe`)).toContain('active-8.0.0');

      // Whoever corrects it goes on.
      const text = box.read('/etc/cullinan/conf.d/test.yaml');
      box.write('/etc/cullinan/conf.d/test.yaml', text.replace('    linger: 0s\n', ''));
      await box.run('dpkg', '--configure', 'cullinan');
      await arrives();
      expect(await box.sh(`readlink /proc/${await pid()}/exe`)).toContain('active-9.0.0');
    });

    test('a downgrade works', async () => {
      await box.run('dpkg', '--install', newer);
      await arrives();
      expect(await box.sh(`readlink /proc/${await pid()}/exe`)).toContain('active-8.0.0');
    });

    test('a version that does not start is taken back', async () => {
      const { code, err } = await box.try('dpkg', '--install', broken);
      expect(code).not.toBe(0);
      expect(err).toContain('cullinan 10.0.0 does not start, so 8.0.0 was started again');
      await arrives();
      expect(await box.sh(`readlink /proc/${await pid()}/exe`)).toContain('active-8.0.0');
      await box.run('dpkg', '--install', newer);
      await arrives();
    });

    test('removing it stops it, and keeps what was configured and what waits', async () => {
      await box.run('dpkg', '--remove', 'cullinan');
      expect((await box.try('systemctl', 'is-active', 'cullinan')).out).toBe('inactive\n');
      expect(box.read('/etc/cullinan/conf.d/test.yaml')).toContain('graphite');
      expect(await box.sh('ls /usr/lib')).not.toContain('cullinan');
      expect(await box.sh('ls /var/lib')).toContain('cullinan');
    });

    test('purging it leaves nothing behind', async () => {
      await box.sh('rm -r /etc/systemd/system/cullinan.service.d');
      await box.run('dpkg', '--purge', 'cullinan');
      // Backups of the files with the users, which are as they were before it was installed.
      const ours = (path: string) => !/^\/etc\/(passwd|group|shadow|gshadow)-$/.test(path);
      expect((await box.files()).filter(ours)).toEqual(before.filter(ours));
    });
  },
);
