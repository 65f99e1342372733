import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freshSystem } from './packages.ts';
import { withUs } from './with-us.ts';

const execute = promisify(execFile);

/** What the machine has beyond the system that containers boot: a kernel, NFS, smartctl, and what loads AppArmor's profiles. */
const MAKE = `set -e
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
apt-get update -q
apt-get install -q -y --no-install-recommends nfs-kernel-server nfs-common kmod smartmontools
kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/{print $2}')
# Unpacked aside: it would replace the link /lib by a folder.
mkdir /k; cd /k; apt-get download -q $kernel apparmor; for deb in *.deb; do dpkg-deb -x $deb .; done
mv lib/modules /usr/lib/modules; mv boot/vmlinuz* /boot/vmlinuz
mv sbin/apparmor_parser /usr/sbin/; cp -r etc/apparmor* /etc/; cp -r usr/share/apparmor* /usr/share/; cd /; rm -r /k
depmod \${kernel#linux-image-}
rm /usr/sbin/policy-rc.d; apt-get clean; rm -rf /var/lib/apt/lists/*
cat >/etc/systemd/system/given.service <<'UNIT'
[Unit]
Description=What it is given to do
After=basic.target dbus.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mount -o ro /dev/nvme1n1 /mnt && sh /mnt/script >/dev/ttyS1 2>&1; echo b >/proc/sysrq-trigger'
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable given.service
# It would be waited for, and without udev it does not come.
systemctl mask serial-getty@ttyS0.service
`;

/** The disk and the kernel of such a machine: made once and kept beside the system that it is made of. */
async function image(): Promise<{ readonly disk: string; readonly kernel: string }> {
  const system = await freshSystem();
  const version = createHash('sha256').update(MAKE).digest('hex').slice(0, 8);
  const folder = `${system}-machine-${version}`;
  const [whole, root] = [{ disk: `${folder}/disk`, kernel: `${folder}/vmlinuz` }, `${folder}.root`];
  if (existsSync(folder)) return whole;
  const script = `[ -e ${folder} ] || {
    rm -rf ${root} ${folder}.part && mkdir -p ${folder}.part && cp -a --reflink=auto ${system} ${root} &&
    cp ${folder}.make ${root}/make && chroot ${root} sh /make >&2 && rm ${root}/make &&
    mv ${root}/boot/vmlinuz ${folder}.part/ && truncate -s 1500M ${folder}.part/disk &&
    mke2fs -q -t ext4 -d ${root} ${folder}.part/disk && rm -rf ${root} && mv ${folder}.part ${folder}
  }`;
  await writeFile(`${folder}.make`, MAKE);
  await execute('flock', [`${folder}.lock`, 'sh', '-c', script], { timeout: 300_000 });
  return whole;
}

/**
 * Boots a machine that nothing outside can reach, has it run a script as root, and ends it.
 *
 * It is emulated: a container has the kernel of its host, which may know no NFS, and disks of nobody.
 *
 * @param files what it finds in /mnt, by name: paths of files on this host.
 * @returns what the script said behind each line `=== NAME`, by name.
 */
export async function inMachine(
  script: string,
  files: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, string>> {
  const { disk, kernel } = await image();
  const folder = await mkdtemp(join(tmpdir(), 'cullinan-machine-'));
  try {
    const given = join(folder, 'given');
    await mkdir(given);
    await writeFile(join(given, 'script'), script);
    for (const [name, path] of Object.entries(files)) copyFileSync(path, join(given, name));
    await execute('mke2fs', ['-q', '-t', 'ext4', '-d', given, `${given}.disk`, '128M']);
    const drive = (id: string, file: string) => [
      ...['-drive', `file=${file},format=raw,if=none,id=${id},snapshot=on`],
      ...['-device', `nvme,serial=${id},drive=${id}`],
    ];
    const words = [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      ...['-machine', 'q35,accel=tcg', '-cpu', 'max', '-smp', '2', '-m', '1024'],
      ...['-kernel', kernel, '-append', 'root=/dev/nvme0n1 rw console=ttyS0'],
      ...[...drive('root0', disk), ...drive('given0', `${given}.disk`)],
      // A disk on ATA, which a script sees as /dev/sda once it has loaded ata_piix and sd_mod.
      ...['-drive', `file=${given}.disk,format=raw,if=none,id=ata,snapshot=on`],
      ...['-device', 'piix3-ide,id=ide', '-device', 'ide-hd,bus=ide.0,drive=ata,serial=ata0'],
      ...['-serial', `file:${folder}/console`, '-serial', `file:${folder}/said`],
    ];
    const [program, all] = withUs('qemu-system-x86_64', words);
    const ended = await execute(program, all, { timeout: 240_000, killSignal: 'SIGKILL' }).then(
      () => '',
      (error: Error) => error.message,
    );
    const said = await readFile(`${folder}/said`, 'utf8');
    if (said === '' || ended !== '') {
      const shown = await readFile(`${folder}/console`, 'utf8').catch(() => '');
      throw new Error(
        `the machine did not end by itself: ${ended}\n${shown.slice(-2000)}\n${said}`,
      );
    }
    const parts = said.replaceAll('\r\n', '\n').split(/^=== (.*)\n/m);
    return new Map(parts.flatMap((name, i) => (i % 2 === 1 ? [[name, parts[i + 1] ?? '']] : [])));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
