import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parseDomstats } from './libvirt-session.ts';
import { PROGRAM } from './program.ts';
import type { Pair } from './tls.ts';

const run = promisify(execFile);

/** A guest without an operating system: its firmware finds nothing to boot, and waits. */
export interface GuestFacts {
  readonly name: string;
  readonly uuid: string;
  /** What stands in the XML's `<metadata>`. */
  readonly metadata?: string;
}

interface Wishes {
  /** Who may connect: everybody, or whom polkit lets. */
  readonly auth?: 'none' | 'polkit';
  /** Whose members alone may connect. */
  readonly group?: string;
  /** A rule of polkit's, in its JavaScript. */
  readonly rule?: string;
  /** Listens on the network, too, of this machine; then there are no bridges for guests. */
  readonly network?: Network;
}

/** Where it listens with TLS, and without. */
export interface Network extends Pair {
  readonly ca: string;
  readonly tls: number;
  readonly tcp: number;
}

/** What all of libvirt's folders are hidden behind, so that it has this machine's daemon for no neighbour. */
const FOLDERS = [
  '/run/libvirt',
  '/var/lib/libvirt',
  '/var/cache/libvirt',
  '/var/log/libvirt',
  '/etc/libvirt',
];

/**
 * A real libvirtd with QEMU, in a mount and a network namespace of its own: it shares neither sockets nor
 * guests nor bridges with any other on this machine. Guests are emulated without KVM. Takes root.
 */
export class Libvirtd implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lv-'));
  readonly #wishes: Wishes;
  readonly #children: ChildProcess[] = [];
  #daemon: ChildProcess | undefined;
  #holder = 0;

  private constructor(wishes: Wishes) {
    this.#wishes = wishes;
  }

  static async start(wishes: Wishes = {}): Promise<Libvirtd> {
    const libvirtd = new Libvirtd(wishes);
    try {
      await libvirtd.#prepare();
      await libvirtd.start();
    } catch (error) {
      await libvirtd[Symbol.asyncDispose]();
      throw error;
    }
    return libvirtd;
  }

  /** The sockets, as they are seen from outside. */
  get readOnly(): string {
    return join(this.#folder, 'run', 'libvirt-sock-ro');
  }
  get readWrite(): string {
    return join(this.#folder, 'run', 'libvirt-sock');
  }

  async #prepare(): Promise<void> {
    const at = (...names: string[]) => join(this.#folder, ...names);
    const shown = ['run', 'lib', 'cache', 'log', 'etc'];
    for (const name of [...shown, 'dbus', 'rules', 'lib/images'])
      mkdirSync(at(name), { recursive: true });
    const { auth = 'none', group, rule, network } = this.#wishes;
    const settings = {
      ...{ auth_unix_ro: auth, auth_unix_rw: 'none', unix_sock_ro_perms: '0777' },
      ...(group && { unix_sock_group: group, unix_sock_ro_perms: '0770' }),
      ...(network && {
        ...{ listen_addr: '127.0.0.1', listen_tls: 1, listen_tcp: 1, auth_tcp: 'none' },
        ...{ tls_port: String(network.tls), tcp_port: String(network.tcp) },
        ...{ ca_file: network.ca, cert_file: network.cert, key_file: network.key },
      }),
    };
    const lines = Object.entries(settings).map(
      ([key, value]) => `${key} = ${JSON.stringify(value)}`,
    );
    writeFileSync(at('etc', 'libvirtd.conf'), `${lines.join('\n')}\n`);
    if (rule !== undefined) writeFileSync(at('rules', '10-test.rules'), rule);
    // Without virtlogd, and without cgroups, which are the whole machine's.
    writeFileSync(
      at('etc', 'qemu.conf'),
      'stdio_handler = "file"\ncgroup_controllers = [ ]\nnamespaces = [ ]\nsecurity_driver = "none"\nuser = "root"\ngroup = "root"\n',
    );
    const mounts = FOLDERS.map(
      (folder, i) => `mkdir -p ${folder} && mount --bind ${at(shown[i] ?? '')} ${folder}`,
    );
    // Where a machine has KVM that its users may not open, libvirt probes for a minute.
    const script = `set -e
mount --make-rprivate /
${mounts.join('\n')}
mkdir -p /run/dbus && mount --bind ${at('dbus')} /run/dbus
if [ -e /dev/kvm ]; then mknod ${at('kvm')} c 10 232; chmod 666 ${at('kvm')}; mount --bind ${at('kvm')} /dev/kvm; fi
${rule === undefined ? '' : `mount --bind ${at('rules')} /etc/polkit-1/rules.d`}
${network === undefined ? 'ip link set lo up; ip link add pbr0 type bridge; ip link set pbr0 up' : ''}
echo ready
exec sleep infinity`;
    const apart = network === undefined ? ['-m', '-n'] : ['-m'];
    const holder = spawn('unshare', [...apart, 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(holder);
    await saying(holder, /ready/);
    this.#holder = holder.pid ?? 0;
    if (auth === 'none') return;
    const bus = '--address=unix:path=/run/dbus/system_bus_socket';
    this.#children.push(this.#within('dbus-daemon', '--system', '--nofork', '--nopidfile', bus));
    await until('dbus', () => existsSync(at('dbus', 'system_bus_socket')));
    this.#children.push(this.#within('/usr/lib/polkit-1/polkitd', '--no-debug'));
    await sleep(300);
  }

  #enter(...words: readonly string[]): readonly string[] {
    return ['-t', String(this.#holder), '-m', '-n', ...words];
  }

  #within(...words: readonly string[]): ChildProcess {
    return spawn('nsenter', this.#enter(...words), { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /**
   * Runs the built program once where this libvirt's sockets are in their usual place, as a user who may do
   * nothing.
   *
   * @param configuration YAML.
   * @param words what follows `once`.
   */
  async once(configuration: string, ...words: readonly string[]): Promise<string> {
    writeFileSync(join(this.#folder, 'etc', 'cullinan.yaml'), configuration);
    const nobody = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
    const program = [process.execPath, PROGRAM, 'once', '-c', '/etc/libvirt/cullinan.yaml'];
    const all = this.#enter(...nobody, ...program, ...words);
    const { stdout, stderr } = await run('nsenter', all, { timeout: 45_000 });
    return stdout + stderr;
  }

  /** Starts the daemon, again or for the first time. Guests that run go on to run. */
  async start(): Promise<void> {
    const listen = this.#wishes.network === undefined ? [] : ['--listen'];
    const conf = ['-f', '/etc/libvirt/libvirtd.conf', '-p', join(this.#folder, 'pid')];
    const daemon = this.#within('libvirtd', ...conf, ...listen);
    this.#daemon = daemon;
    let said = '';
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
    await until(
      () => `libvirtd: ${said}`,
      () => {
        if (daemon.exitCode !== null) throw new Error(`libvirtd ended:\n${said}`);
        return this.virsh('uri').then(
          () => true,
          () => false,
        );
      },
    );
  }

  /** Kills the daemon, without a chance to say goodbye, and waits until it is gone. */
  async kill(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const gone = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await gone;
  }

  /** Has the daemon stand still, or go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#daemon?.kill(name);
  }

  /** Has the process of a guest stand still, or go on; resolves when none of its threads can answer any more. */
  async signalGuest(name: string, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const pid = Number(readFileSync(join(this.#folder, 'run', 'qemu', `${name}.pid`), 'utf8'));
    process.kill(pid, signal);
    const tasks = `/proc/${pid}/task`;
    const goesOn = (task: string): boolean =>
      !/\) [Tt] /.test(readFileSync(join(tasks, task, 'stat'), 'utf8'));
    while (signal === 'SIGSTOP' && readdirSync(tasks).some(goesOn)) await sleep(5);
  }

  /** What virsh prints. */
  async virsh(...words: readonly string[]): Promise<string> {
    const uri = `qemu+unix:///system?socket=${this.readWrite}`;
    const { stdout } = await run('virsh', ['-c', uri, ...words], { timeout: 20_000 });
    return stdout;
  }

  /** What virsh says of each guest's values. */
  async domstats(
    ...words: readonly string[]
  ): Promise<ReadonlyMap<string, Record<string, string>>> {
    return parseDomstats(await this.virsh('domstats', '--raw', ...words));
  }

  /** Makes a guest known that does not run yet. */
  async define({ name, uuid, metadata = '' }: GuestFacts): Promise<void> {
    await this.image(`${uuid}.img`);
    const file = join(this.#folder, `${uuid}.xml`);
    writeFileSync(
      file,
      `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><metadata>${metadata}</metadata>
<memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features><devices>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/var/lib/libvirt/images/${uuid}.img'/><target dev='vda' bus='virtio'/></disk>
<interface type='bridge'><source bridge='pbr0'/><model type='virtio'/></interface><memballoon model='virtio'><stats period='1'/></memballoon></devices></domain>`,
    );
    await this.virsh('define', file);
  }

  /** Makes an empty image for a disk. @returns where libvirt finds it. */
  async image(name: string): Promise<string> {
    await run('truncate', ['-s', '16M', join(this.#folder, 'lib', 'images', name)]);
    return `/var/lib/libvirt/images/${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    // Guests outlive the daemon.
    const pids = join(this.#folder, 'run', 'qemu');
    for (const file of existsSync(pids) ? readdirSync(pids) : []) {
      if (file.endsWith('.pid')) end(Number(readFileSync(join(pids, file), 'utf8')));
    }
    for (const child of this.#children.reverse()) {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

/** Waits until a process has printed something. */
async function saying(child: ChildProcess, what: RegExp): Promise<void> {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  await until(
    () => `${child.spawnfile}: ${said}`,
    () => {
      if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended:\n${said}`);
      return what.test(said);
    },
  );
}

/** Waits for something, ten seconds at most. */
async function until(
  what: string | (() => string),
  there: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (await there()) return;
    await sleep(25);
  }
  throw new Error(`waited too long for ${typeof what === 'string' ? what : what()}`);
}
