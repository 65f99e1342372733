import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ChannelModel, type ConsumeMessage, connect, type Options } from 'amqplib';
import { freePort, listens } from './carbon.ts';
import type { Pair } from './tls.ts';
import { withUs } from './with-us.ts';

const BIN = '/usr/lib/rabbitmq/bin';
const EPMD = '/usr/bin/epmd';

export interface Login {
  readonly name: string;
  readonly password: string;
  /** What it may do in each virtual host, as patterns of names. */
  readonly may?: { readonly configure: string; readonly write: string; readonly read: string };
  /** What it may see of the broker: `monitoring`. */
  readonly tags?: string;
}

interface Wishes {
  readonly logins?: readonly Login[];
  /** Virtual hosts beside `/`. */
  readonly vhosts?: readonly string[];
  /** With it, it also speaks TLS, and knows a client by the certificate that this authority issued it. */
  readonly tls?: Pair & { readonly authority: string };
  /** Plugins beside the consistent-hash exchange. */
  readonly plugins?: readonly string[];
  /** Further lines of its configuration. */
  readonly config?: readonly string[];
}

const EVERYTHING = { configure: '.*', write: '.*', read: '.*' };

/** How RabbitMQ keeps a password: four bytes of salt, then SHA-256 of them and the password. */
function hashed(password: string): string {
  const salt = Buffer.from('salt');
  const hash = createHash('sha256').update(salt).update(password).digest();
  return Buffer.concat([salt, hash]).toString('base64');
}

function definitions({ logins = [], vhosts = [] }: Wishes): object {
  const all: readonly Login[] = [{ name: 'guest', password: 'guest' }, ...logins];
  const places = ['/', ...vhosts];
  return {
    users: all.map(({ name, password, tags = '' }) => ({
      name,
      password_hash: hashed(password),
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags,
    })),
    vhosts: places.map((name) => ({ name })),
    permissions: places.flatMap((vhost) =>
      all.map(({ name, may = EVERYTHING }) => ({ user: name, vhost, ...may })),
    ),
  };
}

/** A real RabbitMQ, one node, with its own name, ports, folder and port mapper. */
export class RabbitMq implements AsyncDisposable {
  readonly port: number;
  /** Where it speaks TLS, if it does. */
  readonly tlsPort: number;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #epmd: ChildProcess;
  #node: ChildProcess | undefined;

  private constructor(ports: Ports, folder: string, env: NodeJS.ProcessEnv, epmd: ChildProcess) {
    this.port = ports.port;
    this.tlsPort = ports.tlsPort;
    this.#folder = folder;
    this.#env = env;
    this.#epmd = epmd;
  }

  static async start(wishes: Wishes = {}): Promise<RabbitMq> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-rabbitmq-'));
    const [port, tlsPort, dist, mapper] = await Promise.all([1, 2, 3, 4].map(freePort));
    const ports = { port: port ?? 0, tlsPort: tlsPort ?? 0 };
    for (const name of ['mnesia', 'log']) mkdirSync(join(folder, name));
    const inFolder = (name: string) => join(folder, name);
    writeFileSync(inFolder('definitions.json'), JSON.stringify(definitions(wishes)));
    writeFileSync(inFolder('rabbitmq.conf'), configuration(ports, folder, wishes));
    const plugins = ['rabbitmq_consistent_hash_exchange', ...(wishes.plugins ?? [])];
    writeFileSync(inFolder('plugins'), `[${plugins.join(',')}].\n`);
    const loopback = '-kernel inet_dist_use_interface {127,0,0,1}';
    const env = {
      PATH: process.env['PATH'],
      LANG: 'C.UTF-8',
      HOME: folder,
      RUNNING_UNDER_SYSTEMD: 'true',
      RABBITMQ_NODENAME: `cullinan${dist}@localhost`,
      RABBITMQ_MNESIA_BASE: inFolder('mnesia'),
      RABBITMQ_LOG_BASE: inFolder('log'),
      RABBITMQ_CONFIG_FILE: inFolder('rabbitmq'),
      RABBITMQ_ENABLED_PLUGINS_FILE: inFolder('plugins'),
      RABBITMQ_PID_FILE: inFolder('pid'),
      RABBITMQ_DIST_PORT: String(dist),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_PORT: String(mapper),
      // A node takes a thread for each core and spins; beside other tests two are plenty.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `${loopback} +S 2:2 +sbwt none`,
      RABBITMQ_CTL_ERL_ARGS: `${loopback} +S 1:1`,
    };
    const epmd = spawn(...withUs(EPMD, []), { env, stdio: 'ignore' });
    // Where there is none yet, a node starts one that outlives it.
    await upOn(mapper ?? 0, epmd, () => 'epmd');
    const broker = new RabbitMq(ports, folder, env, epmd);
    await broker.start();
    return broker;
  }

  /** Its process, while it runs. */
  get pid(): number | undefined {
    return this.#node?.pid;
  }

  /** Starts it, again or for the first time, and waits until it takes connections. */
  async start(): Promise<void> {
    const node = spawn(...withUs(`${BIN}/rabbitmq-server`, []), {
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [node.stdout, node.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
    }
    this.#node = node;
    await upOn(this.port, node, () => `RabbitMQ: ${said}`);
  }

  /** Ends it and waits until it is gone: SIGTERM in order, SIGKILL as a host that loses its power. */
  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const node = this.#node;
    this.#node = undefined;
    if (node === undefined || node.exitCode !== null || node.signalCode !== null) return;
    const gone = once(node, 'exit');
    node.kill(signal);
    await gone;
  }

  /** Has it take the memory it uses for too much, which stops all who publish, or no longer. */
  async alarm(raised: boolean): Promise<void> {
    const part = raised ? '0.000001' : '0.9';
    await promisify(execFile)(`${BIN}/rabbitmqctl`, ['set_vm_memory_high_watermark', part], {
      env: this.#env,
    });
  }

  /** How many connections of agents it has. */
  async agents(): Promise<number> {
    const words = ['--quiet', 'list_connections', 'client_properties'];
    const { stdout } = await promisify(execFile)(`${BIN}/rabbitmqctl`, words, { env: this.#env });
    return stdout.split('\n').filter((line) => line.includes('cullinan on ')).length;
  }

  /** Takes what a queue holds. */
  async drain(queue: string): Promise<readonly Buffer[]> {
    const model = await this.connect();
    model.on('error', () => undefined);
    const channel = await model.createChannel();
    const bodies: Buffer[] = [];
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) break;
      bodies.push(message.content);
    }
    await model.close();
    return bodies;
  }

  connect(vhost = '/'): Promise<ChannelModel> {
    return connect({ hostname: '127.0.0.1', port: this.port, vhost });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL');
    this.#epmd.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Waits until a program listens. */
async function upOn(port: number, program: ChildProcess, said: () => string): Promise<void> {
  for (let attempt = 0; !(await listens(port)); attempt += 1) {
    if (program.exitCode !== null || attempt > 1200) {
      throw new Error(`it did not come up on port ${port}: ${said()}`);
    }
    await sleep(50);
  }
}

interface Ports {
  readonly port: number;
  readonly tlsPort: number;
}

function configuration(
  { port, tlsPort }: Ports,
  folder: string,
  { tls, config = [] }: Wishes,
): string {
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    `load_definitions = ${folder}/definitions.json`,
    'disk_free_limit.absolute = 50MB',
    'vm_memory_high_watermark.relative = 0.9',
    'log.file.level = warning',
    ...config,
  ];
  if (tls === undefined) return lines.join('\n');
  lines.push(
    `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
    `ssl_options.cacertfile = ${tls.authority}`,
    `ssl_options.certfile = ${tls.cert}`,
    `ssl_options.keyfile = ${tls.key}`,
    'ssl_options.verify = verify_peer',
    'ssl_options.fail_if_no_peer_cert = false',
    'auth_mechanisms.1 = PLAIN',
    'auth_mechanisms.2 = EXTERNAL',
    'ssl_cert_login_from = common_name',
  );
  return lines.join('\n');
}

/** What arrived, as a consumer gets it. */
export interface Arrived {
  readonly key: string;
  readonly content: Buffer;
  readonly message: ConsumeMessage;
}

/** A consumer of a queue that is bound to an exchange; the queue stays when the broker restarts. */
export class Consumer implements AsyncDisposable {
  readonly arrived: Arrived[] = [];
  readonly #model: ChannelModel;

  private constructor(model: ChannelModel) {
    this.#model = model;
  }

  /** @param bindings routing keys, or the headers that a message must have. */
  static async on(
    broker: RabbitMq,
    queue: string,
    {
      exchange,
      bindings = ['#'],
      options = { durable: true },
      vhost = '/',
    }: {
      readonly exchange?: string;
      readonly bindings?: readonly (string | Readonly<Record<string, string>>)[];
      readonly options?: Options.AssertQueue;
      readonly vhost?: string;
    } = {},
  ): Promise<Consumer> {
    const model = await broker.connect(vhost);
    const consumer = new Consumer(model);
    model.on('error', () => undefined);
    const channel = await model.createChannel();
    await channel.assertQueue(queue, options);
    if (exchange !== undefined) {
      for (const binding of bindings) {
        if (typeof binding === 'string') await channel.bindQueue(queue, exchange, binding);
        else await channel.bindQueue(queue, exchange, '', binding);
      }
    }
    await channel.prefetch(1000);
    await channel.consume(queue, (message) => {
      if (message === null) return;
      const { fields, content } = message;
      consumer.arrived.push({ key: fields.routingKey, content, message });
      channel.ack(message);
    });
    return consumer;
  }

  /** What arrived, as text. */
  get texts(): readonly string[] {
    return this.arrived.map(({ content }) => content.toString('utf8'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model.close().catch(() => undefined);
  }
}
