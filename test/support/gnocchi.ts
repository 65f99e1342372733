import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './carbon.ts';
import { withUs } from './with-us.ts';

/** Debian's own Python, which sees Debian's packages. */
const PYTHON = '/usr/bin/python3';
const NOBODY = 65_534;

/** Serves a WSGI application, and prints its port when it listens. */
const SERVE = `
from werkzeug.serving import make_server, WSGIRequestHandler
class Handler(WSGIRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log(self, *_):
        pass
def serve(application, port):
    server = make_server('127.0.0.1', port, application, threaded=True, request_handler=Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
`;

/** Gnocchi's API with its files in a folder and its index in the PostgreSQL beside it. */
const GNOCCHI = `${SERVE}
import os, sys
folder, authentication, port = sys.argv[1:]
os.makedirs(folder + '/incoming/tmp', exist_ok=True)
path = folder + '/gnocchi.conf'
with open(path, 'w') as file:
    file.write('''
[DEFAULT]
coordination_url = file://FOLDER/lock
[indexer]
url = postgresql://gnocchi@/postgres?host=FOLDER/postgres
[storage]
file_basepath = FOLDER/storage
[incoming]
file_basepath = FOLDER/incoming
'''.replace('FOLDER', folder) + authentication)
# Where the middleware looks for what it is to know of Keystone.
os.environ['HOME'] = folder
from gnocchi import incoming, indexer, opts, service, storage
from gnocchi.rest import app
import gnocchi.rest
from oslo_config import cfg
from oslo_policy import opts as policies
conf = cfg.ConfigOpts()
opts.set_defaults()
policies.set_defaults(conf)
conf = service.prepare_service(args=['--config-file', path], conf=conf)
rules = os.path.join(os.path.dirname(gnocchi.rest.__file__), 'policy.yaml')
conf.set_default('policy_file', rules, group='oslo_policy')
indexer.get_driver(conf).upgrade()
storage.get_driver(conf).upgrade()
incoming.get_driver(conf).upgrade(4)
serve(app.load_app(conf), int(port))
`;

/** Keystone with a user \`admin\`, and one who may do nothing on a project of its own. */
const KEYSTONE = `${SERVE}
import os, sys
folder, port = sys.argv[1:]
os.environ['OS_KEYSTONE_CONFIG_DIR'] = folder
sys.argv = ['keystone']
from keystone.server import wsgi
serve(wsgi.initialize_public_application(), int(port))
`;

/** Starts a program that prints its port. */
async function listening(name: string, words: readonly string[]): Promise<[ChildProcess, number]> {
  const child = spawn(...withUs(PYTHON, ['-c', ...words]), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const [line] = await Promise.race([
    once(child.stdout.setEncoding('utf8'), 'data'),
    once(child, 'exit').then(() => {
      throw new Error(`${name} did not come up: ${said}`);
    }),
  ]);
  return [child, Number(line)];
}

/** A program that ends when it has done its work. */
async function done(command: string, words: readonly string[]): Promise<void> {
  const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`${command}: ${said}`);
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** A folder that every user may look into. */
function openFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), name));
  chmodSync(folder, 0o755);
  return folder;
}

/** PostgreSQL in a folder, behind a socket there, for one user; it refuses to be root. */
async function postgres(folder: string, user: string): Promise<ChildProcess> {
  const [version = ''] = readdirSync('/usr/lib/postgresql').sort().reverse();
  const bin = (name: string) => `/usr/lib/postgresql/${version}/bin/${name}`;
  mkdirSync(folder);
  const root = process.getuid?.() === 0;
  if (root) chownSync(folder, NOBODY, NOBODY);
  const as = root
    ? ['/usr/bin/setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
    : ['/usr/bin/env'];
  const run = (...words: string[]): [string, string[]] => {
    const [command = '', ...rest] = [...as, ...words];
    return [command, rest];
  };
  const data = join(folder, 'data');
  const locale = ['-E', 'UTF8', '--locale=C.UTF-8'];
  await done(...run(bin('initdb'), '-D', data, '-A', 'trust', '-U', user, '-N', ...locale));
  const [command, words] = withUs(bin('postgres'), [
    ...['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off'],
  ]);
  const child = spawn(...run(command, ...words), { stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of child.stderr.setEncoding('utf8')) {
    if (`${line}`.includes('ready to accept connections')) break;
  }
  return child;
}

/** How Gnocchi knows who asks, in its configuration. */
const BASIC = '[api]\nauth_mode = basic\n';

/** A real Gnocchi of Debian's, with a PostgreSQL of its own. */
export class Gnocchi implements AsyncDisposable {
  readonly url: string;
  readonly #folder: string;
  readonly #database: ChildProcess;
  readonly #words: readonly string[];
  #api: ChildProcess | undefined;

  static async start(authentication = BASIC): Promise<Gnocchi> {
    const folder = openFolder('gnocchi-');
    const port = await freePort();
    const database = await postgres(join(folder, 'postgres'), 'gnocchi');
    const gnocchi = new Gnocchi(folder, database, [folder, authentication, `${port}`], port);
    await gnocchi.restart();
    return gnocchi;
  }

  private constructor(
    folder: string,
    database: ChildProcess,
    words: readonly string[],
    port: number,
  ) {
    this.#folder = folder;
    this.#database = database;
    this.#words = words;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Ends its API as a host that loses its power. */
  kill(): Promise<void> {
    return end(this.#api, 'SIGKILL');
  }

  /** Starts its API again. */
  async restart(): Promise<void> {
    const [api] = await listening('Gnocchi', [GNOCCHI, ...this.#words]);
    this.#api = api;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await end(this.#database, 'SIGQUIT');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * A real Keystone of Debian's with a PostgreSQL of its own, and a user `admin` whose password is
 * `secret`. In SQLite, its other database, two requests at once may find it locked.
 */
export class Keystone implements AsyncDisposable {
  readonly url: string;
  readonly #folder: string;
  readonly #database: ChildProcess;
  readonly #api: ChildProcess;

  static async start(port: number): Promise<Keystone> {
    const folder = openFolder('keystone-');
    for (const name of ['fernet', 'credential']) mkdirSync(join(folder, name), { mode: 0o700 });
    const database = await postgres(join(folder, 'postgres'), 'keystone');
    await done(PYTHON, [
      '-c',
      `open('${folder}/keystone.conf', 'w').write('''
[database]
connection = postgresql://keystone@/postgres?host=${folder}/postgres
[fernet_tokens]
key_repository = ${folder}/fernet
[credential]
key_repository = ${folder}/credential
''')`,
    ]);
    const manage = (...words: string[]) =>
      done('/usr/bin/keystone-manage', ['--config-file', `${folder}/keystone.conf`, ...words]);
    const user = `${process.getuid?.() ?? 0}`;
    const url = `http://127.0.0.1:${port}/v3`;
    await Promise.all([
      manage('db_sync'),
      manage('fernet_setup', '--keystone-user', user, '--keystone-group', user),
    ]);
    await manage('bootstrap', '--bootstrap-password', 'secret', '--bootstrap-public-url', url);
    const [api] = await listening('Keystone', [KEYSTONE, folder, `${port}`]);
    return new Keystone(folder, database, api, url);
  }

  private constructor(folder: string, database: ChildProcess, api: ChildProcess, url: string) {
    this.#folder = folder;
    this.#database = database;
    this.#api = api;
    this.url = url;
  }

  /** What Gnocchi's configuration says of it. */
  get trusted(): string {
    return `[api]
auth_mode = keystone
[keystone_authtoken]
www_authenticate_uri = ${this.url}
auth_url = ${this.url}
auth_type = password
username = admin
password = secret
project_name = admin
user_domain_name = Default
project_domain_name = Default
interface = public
token_cache_time = -1
`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#api, 'SIGKILL');
    await end(this.#database, 'SIGQUIT');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
