import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { Hosts } from '../faults/hosts.ts';
import { Carbon } from '../support/carbon.ts';
import { CulledLog } from '../support/cull.ts';
import { Gmond } from '../support/gmond.ts';
import { describeWithPeer } from '../support/peers.ts';
import { PROGRAM } from '../support/program.ts';
import { Consumer, RabbitMq } from '../support/rabbitmq.ts';
import { Statsd } from '../support/statsd.ts';

const run = promisify(execFile);
const root = process.getuid?.() === 0;

describe.runIf(root)('a line of a crontab, in which only the first word has changed', () => {
  test('-p servers.myhost.postfix --output=statsd --statsd-host=statsd:… PostfixLogster /var/log/mail.log', async () => {
    await using statsd = await Statsd.start();
    using it = new CulledLog();
    using hosts = new Hosts('127.0.0.1 localhost statsd\n');
    // Its own /var/log and /var/lib, and a name server of its own.
    const within = [...hosts.command, 'sh', '-c'];
    mkdirSync(join(it.folder, 'lib'));
    const line =
      `mount --bind ${it.folder} /var/log && mount --bind ${it.folder}/lib /var/lib && ` +
      `exec ${process.execPath} ${PROGRAM} cull -p servers.myhost.postfix --output=statsd ` +
      `--statsd-host=statsd:${statsd.port} PostfixLogster /var/log/mail.log`;
    const [program = '', ...words] = [...within, line];

    it.append(100);
    const first = await run(program, words);
    expect(first.stderr).toMatch(/^\/var\/log\/mail\.log: first run: .*\n$/);
    it.append(40);
    const second = await run(program, words);
    expect(second).toEqual({ stdout: '', stderr: '' });
    await vi.waitFor(
      () => expect(statsd.flushes.at(-1)?.gauges.get('servers.myhost.postfix.avgDelay')).toBe(0.5),
      5000,
    );
    const gauges = statsd.flushes.at(-1)?.gauges;
    const of = (name: string) => gauges?.get(`servers.myhost.postfix.${name}`);
    expect([of('numSent'), of('numDeferred'), of('numBounced')]).toEqual([20, 10, 10]);
    expect([of('pctSent'), of('pctDeferred'), of('pctBounced')]).toEqual([50, 25, 25]);
    expect(of('mailTxnsSec')).toBeGreaterThan(0);
    expect(of('mailSentSec')).toBeCloseTo((of('mailTxnsSec') ?? 0) / 2);
  });
});

describeWithPeer('carbon-cache', 'a real Carbon', () => {
  test.each(['tcp', 'udp'])('gets what a run found, over %s', async (protocol) => {
    await using carbon = await Carbon.start();
    using it = new CulledLog();
    const to = ['-o', 'graphite', `--graphite-host=127.0.0.1:${carbon.port}`];
    const line = [...to, `--graphite-protocol=${protocol}`, '-p', 'servers.myhost', '-x', 'mail'];
    await it.cull(...line, 'PostfixLogster', it.log);
    it.append(40);
    expect(await it.cull(...line, 'PostfixLogster', it.log)).toEqual({
      ...{ code: 0, stdout: '', stderr: '' },
    });
    await vi.waitFor(() => {
      const sent = [...carbon.read('servers.myhost.numSent.mail').values()];
      expect(sent).toEqual([20]);
    }, 5000);
    expect([...carbon.read('servers.myhost.avgDelay.mail').values()]).toEqual([0.5]);
  });

  test('gets a past that nobody counted, at the times of its lines', async () => {
    await using carbon = await Carbon.start();
    using it = new CulledLog('access.log');
    const minute = Math.floor(Date.now() / 60_000) * 60 - 300;
    const at = (seconds: number) =>
      new Date(seconds * 1000)
        .toUTCString()
        .replace(/^\w+, (\d+) (\w+) (\d+) (\S+) GMT$/, '$1/$2/$3:$4 +0000');
    const request = (seconds: number) =>
      `192.0.2.7 - - [${at(seconds)}] "GET / HTTP/1.1" 200 512\n`;
    // Two in one minute, none in the next, one in the third; and one of long ago.
    const times = [minute - 90_000, minute, minute + 59, minute + 120];
    writeFileSync(it.log, times.map(request).join(''));
    const to = ['-o', 'graphite', `--graphite-host=127.0.0.1:${carbon.port}`, '-p', 'web'];
    const { code } = await it.cull(...to, '--since', '2h', 'SampleLogster', it.log);
    expect(code).toBe(0);
    await vi.waitFor(() => {
      expect([...carbon.read('web.http_2xx')]).toEqual([
        [minute + 60, 2 / 60],
        [minute + 180, 1 / 60],
      ]);
    }, 5000);
  });
});

describeWithPeer('gmond', 'a real gmond', () => {
  test('shows what a run found, under the names that gmetric had', async () => {
    await using gmond = await Gmond.start();
    using it = new CulledLog();
    const conf = it.file(
      'gmond.conf',
      `# no channel\nudp_send_channel {\n  host = 127.0.0.1\n  port = ${gmond.port}\n}\n`,
    );
    const options = ['-o', 'ganglia', `--gmetric-options=-d 180 -c ${conf}`, '-p', 'postfix'];
    await it.cull(...options, 'PostfixLogster', it.log);
    it.append(40);
    const { code, stderr } = await it.cull(...options, 'PostfixLogster', it.log);
    expect([code, stderr]).toEqual([0, '']);
    await vi.waitFor(async () => {
      expect(await gmond.xml()).toMatch(/<METRIC NAME="postfix_numSent" VAL="20" .* DMAX="180"/);
    }, 5000);
  });
});

describeWithPeer('rabbitmq', 'a real RabbitMQ, as a configuration has it', () => {
  test('gets what a run found: under logster’s names, or under those of the configuration', async () => {
    await using broker = await RabbitMq.start({
      logins: [{ name: 'agent', password: 'Hahb5zoo' }],
    });
    using it = new CulledLog();
    const options = `type: amqp, host: 127.0.0.1, port: ${broker.port}, username: agent, password: Hahb5zoo`;
    const exchange = 'exchange: { name: logs }';
    const config = it.file(
      'cullinan.yaml',
      `hostname: { name: web01 }\nhandlers:\n  central: { ${options}, ${exchange}, prefix: fleet }\n`,
    );
    const line = (...to: readonly string[]) => [
      ...['--config', config, ...to, 'PostfixLogster', it.log],
    ];
    await it.cull(...line('--to', 'central'));
    it.append(4);
    // The exchange is there once something was sent to it.
    expect(await it.cull(...line('--to', 'central'))).toMatchObject({ code: 0, stderr: '' });
    await using consumer = await Consumer.on(broker, '', {
      ...{ exchange: 'logs', options: { exclusive: true } },
    });
    it.append(8);
    expect(await it.cull(...line('--to', 'central'))).toMatchObject({ code: 0, stderr: '' });
    it.append(40);
    const old = await it.cull(...line('-o', 'central', '-p', 'mail'));
    expect(old).toMatchObject({ code: 0, stderr: '' });
    await vi.waitFor(() => {
      const said = consumer.texts.join('');
      expect(said).toMatch(/^fleet\.web01\.numSent 4(\.0+)? \d{10}$/m);
      expect(said).toMatch(/^mail\.numSent 20(\.0+)? \d{10}$/m);
    }, 5000);
  });
});

describe('standard output', () => {
  test('has a time, a name and a value a line, as logster prints them', async () => {
    using it = new CulledLog();
    const line = ['-o', 'stdout', '-p', 'mail', 'PostfixLogster', it.log];
    await it.cull(...line);
    it.append(8);
    const { stdout, stderr } = await it.cull(...line);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^(\d{10} mail_\w+ [\d.]+\n){9}$/);
    expect(stdout).toMatch(/ mail_numSent 4\n/);
    it.append(4);
    expect((await it.cull('--stdout-separator=.', ...line)).stdout).toMatch(/ mail\.numSent 2\n/);
  });

  test('takes all of logster’s flags, and says which it does not need to whoever asks', async () => {
    using it = new CulledLog();
    it.append(8);
    const flags = ['-t', 'pygtail', '--locker', 'portalocker', '--logtail', '/usr/sbin/logtail2'];
    const more = ['-l', it.folder, '--log-conf', '/etc/logster.ini', '-D', '-d', '--from-start'];
    const { code, stdout, stderr } = await it.cull(...flags, ...more, 'PostfixLogster', it.log);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^numSent 4 \d{10}\n/m);
    expect(stderr.match(/--[\w-]+ is not needed/g)).toHaveLength(5);
  });

  test('long flags may be abbreviated, as they might be for logster', async () => {
    using it = new CulledLog();
    it.append(8);
    const flags = ['--metric-p=a', '--metric-s', '--metric-p', '--dry', '--from', '--stdout-s=.'];
    const said = await it.cull(...flags, '--outp', 'stdout', 'PostfixLogster', it.log);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    // What stands behind a flag that takes a value is the value, whatever it looks like.
    expect(said.stdout).toMatch(/^a\.numSent\.--metric-p 4 \d{10}\n/m);
    const either = await it.cull('--graphite=carbon:2003', 'PostfixLogster', it.log);
    expect(either.code).toBe(64);
    expect(either.stderr).toBe(
      'cullinan: --graphite may be --graphite-host and --graphite-protocol: write more of it\n',
    );
    const none = await it.cull('--grafite-host=carbon:2003', 'PostfixLogster', it.log);
    expect(none.code).toBe(64);
    expect(none.stderr).toContain("unknown option '--grafite-host=carbon:2003'");
  });

  test.each([
    [['-o', 'graphite'], '--output graphite needs --graphite-host host:port'],
    [['-o', 'graphite', '--graphite-host=carbon'], '--graphite-host is "carbon"; it must be host:'],
    [['-o', 'graphite', '--graphite-host=carbon:99999'], 'its port must be from 1 to 65535'],
    [['-o', 'statsd', '--statsd-host=statsd:0'], 'its port must be from 1 to 65535'],
    [
      ['-o', 'graphite', '--graphite-host=c:1', '--graphite-protocol=sctp'],
      '--graphite-protocol is "sctp"; it must be tcp or udp',
    ],
    [['-o', 'http'], '--output http: it needs the option "url"'],
    [
      ['-o', 'prometheus'],
      'the handler prometheus cannot be sent to by one run: its page ends with',
    ],
    [['-o', 'live'], 'the handler live cannot be sent to by one run: it draws what an agent'],
  ])('what is wrong on the command line is wrong usage: %s', async (words, said) => {
    using it = new CulledLog();
    const { code, stdout, stderr } = await it.cull(...words, 'PostfixLogster', it.log);
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toContain(said);
  });

  test('several logs have names of their own, also where they are called alike', async () => {
    using it = new CulledLog();
    it.append(8);
    const copies = ['a/log/mail.log', 'b/log/mail.log', 'b/log/other.log'].map((name) => {
      mkdirSync(join(it.folder, dirname(name)), { recursive: true });
      return it.file(name, readFileSync(it.log));
    });
    const line = ['-d', '--from-start', '-p', 'x', '-o', 'graphite', '--graphite-host=carbon:2003'];
    const sent = async (...logs: readonly string[]) => {
      const { stdout } = await it.cull(...line, 'PostfixLogster', ...logs);
      return [...stdout.matchAll(/^(\S+numSent) /gm)].map(([, name]) => name);
    };
    expect(await sent(copies[0] ?? '')).toEqual(['x.numSent']);
    expect(await sent(...copies.slice(1))).toEqual(['x.mail.numSent', 'x.other.numSent']);
    expect(await sent(...copies)).toEqual(
      ['a_log_mail', 'b_log_mail', 'b_log_other'].map((name) => `x.${name}.numSent`),
    );
  });

  test('several logs are told apart under the names of a configuration, too', async () => {
    using it = new CulledLog();
    it.append(8);
    const other = it.file('other.log', readFileSync(it.log));
    const sink = join(it.folder, 'points');
    const config = it.file(
      'cullinan.yaml',
      `hostname: { name: web01 }\nhandlers:\n  kept: { type: file, path: ${sink} }\n`,
    );
    const line = ['--from-start', '--config', config, '--to', 'kept', 'PostfixLogster'];
    expect(await it.cull(...line, it.log, other)).toMatchObject({ code: 0, stderr: '' });
    const names = readFileSync(sink, 'utf8').matchAll(/(\S+\.numSent\S*) 4/g);
    expect([...names].map(([, name]) => name)).toEqual([
      'servers.web01.numSent.mail',
      'servers.web01.numSent.other',
    ]);
  });

  test('the configuration of a handler may have plugins of one’s own', async () => {
    using it = new CulledLog();
    it.append(8);
    it.file(
      'dial.mjs',
      `import { count, defineCollector, gauge, z } from 'cullinan/plugin';
      const metrics = { turns: gauge('dial.turns', { unit: 'count', help: 'x' }) };
      export default defineCollector({ name: 'dial', summary: 'x', source: 'x', options: z.strictObject({}),
        metrics, *collect() { yield metrics.turns.observe(count(1)); } });\n`,
    );
    const sink = join(it.folder, 'points');
    const config = it.file(
      'cullinan.yaml',
      `hostname: { name: web01 }\nplugins: { folders: [${it.folder}] }\ncollectors: { dial: {} }\n` +
        `handlers:\n  kept: { type: file, path: ${sink} }\n`,
    );
    const line = ['--from-start', '--config', config, '--to', 'kept', 'PostfixLogster', it.log];
    expect(await it.cull(...line)).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(sink, 'utf8')).toMatch(/^servers\.web01\.numSent 4 /m);
  });

  test('a parser is found by the class that it was in logster', async () => {
    using it = new CulledLog();
    it.append(8);
    const name = 'logster.parsers.PostfixLogster.PostfixLogster';
    const { stdout } = await it.cull('-d', '--from-start', name, it.log);
    expect(stdout).toMatch(/^numSent 4 \d{10}\n/m);
  });
});
