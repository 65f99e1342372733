import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Finding } from '../../src/doctor/index.ts';
import { canHang, HungMount } from '../support/hung-mount.ts';
import { PROGRAM } from '../support/program.ts';
import { RunningAgent } from '../support/running.ts';
import { Certificates } from '../support/tls.ts';
import { withUs } from '../support/with-us.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = '65534';

/** A folder that everybody may look into. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-doctor-'));
  chmodSync(folder, 0o755);
  return folder;
}

interface Given {
  readonly folder?: string;
  /** A command that runs it. */
  readonly under?: readonly string[];
  readonly words?: readonly string[];
  /** The only one that runs; load, unless said. */
  readonly collector?: string;
}

/** What the doctor finds with a configuration, by the check. */
async function diagnosis(
  yaml: string,
  { folder = newFolder(), under = [], words = [], collector = 'load' }: Given = {},
) {
  const config = join(folder, 'cullinan.yaml');
  writeFileSync(
    config,
    `collectors: { default: { enabled: false }, ${collector}: { enabled: true } }\n${yaml}`,
  );
  const doctor = [PROGRAM, 'doctor', '--json', '--config', config];
  // Not the agent that may run on this machine.
  doctor.push('--socket', join(folder, 'none.sock'));
  const [program = '', ...rest] = [...under, process.execPath, ...doctor, ...words];
  const { stdout, code } = await new Promise<{ stdout: string; code: unknown }>((resolve) => {
    execFile(program, rest, (error, stdout) => resolve({ stdout, code: error?.code ?? 0 }));
  });
  const findings = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Finding);
  const bad = findings.some(({ verdict }) => verdict === 'problem');
  expect(code, stdout).toBe(bad ? 1 : 0);
  return (check: string) => findings.filter((it) => it.check === check);
}

const finding = (verdict: Finding['verdict'], found: RegExp, subject?: string) =>
  expect.objectContaining({
    verdict,
    found: expect.stringMatching(found),
    ...(subject === undefined ? {} : { subject: expect.stringContaining(subject) }),
    ...(verdict === 'ok' ? {} : { remedy: expect.stringMatching(/\w/) }),
  });

/** A server on a port of its own, until the test is over. */
async function port(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('a host where all is well', async () => {
  const carbon = await port(createServer((socket) => socket.on('error', () => {}).resume()));
  const found = await diagnosis(`handlers: { graphite: { host: localhost, port: ${carbon} } }`);
  expect(found('configuration')).toEqual([finding('ok', /cullinan\.yaml/)]);
  expect(found('dns')).toEqual([finding('ok', /127\.0\.0\.1.*IPv4.* in \d+ ms/, 'localhost')]);
  expect(found('peer')).toEqual([finding('ok', /^connected in/, `localhost:${carbon}`)]);
  expect(found('collector')).toEqual([finding('ok', /^\d series$/, 'load')]);
  expect(found('agent')).toEqual([finding('warning', /none runs/)]);
});

test('a configuration that does not load', async () => {
  const found = await diagnosis('handlers: { graphite: { hots: x } }');
  expect(found('configuration')).toEqual([finding('problem', /unknown option "hots"/)]);
});

test('a secret that everybody may read', async () => {
  const yaml = 'handlers: { a: { type: http, url: "http://127.0.0.1:9/", token: hunter22 } }';
  expect((await diagnosis(yaml))('configuration')).toContainEqual(
    finding('warning', /a secret is written in it/),
  );
});

describe('peers', () => {
  test('a name that nobody knows', async () => {
    const found = await diagnosis('handlers: { graphite: { host: carbon.invalid } }');
    expect(found('dns')).toEqual([finding('problem', /the name is not found/, 'carbon.invalid')]);
    expect(found('peer')).toEqual([finding('problem', /carbon\.invalid/, 'carbon.invalid:2003')]);
  });

  test('a port where nobody listens', async () => {
    const found = await diagnosis('handlers: { graphite: { host: "127.0.0.1:9" } }');
    expect(found('peer')).toEqual([
      finding('problem', /^connect ECONNREFUSED/, 'graphite 127.0.0.1:9'),
    ]);
  });

  test.runIf(isRoot)('a network that does not lead there', async () => {
    const yaml = 'handlers: { graphite: { host: 192.0.2.1 } }';
    const found = await diagnosis(yaml, { under: ['unshare', '--net'] });
    expect(found('peer')).toEqual([finding('problem', /ENETUNREACH/)]);
  });

  test('a broker that is none', async () => {
    const broker = await port(
      createServer((socket) => void socket.on('error', () => {}).end('HTTP/1.1 400 No\r\n\r\n')),
    );
    const found = await diagnosis(`handlers: { amqp: { host: "127.0.0.1:${broker}" } }`);
    expect(found('login')).toEqual([finding('problem', /./, 'amqp')]);
  });

  test('certificates that have expired, that soon will, and that are of nobody known', async () => {
    using certificates = new Certificates();
    const { ours, theirs, folder } = certificates;
    const secured = ({ cert, key }: { readonly cert: string; readonly key: string }) =>
      port(createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }));
    const names = { names: 'IP:127.0.0.1' };
    const [expired, soon, unknown] = await Promise.all([
      secured(ours.issue('expired', { ...names, expired: true })),
      secured({ cert: ours.cert, key: join(folder, 'ours.key') }),
      secured(theirs.issue('unknown', names)),
    ]);
    const graphite = (port: number, more = '') =>
      `{ type: graphite, host: "127.0.0.1:${port}", tls: { ca: ${ours.cert}${more} } }`;
    const found = await diagnosis(`handlers:
  expired: ${graphite(expired)}
  soon: ${graphite(soon, ', servername: ours')}
  unknown: ${graphite(unknown)}
`);
    expect(found('peer')).toEqual([
      finding('problem', /has expired.*Renew it/, 'expired'),
      finding('ok', /^connected/, 'soon'),
      finding('problem', /vouched for by nobody/, 'unknown'),
    ]);
    expect(found('certificate')).toEqual([finding('warning', /valid for [01] days/, 'soon')]);
  });
});

describe('the clock', () => {
  test('differs from that of an HTTP peer', async () => {
    const late = new Date(Date.now() + 3_600_000).toUTCString();
    const peer = createHttpServer((_, answer) => answer.writeHead(404, { date: late }).end());
    const url = `http://127.0.0.1:${await port(peer)}/write`;
    const found = await diagnosis(`handlers: { http: { url: "${url}" } }`);
    expect(found('clock')).toContainEqual(finding('problem', /(3599|360\d) s behind/, 'Date of'));
  });

  test.each([
    ['is that of a time server', 0, 'ok', /clock is 0\.\d+ s/],
    ['is ahead of a time server', -3000, 'warning', /clock is [23]\.\d+ s ahead/],
    ['is behind a time server', 60_000, 'problem', /clock is (59|60)\.\d+ s behind/],
  ] as const)('%s', async (_, ahead, verdict, told) => {
    const server = createSocket('udp4');
    onTestFinished(() => void server.close());
    server.on('message', (question, { port, address }) => {
      const answer = Buffer.alloc(48);
      answer.set([0x24, 2]);
      question.copy(answer, 24, 40, 48);
      const now = (Date.now() + ahead) / 1000 + 2_208_988_800;
      for (const at of [32, 40]) {
        answer.writeUInt32BE(Math.floor(now), at);
        answer.writeUInt32BE(Math.floor((now % 1) * 2 ** 32), at + 4);
      }
      server.send(answer, port, address);
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    const ntp = `127.0.0.1:${server.address().port}`;
    const found = await diagnosis('', { words: ['--ntp', ntp] });
    expect(found('clock')).toContainEqual(finding(verdict, told, 'NTP'));
  });

  test('and a time server that does not answer', async () => {
    const found = await diagnosis('', { words: ['--ntp', '127.0.0.1:9'] });
    expect(found('clock')).toContainEqual(finding('warning', /does not tell the time/, 'NTP'));
  });
});

describe('folders and files', () => {
  const spool = (path: string, size = '1MiB') =>
    `handlers: { graphite: { host: "127.0.0.1:9", queue: { spool: { path: ${path}, size: ${size} } } } }`;

  test.runIf(isRoot)('that the agent’s user may not use, though root may', async () => {
    const folder = newFolder();
    for (const name of ['spool', 'proc', 'log']) mkdirSync(join(folder, name), { mode: 0o755 });
    writeFileSync(join(folder, 'log/app.log'), 'x\n', { mode: 0o600 });
    writeFileSync(join(folder, 'proc/loadavg'), '0 0 0 1/1 1\n', { mode: 0o600 });
    const yaml = `${spool(join(folder, 'spool/graphite'))}
host: { proc: ${join(folder, 'proc')} }`;
    const words = ['--user', NOBODY];
    const found = await diagnosis(yaml, { folder, words });
    expect(found('folder')).toEqual([
      finding('problem', /cannot be written by user 65534/, 'spool'),
    ]);
    mkdirSync(join(folder, 'spool/graphite'));
    chmodSync(join(folder, 'spool'), 0o700);
    const below = await diagnosis(yaml, { folder, words });
    const chown = expect.objectContaining({ remedy: expect.stringContaining('chown') });
    expect(below('folder')).toEqual([chown]);
    expect(found('collector')).toEqual([finding('problem', /loadavg/, 'load')]);
    const allowed = await diagnosis(yaml, { folder, under: ['env'], words: ['--here'] });
    expect(allowed('folder')).toEqual([finding('ok', /can be written/, 'spool')]);
  });

  test.runIf(isRoot)('a log that may not be read', async () => {
    const folder = newFolder();
    const log = join(folder, 'app.log');
    writeFileSync(log, 'x\n', { mode: 0o600 });
    const config = join(folder, 'logs.yaml');
    writeFileSync(config, '');
    const yaml = `collectors: { logs: { state: ${folder}, files: [{ path: ${log}, parser: access }, { path: ${log}.2, parser: auth }] } }`;
    const found = await diagnosis('', { folder, words: [] });
    expect(found('file')).toEqual([]);
    writeFileSync(config, yaml);
    const words = ['--user', NOBODY, '--config', config];
    const denied = await diagnosis('', { folder, words });
    expect(denied('file')).toEqual([
      finding('problem', /cannot be read by user 65534/, log),
      finding('warning', /it is not there/, `${log}.2`),
    ]);
  });

  test('more than there is room for', async () => {
    const found = await diagnosis(spool(join(newFolder(), 'spool'), '900000GiB'));
    expect(found('folder')).toEqual([finding('warning', /MiB free, and it may come to need/)]);
  });

  test.runIf(canHang)('a mount that hangs', async () => {
    const folder = newFolder();
    const mounted = join(folder, 'mnt');
    mkdirSync(mounted);
    await using _ = await HungMount.on(mounted);
    const found = await diagnosis(spool(join(mounted, 'spool')), { folder });
    expect(found('folder')).toEqual([finding('problem', /./, mounted)]);
    const filesystem = await diagnosis('', { folder, collector: 'filesystem' });
    // Those of other tests may hang meanwhile.
    const own = filesystem('collector').filter((it) => it.found.includes(mounted));
    expect(own).toEqual([finding('problem', /./, 'filesystem')]);
  });

  test('a collector whose source is not there', async () => {
    const found = await diagnosis(`host: { proc: ${newFolder()} }`);
    expect(found('collector')).toEqual([finding('warning', /loadavg/, 'load')]);
  });

  test('a collector that says what is no fault', async () => {
    const found = await diagnosis('', { collector: 'push' });
    expect(found('collector')).toEqual([
      finding('ok', /^only an agent that runs listens$/, 'push'),
    ]);
  });
});

describe('the machine', () => {
  test('too few open files', async () => {
    const found = await diagnosis('', { under: ['prlimit', '--nofile=256'] });
    expect(found('limits')).toContainEqual(finding('warning', /^256 may be open/, 'open files'));
  });

  test.runIf(isRoot)('a host without a name of its own', async () => {
    const under = ['unshare', '--uts', 'sh', '-c', 'hostname localhost; exec "$@"', 'sh'];
    const found = await diagnosis('', { under });
    expect(found('hostname')).toEqual([finding('problem', /is called "localhost"/)]);
  });

  test('another agent', async () => {
    const gmond = join(newFolder(), 'gmond');
    copyFileSync('/bin/sleep', gmond);
    chmodSync(gmond, 0o755);
    const child = spawn(...withUs(gmond, ['60']), { stdio: 'ignore' });
    onTestFinished(() => void child.kill());
    await expect
      .poll(async () => (await diagnosis(''))('other agent'), { timeout: 15_000 })
      .toContainEqual(finding('warning', /runs on this host, too/, `gmond, process ${child.pid}`));
  });

  test('a Carbon that has slots of another length', async () => {
    const schemas = join(newFolder(), 'storage-schemas.conf');
    writeFileSync(schemas, '[load]\npattern = \\.load\n retentions = 60s:1d\n');
    const words = ['--carbon-schemas', schemas];
    const found = await diagnosis('handlers: { graphite: { host: "127.0.0.1:9" } }', { words });
    expect(found('retention')).toEqual([
      finding('warning', /every 10 s, and Carbon's section \[load\] has a slot of 60 s/),
    ]);
  });
});

describe('the agent', () => {
  test('that runs, and whose peer is away', async () => {
    // The latest problem is to be this one: mounts of other tests may hang meanwhile.
    const more = 'collectors: { default: { enabled: false }, load: { enabled: true } }';
    const lost = '{ type: graphite, host: 127.0.0.1, port: 9 }';
    await using agent = new RunningAgent({ lost }, { more });
    await agent.ticks(2);
    const found = await diagnosis('', { words: ['--socket', agent.socket] });
    expect(found('agent')).toEqual([
      finding('ok', /runs for/, `process ${agent.pid}`),
      finding('warning', /its latest problem: handler lost: .*ECONNREFUSED/),
    ]);
  });

  test.runIf(isRoot)('that runs as another user than the one who looks', async () => {
    await using agent = new RunningAgent({});
    await agent.ticks(2);
    const folder = newFolder();
    for (const path of [agent.socket, dirname(agent.socket)]) chmodSync(path, 0o777);
    const under = ['setpriv', '--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'];
    const found = await diagnosis('', { folder, under, words: ['--socket', agent.socket] });
    expect(found('user')).toEqual([finding('warning', /user 65534 sees.*as user 0$/)]);
  });

  test.runIf(isRoot)('that may not be asked', async () => {
    const folder = newFolder();
    const socket = join(folder, 's.sock');
    const server = createServer().listen(socket);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    chmodSync(socket, 0o660);
    const under = ['setpriv', '--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'];
    const found = await diagnosis('', { folder, under, words: ['--socket', socket] });
    expect(found('agent')).toEqual([finding('problem', /you may not ask it/, socket)]);
  });
});
