import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Booted, eventually } from '../support/booted.ts';
import { Carbon } from '../support/carbon.ts';
import { packages } from '../support/packages.ts';
import { describeWithPeer } from '../support/peers.ts';

const UNIT = '/etc/systemd/system/cullinan.service.d';

/** The drop-in that docs/systemd.md shows under a name. */
function dropIn(name: string): string {
  const page = readFileSync('docs/systemd.md', 'utf8');
  const [, text] = new RegExp(`\`\`\`ini\\n# ${name}\\n([^\`]*)\`\`\``).exec(page) ?? [];
  return text ?? expect.fail(`docs/systemd.md has no ${name}`);
}

describeWithPeer(
  ['nspawn', 'carbon-cache', 'gcc', 'rpm'],
  'the service, wherever an operator puts it',
  () => {
    let box: Booted;
    let carbon: Carbon;
    const latest = (path: string) => [...carbon.read(`servers.box.${path}`).keys()].at(-1) ?? 0;

    beforeAll(async () => {
      const made = packages();
      box = await Booted.start(async (root) => {
        const words = 'apt-get install -q -y --no-install-recommends smartmontools iputils-ping';
        await promisify(execFile)('chroot', [root, 'sh', '-c', `apt-get update -q && ${words}`], {
          env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
        });
      });
      carbon = await Carbon.start(box.outside);
      await box.run('dpkg', '--install', box.take((await made).deb));
    });
    afterAll(async () => {
      await carbon?.[Symbol.asyncDispose]();
      await box?.[Symbol.asyncDispose]();
    });

    /** Starts the service anew with a configuration and drop-ins of the documentation. */
    async function restart(more: string, ...dropIns: string[]): Promise<void> {
      await box.sh(`systemctl stop cullinan; rm -rf ${UNIT} /var/lib/cullinan/*`);
      for (const name of dropIns) box.write(`${UNIT}/${name}`, dropIn(name));
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
    queue: { spool: { size: 8MiB } }
${more}`,
      );
      await box.sh('journalctl --rotate --vacuum-time=1s -q; systemctl daemon-reload');
      await box.run('systemctl', 'start', 'cullinan');
    }
    /** Waits for points of ticks that have not come yet. */
    async function arrives(path = 'loadavg.01'): Promise<void> {
      const before = latest(path);
      await eventually(() => expect(latest(path)).toBeGreaterThan(before + 1));
    }

    test('a secret that only root may read is a credential of the service', async () => {
      const asked: IncomingHttpHeaders[] = [];
      await using server = createServer((request, response) => {
        asked.push(request.headers);
        request.resume();
        response.end();
      });
      server.listen(0, box.outside);
      await eventually(() => expect(server.listening).toBe(true));
      const { port } = server.address() as AddressInfo;
      box.write('/etc/cullinan/token', 'very secret\n');
      await box.sh('chmod 600 /etc/cullinan/token');
      const url = `http://${box.outside}:${port}/write`;
      const more = `  http: { url: "${url}", token: "\${credential:token}" }\n`;
      await restart(more, 'credentials.conf');
      await eventually(() => expect(asked.at(-1)?.authorization).toBe('Bearer very secret'));
      // A reload checks the configuration where the credential is.
      await box.run('systemctl', 'reload', 'cullinan');
      expect(await box.journal()).not.toContain('very secret');
      server.closeAllConnections();
    });

    test('logs of the group adm are read with a drop-in, and not without', async () => {
      await box.sh('install -m 640 -g adm /dev/null /var/log/some.log');
      const more =
        'collectors: { logs: { files: [{ path: /var/log/some.log, parser: syslog, as: some }] } }\n';
      await restart(more);
      await eventually(async () =>
        expect(await box.journal()).toMatch(/some\.log: the agent's user may not read it/),
      );
      await restart(more, 'adm.conf');
      await arrives();
      await box.sh('echo "<13>Nov 21 12:00:00 box me: hello" >>/var/log/some.log');
      await eventually(() => expect(carbon.series().join('\n')).toMatch(/box\.some\./));
    });

    test("other users' processes are read with a drop-in, and not without", async () => {
      const more = 'collectors: { process: { groups: { init: { name: ["^systemd$"] } } } }\n';
      const io = 'process.init.io_counters.read_bytes';
      await restart(more);
      await arrives('process.init.workers_count');
      expect(latest(io)).toBe(0);
      await restart(more, 'process.conf');
      await arrives(io);
    });

    test('a program runs as another user with a drop-in, and with that alone', async () => {
      const command = '[/bin/sh, -c, "echo who.uid $(id -u); echo who.groups $(id -G | wc -w)"]';
      const who = (user: string) =>
        `collectors: { who: { type: exec, command: ${command}${user} } }\n`;
      const own = Number(await box.run('id', '-u', 'cullinan'));
      const last = () => [...carbon.read('servers.box.who.uid').values()].at(-1);
      await restart(who(''));
      await arrives('who.uid');
      expect(last()).toBe(own);
      await restart(who(', user: nobody'));
      await eventually(async () =>
        expect(await box.journal()).toMatch(/who: .*setpriv: .*drop-in exec\.conf/),
      );
      await restart(who(', user: nobody'), 'exec.conf');
      await arrives('who.uid');
      expect(last()).toBe(65_534);
      await restart(who(', user: nobody, memory: 64MiB'), 'exec.conf');
      await arrives('who.uid');
    });

    test('ping asks this host and its neighbour with a drop-in, and says that it needs one', async () => {
      const more = `collectors: { ping: { targets: { self: 127.0.0.1, next: ${box.outside} } } }\n`;
      // Without a user namespace, as for exec, the kernel does not even start it.
      for (const dropIns of [[], ['exec.conf']]) {
        await restart(more, ...dropIns);
        await eventually(async () =>
          expect(await box.journal()).toMatch(/ping: self: 127\.0\.0\.1: .*drop-in ping\.conf/),
        );
      }
      for (const dropIns of [['ping.conf'], ['exec.conf', 'ping.conf']]) {
        await restart(more, ...dropIns);
        for (const target of ['self', 'next']) {
          const path = `check.ping.received.${target}`;
          await arrives(path);
          expect([...carbon.read(`servers.box.${path}`).values()].at(-1)).toBe(3);
        }
      }
    });

    test('smart says that there is no disk', async () => {
      for (const dropIns of [[], ['smart.conf']]) {
        await restart('collectors: { smart: {} }\n', ...dropIns);
        await eventually(async () =>
          expect(await box.journal()).toContain('smart: smartctl finds no disk'),
        );
        await arrives();
      }
    });

    test("systemd's units are as systemctl has them, for the service's own user", async () => {
      box.write('/etc/systemd.yaml', 'collectors: { systemd: {} }\n');
      const words = ['--config', '/etc/systemd.yaml', '--over', '0s', '--json'];
      const once = ['once', 'systemd', ...words];
      const seen = (await box.run('runuser', '-u', 'cullinan', '--', 'cullinan', ...once))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { name: string; labels: object; value: number });
      const shown = await box.run('systemctl', 'list-units', '--all', '--plain', '--no-legend');
      const services = shown.split('\n').flatMap((line) => {
        const [unit = '', load, active] = line.trim().split(/ +/);
        const value = active === 'active' ? 1 : 0;
        return load === 'loaded' && unit.endsWith('.service') ? [{ labels: { unit }, value }] : [];
      });
      expect(services.length).toBeGreaterThan(5);
      const active = seen.filter(({ name }) => name === 'system.systemd.unit.active');
      for (const service of services.filter(({ value }) => value === 1)) {
        expect(active).toContainEqual(expect.objectContaining(service));
      }
    });

    test('a full disk costs what waits, and nothing else', async () => {
      await restart('');
      await box.sh(
        'systemctl stop cullinan; mount -t tmpfs -o size=256k,mode=755 full /var/lib/cullinan',
      );
      await box.sh('chown cullinan: /var/lib/cullinan; systemctl start cullinan');
      await arrives();
      await box.sh('dd if=/dev/zero of=/var/lib/cullinan/filler bs=4k 2>/dev/null || true');
      await carbon.kill('SIGTERM');
      await eventually(async () => expect(await box.journal()).toContain('ENOSPC'));
      const same = await box.property('MainPID');
      await carbon.start();
      await arrives();
      expect(await box.property('MainPID')).toBe(same);
      // With room again, it spools again.
      await box.sh('rm /var/lib/cullinan/filler');
      await carbon.kill('SIGTERM');
      await eventually(async () =>
        expect((await box.sh('ls /var/lib/cullinan/spool/graphite')).length).toBeGreaterThan(0),
      );
      await carbon.start();
      await arrives();
      await box.sh('systemctl stop cullinan; umount /var/lib/cullinan');
    });

    test('in a container it observes the host, whose /proc and / are mounted there', async () => {
      const values = async (...words: string[]) => {
        const said = await box.run(...(words as [string, ...string[]]));
        const lines = said
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line));
        return new Map(
          (lines as { metric: string; labels: object; value: number }[]).map(
            ({ metric, labels, value }) => [`${metric} ${JSON.stringify(labels)}`, value],
          ),
        );
      };
      const once = ['once', '--raw', '--over', '0s', '--json'];
      const collectors = ['cpu', 'memory', 'filesystem', 'network', 'uptime', 'load', 'host'];
      const host = await values('cullinan', ...once, ...collectors);
      box.write('/root/inner.yaml', 'host: { proc: /host/proc, sys: /host/sys, root: /host }\n');
      const words = [...once, '--config', '/host/root/inner.yaml', ...collectors];
      // Namespaces of its own, a tree of its own, the program, and the host beneath /host.
      box.write(
        '/root/contain',
        `set -e
mkdir -p /tmp/c/host /tmp/c/usr /tmp/c/proc /tmp/c/tmp
for link in bin lib lib64 sbin; do ln -sf usr/$link /tmp/c/$link; done
mount --bind /usr /tmp/c/usr
mount --rbind -o ro / /tmp/c/host
mount -t proc proc /tmp/c/proc
exec chroot /tmp/c /usr/bin/cullinan ${words.join(' ')}
`,
      );
      const contained = await values(
        ...[
          'unshare',
          '--mount',
          '--net',
          '--pid',
          '--uts',
          '--ipc',
          '--fork',
          'sh',
          '/root/contain',
        ],
      );
      expect([...contained.keys()].sort()).toEqual([...host.keys()].sort());
      for (const name of [
        'system.boot_time {}',
        'system.memory.limit {}',
        'system.cpu.logical.count {}',
      ]) {
        expect(contained.get(name), name).toBe(host.get(name));
      }
    });

    test('without a /var to write to it runs with the drop-in for that', async () => {
      await box.sh('mount -o remount,rw /');
      await restart('', 'stateless.conf');
      await box.sh('systemctl stop cullinan; mount -t tmpfs -o ro none /var/lib');
      await box.run('systemctl', 'start', 'cullinan');
      await arrives();
      await box.sh('umount /var/lib');
    });

    test('on a root that is read-only it starts and sends, and says what it cannot promise', async () => {
      const { deb } = await packages();
      await using sealed = await Booted.start(
        async (root) => {
          copyFileSync(deb, join(root, 'root/cullinan.deb'));
          await promisify(execFile)('chroot', [root, 'dpkg', '--install', '/root/cullinan.deb']);
          writeFileSync(join(root, 'var/log/some.log'), '');
          writeFileSync(
            join(root, 'etc/cullinan/conf.d/test.yaml'),
            `interval: 1s
hostname: { name: sealed }
collectors: { logs: { files: [{ path: /var/log/some.log, parser: syslog }] } }
handlers:
  file: { path: /run/cullinan/points, dialect: otel }
  graphite: { host: 127.0.0.1, queue: { spool: { size: 8MiB } } }
`,
          );
        },
        ['--read-only'],
      );
      expect((await sealed.try('touch', '/var/lib/cullinan/x')).err).toContain('Read-only');
      await eventually(async () =>
        expect(await sealed.sh('cat /run/cullinan/points')).toContain('system.cpu'),
      );
      await eventually(async () => {
        const said = await sealed.journal();
        expect(said).toMatch(/EROFS.*spool/);
        expect(said).toMatch(/EROFS.*logs/);
      });
      expect(await sealed.property('NRestarts')).toBe('0');
    });
  },
);
