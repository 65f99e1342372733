import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import access from '../../parsers/access.ts';
import haproxy from '../../parsers/haproxy.ts';
import squid from '../../parsers/squid.ts';
import squidLogster from '../../parsers/squid-logster.ts';
import syslog from '../../parsers/syslog.ts';
import { choose } from '../../src/parsers/index.ts';
import { FACILITIES, SEVERITIES } from '../../src/wire/syslog.ts';
import { awk, reported } from '../support/awk.ts';
import { containerLog } from '../support/conmon.ts';
import { Haproxy } from '../support/haproxy.ts';
import { handing, linesOf, parsing, said } from '../support/parsers.ts';
import { describeWithPeer } from '../support/peers.ts';
import { Rsyslog } from '../support/rsyslog.ts';
import { Squid } from '../support/squid.ts';
import { Certificates } from '../support/tls.ts';

describeWithPeer(['haproxy', 'ab'], 'a real HAProxy under load', () => {
  test('its log comes to what awk counts', async () => {
    await using server = await Haproxy.start();
    await server.load(server.http, '/', 400);
    await server.load(server.http, '/missing', 100);
    await server.load(server.tcp, '/', 100);
    for (const path of ['/slow', '/deny', '/dead/x', '/dead/y']) {
      await server.say(server.http, `GET ${path} HTTP/1.0\r\n\r\n`);
    }
    await server.say(server.http, 'no HTTP at all\r\n\r\n');
    await server.stop();
    const log = Buffer.from(server.log, 'latin1');

    // Behind syslog's head; a line of HTTP has five timers, one of TCP three.
    const lines = (body: string, end: string) =>
      awk(
        log,
        `/haproxy\\[[0-9]+\\]: 127/{sub(/.*haproxy\\[[0-9]+\\]: /,"");n=split($5,t,"/");http=n==5;${body}}END{${end}}`,
      );
    const counted = (key: string) => lines(`k=${key};if(k!="")c[k]++`, 'for(k in c)print k,c[k]');
    const of = reported(haproxy, { percentiles: [] }, log);
    expect(of('haproxy.frontends')).toEqual(await counted('$3'));
    expect(of('haproxy.servers')).toEqual(await counted('$4'));
    expect(of('haproxy.backends')).toEqual(await counted('substr($4,1,index($4,"/")-1)'));
    expect(of('haproxy.states')).toEqual(await counted('http?$10:$7'));
    expect(of('haproxy.responses')).toEqual(await counted('http?substr($6,1,1) "xx":""'));
    const sums = await lines(
      's+=http?$7:$6;all++',
      'print "haproxy.sent",s;print "haproxy.sessions",all',
    );
    for (const [name, sum] of Object.entries(sums)) expect(of(name)).toEqual({ [name]: sum });
    expect(sums['haproxy.sessions']).toBeGreaterThanOrEqual(606);

    const means = await lines(
      'split(http?"request queue connect response total":"queue connect total",w," ");for(i=1;i<=n;i++)if(t[i]>=0){m[w[i]]+=t[i];c[w[i]]++}',
      'for(k in m)printf "%s %.9f\\n",k,m[k]/c[k]/1000',
    );
    const { observations } = parsing(haproxy, { percentiles: [] })(log);
    for (const [stage, seconds] of Object.entries(means)) {
      const found = observations.find(
        ({ labels }) => labels['stage'] === stage && labels['statistic'] === 'mean',
      );
      expect(found?.value).toBeCloseTo(seconds, 8);
    }
    expect(Object.keys(means).length).toBe(5);
  });
});

describeWithPeer(['squid', 'ab'], 'a real squid under load', () => {
  test('its log comes to what awk counts', async () => {
    await using server = await Squid.start();
    await server.load('/', 200);
    await server.load('/cached', 100);
    await server.load('/missing', 50);
    await server.load('/deny', 20);
    await server.say('GET http://127.0.0.1:9/ HTTP/1.0\r\n\r\n');
    await server.say('no HTTP at all\r\n\r\n');
    await server.stop();
    const log = Buffer.from(server.log, 'latin1');

    const counted = (key: string) =>
      awk(log, `{split($4,r,"/");split($9,h,"/");c[${key}]++}END{for(k in c)print k,c[k]}`);
    const of = reported(squid, { percentiles: [] }, log);
    const results = await counted('r[1]');
    expect(of('squid.results')).toEqual(results);
    expect(of('squid.methods')).toEqual(await counted('$6'));
    expect(of('squid.hierarchy')).toEqual(await counted('h[1]'));
    expect(of('squid.responses')).toEqual(await counted('r[2]>99?substr(r[2],1,1) "xx":"none"'));
    const sums = await awk(
      log,
      '$4~/HIT/{h++}{s+=$5;t+=$2}END{print "squid.requests",NR;print "squid.sent",s;print "squid.hits",h;printf "mean %.9f\\n",t/NR/1000}',
    );
    for (const name of ['squid.requests', 'squid.sent', 'squid.hits']) {
      expect(of(name)).toEqual({ [name]: sums[name] });
    }
    expect(of('squid.time')['mean'] ?? 0).toBeCloseTo(sums['mean'] ?? Number.NaN, 8);
    expect(results).toMatchObject({ TCP_MEM_HIT: expect.anything(), TCP_DENIED: 20 });

    const logster = reported(squidLogster, {}, log);
    for (const name of ['TCP_MISS', 'TCP_DENIED', 'TCP_MEM_HIT']) {
      expect(logster(`squid_${name}`)[`squid_${name}`]).toBe((results[name] ?? 0) / 10);
    }
    expect(logster('size')['size']).toBe((sums['squid.sent'] ?? 0) / 10);
  });
});

describeWithPeer('conmon', 'what a container’s runtime writes down', () => {
  test('comes to what the container wrote, long lines put together', async () => {
    const path = (size: number) => `/${'long/'.repeat(size)}`;
    const plain = Array.from({ length: 500 }, (_, i) => {
      // conmon cuts lines at 8 KiB.
      const long = i % 50 === 0 ? path(2000 + i) : path(i % 7);
      return `192.0.2.${i % 250} - - [21/Nov/2026:08:38:12 +0000] "GET ${long} HTTP/1.1" ${i % 3 === 0 ? 404 : 200} ${i}`;
    });
    const log = await containerLog(
      `echo a word on stderr >&2\ncat <<'END'\n${plain.join('\n')}\nEND\necho and another >&2\n`,
    );
    expect(log.toString()).toContain(' stdout P ');
    const around = choose(access, { format: 'common', wrapper: 'auto' });
    if ('issues' in around) throw new Error(JSON.stringify(around.issues));
    const open = around.parser.open(around.options);
    const lines = linesOf(log);
    const line = handing();
    for (const bytes of lines) open.parse(line(bytes));
    const wrapped = { observations: [...open.report(10)], known: 0, lines: 0 };
    const bare = parsing(access, { format: 'common' })(plain.join('\n'), 10);
    expect(said(wrapped)).toEqual(said(bare));
    expect(bare.known).toBe(500);
    const times = lines.map((bytes) => open.timeOf?.(line(bytes)) ?? 0);
    for (const time of times) expect(Math.abs(Date.now() / 1000 - time)).toBeLessThan(60);
  });
});

describeWithPeer('rsyslog', 'a real rsyslog', () => {
  test('its files come to what was said, in each of its forms', async () => {
    using certificates = new Certificates();
    const pair = certificates.ours.issue('localhost', { names: 'DNS:localhost' });
    await using server = await Rsyslog.start({ ...pair, ca: certificates.ours.cert });
    const programs = ['cron', 'sshd', 'my-app', 'kernel'];
    const hosts = ['web01', 'web02.example.net', '192.0.2.7'];
    const sent = Array.from({ length: 300 }, (_, i) => ({
      priority: (i * 7) % 192,
      program: programs[i % 4] ?? '',
      host: hosts[i % 3] ?? '',
    }));
    const socket = connect(server.port, '127.0.0.1');
    for (const { priority, program, host } of sent) {
      socket.write(`<${priority}>Nov 21 08:38:12 ${host} ${program}[7]: a: "word" [x] 1\n`);
    }
    socket.end();
    await once(socket, 'close');
    // The last that it writes.
    const written = () => linesOf(server.file('SyslogProtocol23Format')).length;
    for (let i = 0; i < 400 && written() < sent.length; i += 1) await sleep(25);

    const counted = <T>(key: (one: (typeof sent)[number]) => T) => {
      const counts: Record<string, number> = {};
      for (const one of sent) counts[`${key(one)}`] = (counts[`${key(one)}`] ?? 0) + 1;
      return counts;
    };
    for (const form of ['TraditionalFileFormat', 'FileFormat', 'SyslogProtocol23Format'] as const) {
      const of = reported(syslog, { hosts: 10 }, server.file(form));
      expect(of('known')).toEqual({ known: 300, lines: 300 });
      expect(of('syslog.programs')).toEqual(counted(({ program }) => program));
      expect(of('syslog.hosts')).toEqual(counted(({ host }) => host));
      // Only this form says them.
      if (form !== 'SyslogProtocol23Format') continue;
      expect(of('syslog.severities')).toEqual(counted(({ priority }) => SEVERITIES[priority % 8]));
      expect(of('syslog.facilities')).toEqual(counted(({ priority }) => FACILITIES[priority >> 3]));
    }
  });
});
