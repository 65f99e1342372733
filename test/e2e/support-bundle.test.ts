import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ask } from '../../src/status/index.ts';
import { cullinan, PROGRAM } from '../support/program.ts';
import { withUs } from '../support/with-us.ts';

/** One for each place where people keep them. */
const SECRETS = {
  environment: 'env-Zk8wq2Lp',
  file: 'file-Vt5r"x\\Nc',
  credential: 'cred-Hy7Bm4Sd',
  written: 'written-Qa1Uj9Xe',
  token: 'token-Gf6Ro3Tz',
  header: 'header-Wn2Ck8Vb',
  query: 'query-Pd4Le7Mi',
  block: 'block-Js9Yh5Ka',
  password: 'amqp-Ex3Bt6Oq',
  basic: 'basic-Ru8Fw1Ng',
};

const folder = mkdtempSync(join(tmpdir(), 'cullinan-bundle-'));
const at = (name: string) => join(folder, name);

writeFileSync(at('secret'), `${SECRETS.file}\n`);
mkdirSync(at('credentials'));
writeFileSync(at('credentials/broker'), SECRETS.credential);
writeFileSync(
  at('cullinan.yaml'),
  `# password: ${SECRETS.written}
interval: 1s
status: { socket: ${at('s.sock')} }
labels: { site: "\${SITE_SECRET}" }
handlers:
  file: { path: ${at('out')}, dialect: diamond }
  broker: { type: amqp, host: "127.0.0.1:9", username: us, password: ${SECRETS.password} }
  other: { type: amqp, host: "127.0.0.1:9", username: us, password: "\${credential:broker}" }
  web:
    type: http
    url: http://127.0.0.1:9/write?db=x&u=us&p=${SECRETS.query}
    headers: { X-Our-Key: ${SECRETS.header}, X-Auth: "Basic ${Buffer.from(`us:${SECRETS.basic}`).toString('base64')}" }
  token: { type: http, url: "http://127.0.0.1:9/write", token: ${SECRETS.token} }
  login: { type: http, url: "http://127.0.0.1:9/w", username: us, password: "\${file:${at('secret')}}" }
  block:
    type: mqtt
    host: 127.0.0.1
    port: 9
    username: us
    password: |-
      ${SECRETS.block}
`,
);

const environment = { SITE_SECRET: SECRETS.environment, CREDENTIALS_DIRECTORY: at('credentials') };

async function running() {
  const words = [PROGRAM, 'run', '--config', at('cullinan.yaml')];
  const [program, all] = withUs(process.execPath, words);
  const agent = spawn(program, all, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let log = '';
  agent.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  onTestFinished(() => void agent.kill('SIGKILL'));
  const failed = async () =>
    (await ask(at('s.sock'))).handlers.filter((it) => it.failures > 0).length;
  await expect.poll(() => failed().catch(() => log), { timeout: 15_000 }).toBe(6);
}

/** Everything that is in a bundle, by name. */
function unpacked(path: string): ReadonlyMap<string, string> {
  const into = mkdtempSync(join(folder, 'unpacked-'));
  execFileSync('tar', ['-xzf', path, '-C', into]);
  const entries = readdirSync(into, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const whole = join(entry.parentPath, entry.name);
        return [
          whole.slice(into.length).split('/').slice(2).join('/'),
          readFileSync(whole, 'utf8'),
        ];
      }),
  );
}

const HIDDEN = Object.entries(SECRETS).flatMap(([place, secret]) => {
  const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
  const encoded = [secret, `us:${secret}`].map((it) => Buffer.from(it).toString('base64'));
  return [...forms, ...encoded].map((form) => [place, form] as const);
});

function expectNoSecretIn(files: ReadonlyMap<string, string>): void {
  const found = [...files].flatMap(([name, text]) =>
    HIDDEN.flatMap(([place, form]) => (text.includes(form) ? [`${place} in ${name}`] : [])),
  );
  expect(found).toEqual([]);
}

test('has all that a bug report needs, and no secret', async () => {
  await running();
  const path = at('bundle.tar.gz');
  const words = ['support-bundle', path, '--config', at('cullinan.yaml')];
  const { code, stdout, stderr } = await cullinan(words, { environment });
  expect([code, stdout], stderr).toEqual([0, `${path}\n`]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const files = unpacked(path);
  expect([...files.keys()].sort()).toEqual(
    expect.arrayContaining([
      ...['about.json', 'configuration.json', 'configuration/0-cullinan.yaml', 'doctor.jsonl'],
      ...['health.json', 'log.jsonl', 'names.txt', 'platform/etc/os-release'],
      ...['platform/packages.txt', 'platform/proc/version', 'status.json'],
    ]),
  );
  expect(files.get('names.txt')).toContain('.loadavg.01');
  expect(files.get('log.jsonl')).toContain('collecting from');
  expect(files.get('status.json')).toContain('"handlers"');
  expect(files.get('doctor.jsonl')).toContain('"peer"');
  expect(files.get('configuration.json')).toContain('"password": "***"');
  expectNoSecretIn(files);
});

test('is made without an agent and without a configuration that loads', async () => {
  const broken = at('broken.yaml');
  writeFileSync(broken, `handlers: { broker: { type: amqp, pasword: ${SECRETS.password} } }\n`);
  const path = at('broken.tar.gz');
  // Another agent may run on this machine.
  const nobody = at('nobody.sock');
  const words = ['support-bundle', path, '--config', broken, '--socket', nobody];
  const { code } = await cullinan(words);
  expect(code).toBe(0);
  const files = unpacked(path);
  expect(files.get('configuration.error.txt')).toContain('unknown option "pasword"');
  expect(files.get('status.json')).toContain('not to be had');
  expectNoSecretIn(files);
  expect(await cullinan(['support-bundle', path, '--config', broken])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is there already'),
  });
});
