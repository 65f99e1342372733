import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './carbon.ts';

const run = promisify(execFile);

/** A metric as Ganglia's XML has it. */
export interface GangliaMetric {
  /** The attributes: NAME, VAL, TYPE, UNITS, TN, TMAX, DMAX, SLOPE, SOURCE. */
  readonly attributes: Readonly<Record<string, string>>;
  /** GROUP, TITLE, DESC, …; a name may occur several times. */
  readonly extra: readonly (readonly [name: string, value: string])[];
}

export interface GangliaHost {
  /** NAME, IP, REPORTED, TN, TMAX, DMAX, LOCATION, GMOND_STARTED. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly metrics: ReadonlyMap<string, GangliaMetric>;
}

/** The hosts in the XML of a gmond or a gmetad, by name. */
export function parseGanglia(xml: string): ReadonlyMap<string, GangliaHost> {
  const hosts = new Map<string, GangliaHost>();
  for (const [, head = '', body = ''] of xml.matchAll(/<HOST ([^>]*)>([\s\S]*?)<\/HOST>/g)) {
    const metrics = new Map<string, GangliaMetric>();
    for (const [, first = '', inside = ''] of body.matchAll(
      /<METRIC ([^>]*?)(?:\/>|>([\s\S]*?)<\/METRIC>)/g,
    )) {
      const attributes = attributesOf(first);
      const extra = [...inside.matchAll(/<EXTRA_ELEMENT ([^>]*?)\/?>/g)].map(([, text = '']) => {
        const { NAME: name = '', VAL: value = '' } = attributesOf(text);
        return [name, value] as const;
      });
      metrics.set(attributes['NAME'] ?? '', { attributes, extra });
    }
    const attributes = attributesOf(head);
    hosts.set(attributes['NAME'] ?? '', { attributes, metrics });
  }
  return hosts;
}

function attributesOf(text: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/([A-Z_]+)="([^"]*)"/g)) {
    attributes[name] = value.replace(/&(\w+);/g, (all, entity: string) => ENTITIES[entity] ?? all);
  }
  return attributes;
}

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" },
};

/** Whether text is XML, as libxml2 and every reader of it sees it; the complaint otherwise. */
export async function malformed(xml: string): Promise<string | undefined> {
  const child = spawn('xmllint', ['--noout', '--nonet', '-'], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    said += more;
  });
  child.stdin.end(xml, 'latin1');
  const [code] = await once(child, 'close');
  return code === 0 ? undefined : said;
}

export interface GmondFacts {
  /** How it calls itself; the machine's name if absent. Takes root. */
  readonly hostname?: string;
  /** The network namespace that it runs in. Takes root. */
  readonly namespace?: string;
  /** Of all its channels; a free one if absent. */
  readonly port?: number;
  /** Its channels, for the port that it was given. If absent: this port of 127.0.0.1, for all of them. */
  readonly channels?: (port: number) => string;
  /** Lines for `globals`, such as `mute = yes`; `send_metadata_interval` is 1 unless said otherwise. */
  readonly globals?: string;
  /** Seconds between two collections of every metric, and after which it is sent; gmond's own if absent. */
  readonly pace?: number;
}

/** Channels of one multicast group at one port. Joining it takes a route to it in the namespace. */
export const multicast =
  (group = '239.2.11.71') =>
  (port: number): string =>
    `
udp_send_channel { mcast_join = ${group} port = ${port} ttl = 1 }
udp_recv_channel { mcast_join = ${group} port = ${port} bind = ${group} retry_bind = false }
tcp_accept_channel { port = ${port} }
`;

const unicast = (port: number): string => `
udp_send_channel { host = 127.0.0.1 port = ${port} }
udp_recv_channel { port = ${port} bind = 127.0.0.1 family = inet4 }
tcp_accept_channel { port = ${port} bind = 127.0.0.1 family = inet4 }
`;

/** What gmond says its default configuration is, at a pace and with channels of our own. */
async function configuration(facts: GmondFacts, port: number): Promise<string> {
  const { channels = unicast, globals = '', pace } = facts;
  const folder = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/ganglia`;
  const { stdout } = await run('/usr/sbin/gmond', ['-t']);
  let text = stdout
    .replace(/^ {2}(daemonize|setuid) = yes$/gm, '  $1 = no')
    .replace(/^(globals \{)$/m, `$1\n${globals}`)
    .replace(/^(udp_send|udp_recv|tcp_accept)_channel \{[^}]*^\}/gm, '')
    .replace(/path = "/g, `path = "${folder}/`)
    .replace(/^include .*$/m, '');
  for (const said of globals.matchAll(/^\s*(\w+) =/gm)) {
    text = text.replace(new RegExp(`^ {2}${said[1]} = .*$`, 'm'), '');
  }
  if (!globals.includes('send_metadata_interval')) {
    text = text.replace('send_metadata_interval = 0', 'send_metadata_interval = 1');
  }
  if (pace !== undefined) {
    text = text.replace(/(collect_every|time_threshold) = \d+/g, `$1 = ${pace}`);
  }
  return text + channels(port);
}

/** A real gmond with its own folder and port. */
export class Gmond implements AsyncDisposable {
  readonly port: number;
  readonly #facts: GmondFacts;
  readonly #folder = mkdtempSync(join(tmpdir(), 'cullinan-gmond-'));
  #process: ChildProcess | undefined;

  private constructor(facts: GmondFacts, port: number) {
    this.#facts = facts;
    this.port = port;
  }

  static async start(facts: GmondFacts = {}): Promise<Gmond> {
    const port = facts.port ?? (await freePort());
    const gmond = new Gmond(facts, port);
    writeFileSync(join(gmond.#folder, 'gmond.conf'), await configuration(facts, port));
    await gmond.start();
    return gmond;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Its configuration. */
  get file(): string {
    return join(this.#folder, 'gmond.conf');
  }

  /** Starts it, again or for the first time, and waits until it answers. */
  async start(): Promise<void> {
    const { hostname } = this.#facts;
    const gmond = ['/usr/sbin/gmond', '-f', '-c', join(this.#folder, 'gmond.conf')];
    const named = ['unshare', '-u', 'sh', '-c', `hostname ${hostname}; exec "$@"`, 'sh', ...gmond];
    const [program = '', ...words] = this.#within(hostname === undefined ? gmond : named);
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
    }
    this.#process = child;
    for (let attempt = 0; ; attempt += 1) {
      const xml = await this.xml().catch(() => '');
      if (xml.includes('</GANGLIA_XML>')) return;
      if (child.exitCode !== null || attempt > 200) {
        throw new Error(`gmond did not come up on port ${this.port}:\n${said}`);
      }
      await sleep(25);
    }
  }

  /** What it serves, byte by byte as ISO-8859-1 has it, which the XML says that it is in. */
  async xml(): Promise<string> {
    const script = `exec 3<>/dev/tcp/127.0.0.1/${this.port} && cat <&3`;
    const [program = '', ...words] = this.#within(['bash', '-c', script]);
    const options = { encoding: 'latin1', timeout: 5000, maxBuffer: 2 ** 26 } as const;
    const { stdout } = await run(program, words, options);
    return stdout;
  }

  /** The hosts that it knows, by name. */
  async hosts(): Promise<ReadonlyMap<string, GangliaHost>> {
    return parseGanglia(await this.xml());
  }

  /** Has it stand still, or go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name);
  }

  /** Ends it and waits until it is gone. What it knows of others is lost. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  #within(words: readonly string[]): readonly string[] {
    const { namespace } = this.#facts;
    return namespace === undefined ? words : ['ip', 'netns', 'exec', namespace, ...words];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Two or more network namespaces on one wire, with a route for multicast. Takes root, and iproute2. */
export class Wire implements AsyncDisposable {
  /** The namespaces, and the address of each on the wire. */
  readonly nodes: readonly { readonly namespace: string; readonly address: string }[];
  readonly #switch: string;

  private constructor(id: string, nodes: number) {
    this.#switch = `${id}s`;
    this.nodes = Array.from({ length: nodes }, (_, i) => ({
      namespace: `${id}${i}`,
      address: `10.99.0.${i + 1}`,
    }));
  }

  static async lay(nodes: number): Promise<Wire> {
    const wire = new Wire(`cg${process.pid.toString(36)}${(wires++).toString(36)}`, nodes);
    try {
      await wire.#lay();
    } catch (error) {
      await wire[Symbol.asyncDispose]();
      throw error;
    }
    return wire;
  }

  async #lay(): Promise<void> {
    const hub = this.#switch;
    // The bridge is in a namespace of its own, so that this machine's firewall does not see it.
    await run('ip', ['netns', 'add', hub]);
    await ip(hub, 'link add br0 type bridge mcast_snooping 0');
    await ip(hub, 'link set br0 up');
    for (const [i, { namespace, address }] of this.nodes.entries()) {
      await run('ip', ['netns', 'add', namespace]);
      await ip(hub, `link add p${i} type veth peer name eth0 netns ${namespace}`);
      await ip(hub, `link set p${i} master br0 up`);
      await ip(namespace, 'link set lo up');
      await ip(namespace, `addr add ${address}/24 dev eth0`);
      await ip(namespace, 'link set eth0 up');
      await ip(namespace, 'route add 224.0.0.0/4 dev eth0');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.nodes.map(({ namespace }) => namespace), this.#switch]) {
      await run('ip', ['netns', 'del', name]).catch(() => undefined);
    }
  }
}

let wires = 0;

const ip = (namespace: string, command: string): Promise<unknown> =>
  run('ip', ['-n', namespace, ...command.split(' ')]);
