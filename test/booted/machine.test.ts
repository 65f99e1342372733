import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { packages } from '../support/packages.ts';
import { describeWithPeer } from '../support/peers.ts';
import { inMachine } from '../support/virtual-machine.ts';

const configuration = (filesystem: string) => `interval: 1s
hostname: { name: box }
collectors:
  smart: { interval: 5s, every: 1s }
  nfs: {}
  mountstats: { operations: { include: ["*"] } }
  filesystem: ${filesystem}
handlers:
  file: { path: /run/cullinan/points, format: json, dialect: otel, counters: raw }
`;

/** The packaged service, first with real disks, then with NFS of a server on the same machine. */
const SCRIPT = `
points=/run/cullinan/points
until_said() { for i in $(seq 300); do grep -q "$1" $points 2>/dev/null && return; sleep 0.1; done; echo "no $1"; }
said() { journalctl -u cullinan -o cat --no-pager | grep -E "$1"; }

drop_ins=/etc/systemd/system/cullinan.service.d
mkdir -p /etc/cullinan/conf.d $drop_ins /etc/apparmor.d/local
cp /mnt/profile /etc/apparmor.d/cullinan; cp /mnt/local /etc/apparmor.d/local/cullinan
apparmor_parser --replace /etc/apparmor.d/cullinan; sysctl -q kernel.printk_ratelimit=0
cp /mnt/apparmor.conf $drop_ins/
cp /mnt/before /etc/cullinan/conf.d/test.yaml
modprobe -a ata_piix sd_mod; for i in $(seq 50); do [ -b /dev/sda ] && break; sleep 0.1; done
# As udev has it.
chgrp disk /dev/sda; chmod 660 /dev/sda
dpkg --force-unsafe-io --install /mnt/deb >/dev/null 2>&1
until_said runs.smart.no-data.*value.:1
echo "=== without"; said 'collector smart:'
cp /mnt/smart.conf $drop_ins/
systemctl daemon-reload; systemctl restart cullinan; rm -f $points; until_said smart.io.nvme1; until_said smart.attribute.raw.sda
said 'collector smart:' | tail -3; echo "=== smart"; grep box.smart. $points
echo "=== smartctl"; for disk in nvme0 nvme1 sda; do smartctl --json=c --all /dev/$disk; echo; done

modprobe nfsd; mkdir -p /srv/four /srv/three '/nfs four' /three
exportfs -o rw,no_root_squash,insecure,fsid=0 127.0.0.1:/srv/four
exportfs -o rw,no_root_squash,insecure,fsid=1 127.0.0.1:/srv/three
systemctl start nfs-server
mount -t nfs4 127.0.0.1:/ '/nfs four'; mount -t nfs -o vers=3,nolock 127.0.0.1:/srv/three /three
dd if=/dev/zero of='/nfs four/f' bs=64k count=16 conv=fsync 2>/dev/null
mkdir '/nfs four/d' /three/d; mv '/nfs four/f' '/nfs four/d/g'; ls -R /three >/dev/null
echo 3 >/proc/sys/vm/drop_caches; cat '/nfs four/d/g' >/dev/null
echo 0123456789 >/three/f; sync /three/f; rm /three/f
echo "=== client before"; nfsstat -c -l; echo "=== server before"; nfsstat -s -l
rm -f $points; systemctl reload cullinan; until_said nfs.mount.io; sleep 1
echo "=== nfs"; grep box.system.nfs $points
echo "=== client after"; nfsstat -c -l; echo "=== server after"; nfsstat -s -l
echo "=== mountstats"; cat /proc/self/mountstats

cp /mnt/after /etc/cullinan/conf.d/test.yaml; systemctl reload cullinan; systemctl stop nfs-server
rm -f $points; systemctl reload cullinan; sleep 8
echo "=== hung"; grep -E 'nfs.mount.age|cpu.logical.count' $points
echo "=== complaint"; said 'collector filesystem:'
echo "=== profile"; cat /proc/$(systemctl show -p MainPID --value cullinan)/attr/current
echo "=== denied"; dmesg | grep 'apparmor="DENIED"'
echo "=== end"
`;

interface Shown {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly time: number;
}

describeWithPeer(
  ['virtual-machine', 'gcc', 'rpm'],
  'in a virtual machine, whose kernel has NFS and disks with SMART',
  () => {
    let all: ReadonlyMap<string, string>;
    const said = (name: string) => all.get(name) ?? expect.fail(`no ${name}: ${[...all]}`);
    const points = (name: string): readonly Shown[] =>
      said(name)
        .split('\n')
        .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Shown] : []));
    /** The last value of each series, by name and labels. */
    const values = (name: string): ReadonlyMap<string, number> =>
      new Map(
        points(name).map((it) => [[it.name, ...Object.values(it.labels)].join(' '), it.value]),
      );

    beforeAll(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'cullinan-given-'));
      const page = readFileSync('docs/systemd.md', 'utf8');
      /** A file that the page shows under its name. */
      const shown = (name: string): string => {
        const [, text] = page.split(`\n# ${name}\n`);
        return text?.split('```')[0] ?? expect.fail(`docs/systemd.md has no ${name}`);
      };
      const given = {
        before: configuration('{ enabled: false }'),
        after: configuration('{}'),
        'smart.conf': shown('smart.conf'),
        'apparmor.conf': shown('apparmor.conf'),
        profile: shown('/etc/apparmor.d/cullinan'),
        local: shown('/etc/apparmor.d/local/cullinan'),
      };
      const files: Record<string, string> = { deb: (await packages()).deb };
      for (const [name, text] of Object.entries(given)) {
        files[name] = join(folder, name);
        await writeFile(files[name], text);
      }
      all = await inMachine(SCRIPT, files);
      await rm(folder, { recursive: true });
    }, 600_000);

    test('smart has a drop-in, says so without it, and with it what smartctl says to root', () => {
      expect(said('without')).toMatch(/smartctl finds no disk here.*drop-in smart\.conf/);
      const ours = values('smart');
      const lines = said('smartctl').trim().split(/\n+/);
      for (const [i, disk] of ['nvme0', 'nvme1'].entries()) {
        const root = JSON.parse(lines[i] ?? '');
        const log = root.nvme_smart_health_information_log;
        expect(root.smart_status.passed).toBe(true);
        expect(ours.get(`smart.healthy ${disk}`)).toBe(1);
        expect(ours.get(`smart.temperature ${disk}`)).toBe(root.temperature.current);
        expect(ours.get(`smart.power_cycles ${disk}`)).toBe(root.power_cycle_count);
        expect(ours.get(`smart.wear ${disk}`)).toBe(log.percentage_used / 100);
        // It goes on reading and writing meanwhile.
        const read = ours.get(`smart.io ${disk} read`) ?? 0;
        expect(read).toBeGreaterThan(0);
        expect(read).toBeLessThanOrEqual(log.data_units_read * 512_000);
      }
      const ata = JSON.parse(lines[2] ?? '');
      expect(ata.device.protocol).toBe('ATA');
      expect(ours.get('smart.healthy sda')).toBe(1);
      const table = ata.ata_smart_attributes.table as { name: string; value: number }[];
      expect(table.length).toBeGreaterThan(4);
      for (const { name, value } of table) {
        expect(ours.get(`smart.attribute.value sda ${name}`), name).toBe(value);
      }
    });

    describe.each(['client', 'server'])('nfs, as a %s', (side) => {
      /** By version and operation, as nfsstat prints them, which shortens names. */
      function counted(name: string): ReadonlyMap<string, number> {
        const rows = said(name).matchAll(/^nfs v([34]) (client|server|servop) +(\w+): +(\d+)/gm);
        return new Map(
          [...rows].flatMap(([, version, kind, operation, number]) =>
            // Calls of version 4 are compounds of operations, which are counted for themselves.
            version === '4' && kind === 'server'
              ? []
              : [[`${version} ${operation}`, Number(number)]],
          ),
        );
      }
      const bare = (name: string) => name.replaceAll('_', '');

      test('counts what nfsstat counts', () => {
        const ours = points('nfs').filter(
          ({ name, labels }) => name === 'system.nfs.operations' && labels['side'] === side,
        );
        const last = new Map(
          ours.map(({ labels: l, value }) => [`${l['version']} ${l['operation']}`, value]),
        );
        const [before, after] = [counted(`${side} before`), counted(`${side} after`)];
        expect(before.size).toBeGreaterThan(20);
        const seen = new Set<string>();
        for (const [key, most] of after) {
          if (key.endsWith(' total')) continue;
          const ourKey = [...last.keys()].find((one) => bare(one).startsWith(bare(key))) ?? '';
          seen.add(ourKey);
          const value = last.get(ourKey) ?? Number.NaN;
          expect(value, key).toBeLessThanOrEqual(most);
          expect(value, key).toBeGreaterThanOrEqual(before.get(key) ?? 0);
        }
        for (const [key, value] of last) if (!seen.has(key)) expect(value, key).toBe(0);
      });
    });

    test('mountstats says what went over each mount', () => {
      const ours = values('nfs');
      const four = '/nfs four 127.0.0.1:/';
      const raw = said('mountstats').split(/^(?=device )/m);
      const block = raw.find((text) => text.includes('on /nfs\\040four ')) ?? '';
      const [, given = ''] = /\tbytes:\t(.*)/.exec(block) ?? [];
      const [normalRead, normalWrite, , , serverRead, serverWrite] = given.split(' ').map(Number);
      for (const [value, type, direction] of [
        [normalRead, 'normal', 'read'],
        [normalWrite, 'normal', 'write'],
        [serverRead, 'server', 'read'],
        [serverWrite, 'server', 'write'],
      ] as const) {
        expect(value).toBe(1024 * 1024);
        expect(ours.get(`system.nfs.mount.io ${four} ${type} ${direction}`)).toBe(value);
      }
      for (const [, name = '', operations] of block.matchAll(/^\s+([A-Z_]+): (\d+) /gm)) {
        if (name === 'SEQUENCE' || name === 'NULL') continue;
        const key = `system.nfs.mount.operations ${four} ${name.toLowerCase()}`;
        expect(ours.get(key), name).toBe(Number(operations));
      }
      expect(ours.get('system.nfs.mount.operations /three 127.0.0.1:/srv/three write')).toBe(1);
    });

    test('a server that has gone costs its mounts their space, and nobody else anything', () => {
      expect(said('complaint')).toMatch(/\/nfs four (did not|still does not) answer/);
      const times = (name: string) =>
        new Set(points('hung').flatMap((it) => (it.name === name ? [it.time] : [])));
      // An emulated machine may be too slow for one or another.
      expect(times('system.cpu.logical.count').size).toBeGreaterThan(4);
      expect(times('system.nfs.mount.age').size).toBeGreaterThan(4);
    });

    test("AppArmor's profile of the page confines all that, and forbids nothing of it", () => {
      expect(said('profile')).toBe('cullinan (enforce)\n');
      expect(said('denied')).toBe('');
    });
  },
);
