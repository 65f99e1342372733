import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What a real socket of libzmq shall be. */
export interface Wishes {
  readonly type: 'SUB' | 'PULL' | 'PUB' | 'XSUB';
  /** Where it connects to; absent, it binds to a port of its own. */
  readonly connect?: number;
  /** The port it binds to. */
  readonly bind?: number;
  readonly subscribe?: readonly string[];
  /** What it logs in with, or as one that binds wants of others. */
  readonly login?: readonly [username: string, password: string];
  /** Milliseconds between two pings. */
  readonly heartbeat?: number;
}

/** Prints its port, then each message it receives, its parts in a JSON array. */
const SCRIPT = `
import json, sys, time, zmq
wishes = json.loads(sys.argv[1])
context = zmq.Context()
socket = context.socket(getattr(zmq, wishes['type']))
socket.linger = 0
socket.reconnect_ivl = 20
if 'heartbeat' in wishes:
    socket.heartbeat_ivl = wishes['heartbeat']
    socket.heartbeat_timeout = wishes['heartbeat'] * 4
login = wishes.get('login')
if login and 'connect' in wishes:
    socket.plain_username, socket.plain_password = (word.encode() for word in login)
elif login:
    from zmq.auth.thread import ThreadAuthenticator
    guard = ThreadAuthenticator(context)
    guard.start()
    guard.configure_plain(domain='*', passwords={login[0]: login[1]})
    socket.plain_server = True
for prefix in wishes.get('subscribe', []):
    socket.subscribe(prefix)
if 'connect' in wishes:
    socket.connect('tcp://127.0.0.1:%d' % wishes['connect'])
    port = wishes['connect']
elif 'bind' in wishes:
    port = wishes['bind']
    socket.bind('tcp://127.0.0.1:%d' % port)
else:
    port = socket.bind_to_random_port('tcp://127.0.0.1')
print(port, flush=True)
while wishes['type'] == 'PUB':
    time.sleep(1)
while True:
    print(json.dumps([part.decode() for part in socket.recv_multipart()]), flush=True)
`;

/** A real socket of libzmq, in a process of its own. */
export class ZeroMq implements AsyncDisposable {
  readonly #child;
  readonly #lines: string[] = [];

  static async start(wishes: Wishes): Promise<ZeroMq> {
    const socket = new ZeroMq(wishes);
    const child = socket.#child;
    while (socket.#lines.length === 0) {
      if (child.exitCode !== null) throw new Error('a socket of libzmq did not come up');
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    }
    return socket;
  }

  private constructor(wishes: Wishes) {
    // Debian's own Python, which sees Debian's packages.
    this.#child = spawn('/usr/bin/python3', ['-c', SCRIPT, JSON.stringify(wishes)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#lines.push(...lines);
    });
  }

  get port(): number {
    return Number(this.#lines[0]);
  }

  /** The messages so far, each by its parts. */
  get messages(): readonly (readonly string[])[] {
    return this.#lines.slice(1).map((line): string[] => JSON.parse(line));
  }

  /** Ends it as a crash does. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
