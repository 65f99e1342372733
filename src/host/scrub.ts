/**
 * What a recording leaves out. It is meant to be handed on, in a bug report or as a test host, so
 * secrets and whatever identifies a machine, a part of it or a person stay where they are.
 */
import { normalize } from 'node:path';
import type { TreeName } from './recording.ts';

/** Never written, whichever collector reads them; in the recording they are absent. */
const NEVER: readonly RegExp[] = [
  // Command lines and environments hold passwords; the kernel's own command line may.
  /^proc\/(.*\/)?(cmdline|environ|auxv)$/,
  // Serial numbers and identities of machines, disks and filesystems; MAC addresses.
  /(^|\/)(serial|wwid|wwn|uuid|eui|nguid|cid|vpd_pg80|vpd_pg83|machine-id|address|perm_address|broadcast)$/,
  /(^|\/)(product|board|chassis)_(uuid|serial|asset_tag)$/,
  /^root\/dev\/disk\/by-(id|uuid|partuuid|path|diskseq)(\/|$)/,
  /^root\/etc\/(shadow|gshadow|fstab|machine-id|ssh\/.*|krb5\.keytab)-?$/,
  // Keys, and where programs keep passwords.
  /^root\/(.*\/)?(\.ssh|\.gnupg|\.aws|\.kube|secrets|private)\//,
  /^root\/.*(\.(key|pem|p12|pfx|jks|keytab)|\/(\.netrc|\.pgpass|\.my\.cnf|\.git-credentials))$/,
];

interface Rule {
  readonly files: RegExp;
  readonly scrub: (text: string) => string;
}

const RULES: readonly Rule[] = [
  // Options of a filesystem hold users, passwords and addresses (CIFS, Ceph); a source may too.
  { files: /^proc\/(.*\/)?mountinfo$/, scrub: eachLine(scrubMountinfo) },
  { files: /^proc\/(.*\/)?mounts$|^root\/etc\/mtab$/, scrub: eachLine(scrubMounts) },
  // ARM prints the board's serial number, MIPS and others the like.
  { files: /^proc\/cpuinfo$/, scrub: (text) => text.replace(/^serial[^\n]*\n?/gim, '') },
  // Bonds list the hardware addresses of their members.
  {
    files: /^proc\/(.*\/)?net\//,
    scrub: (text) => text.replace(/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi, '00:00:00:00:00:00'),
  },
];

/** Options of a mount that say nothing about its source. */
const HARMLESS =
  /^(ro|rw|nosuid|nodev|noexec|noatime|nodiratime|relatime|strictatime|lazytime|sync|dirsync)$/;

/**
 * A file as it may be written down.
 *
 * @returns `undefined` if it must not be written at all.
 */
export function scrubbed(tree: TreeName, path: string, text: string): string | undefined {
  const whole = plainly(tree, path);
  if (!mayBeRecorded(tree, path)) return undefined;
  return RULES.reduce((kept, { files, scrub }) => (files.test(whole) ? scrub(kept) : kept), text);
}

/** Whether anything of a file or folder may be written down. */
export const mayBeRecorded = (tree: TreeName, path: string): boolean =>
  !NEVER.some((pattern) => pattern.test(plainly(tree, path)));

/** However a collector writes it, with a slash before it or a way around: `root/etc/shadow`. */
const plainly = (tree: TreeName, path: string): string => `${tree}${normalize(`/${path}`)}`;

function eachLine(scrub: (line: string) => string): (text: string) => string {
  return (text) => text.split('\n').map(scrub).join('\n');
}

/** proc_pid_mountinfo(5): `ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [TAG…] - TYPE SOURCE SUPEROPTIONS`. */
function scrubMountinfo(line: string): string {
  const dash = line.indexOf(' - ');
  if (dash < 0) return line;
  const [type, source, superOptions, ...rest] = line.slice(dash + 3).split(' ');
  if (type === undefined || source === undefined || superOptions === undefined) return line;
  const kept = superOptions.split(',').filter((option) => option === 'rw' || option === 'ro');
  return [line.slice(0, dash), '-', type, scrubSource(source), kept.join(','), ...rest].join(' ');
}

/** /proc/mounts: `SOURCE MOUNTPOINT TYPE OPTIONS 0 0`. */
function scrubMounts(line: string): string {
  const [source, mountpoint, type, options, ...rest] = line.split(' ');
  if (source === undefined || options === undefined) return line;
  const kept = options.split(',').filter((option) => HARMLESS.test(option));
  return [scrubSource(source), mountpoint, type, kept.join(','), ...rest].join(' ');
}

/** `//user:password@server/share`, `https://user@server/`, `user:password@server:/`. Rather too much than too little. */
const scrubSource = (source: string): string =>
  source.replace(/\/\/\S*:\S*@|\/\/[^/\s]*@/, '//').replace(/^[^/\s]*:(?!\/\/)\S*@/, '');
