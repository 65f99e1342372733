import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import access from '../../parsers/access.ts';
import apacheError from '../../parsers/apache-error.ts';
import nginxError from '../../parsers/nginx-error.ts';
import postfix from '../../parsers/postfix.ts';
import postfixLogster from '../../parsers/postfix-logster.ts';
import sampleLogster from '../../parsers/sample-logster.ts';
import { awk, reported } from '../support/awk.ts';
import { parsing } from '../support/parsers.ts';
import { describeWithPeer } from '../support/peers.ts';
import { Postfix } from '../support/postfix.ts';
import {
  APACHE_FORMAT,
  APACHE_LINE,
  NGINX_FORMAT,
  NGINX_JSON,
  WebServer,
} from '../support/web-server.ts';

describeWithPeer(['nginx', 'ab'], 'real nginx under load', () => {
  test('its logs come to what awk counts', async () => {
    await using server = await WebServer.nginx();
    await server.load(2000);
    await server.stop();
    const [combined, timed, json, errors] = ['access', 'timed', 'json', 'error'].map((name) =>
      readFileSync(join(server.folder, `${name}.log`)),
    ) as [Buffer, Buffer, Buffer, Buffer];

    // Quotes are written as \x22, so that they tell the fields apart.
    const status = await awk(
      combined,
      `BEGIN{FS="\\""}{split($3,a," ");n[a[1]]++}END{for(s in n)print s,n[s]}`,
    );
    const sent = await awk(
      combined,
      `BEGIN{FS="\\""}{split($3,a," ");b+=a[2]}END{print "access.sent",b}`,
    );
    const methods = await awk(
      combined,
      `BEGIN{FS="\\""}{split($2,a," ");m=a[1]~/^[A-Z]+$/?a[1]:"none";n[m]++}END{for(m in n)print m,n[m]}`,
    );
    const of = reported(access, {}, combined);
    expect(of('access.status')).toEqual(status);
    expect(of('access.sent')).toEqual(sent);
    expect(of('access.methods')).toEqual(methods);
    expect(of('known')).toEqual({ known: 2014, lines: 2014 });

    const ofTimed = reported(access, { format: NGINX_FORMAT, topPaths: 50 }, timed);
    const paths = await awk(
      timed,
      `{p=$5;sub(/"$/,"",p);sub(/\\?.*/,"",p);n[p]++}END{for(p in n)print p,n[p]}`,
    );
    const time = await awk(timed, `{t+=$8;n++}END{printf "mean %.9f\\n",t/n}`);
    expect(ofTimed('access.status')).toEqual(status);
    expect(ofTimed('access.paths')).toEqual(paths);
    expect(ofTimed('access.time')['mean'] ?? 0).toBeCloseTo(time['mean'] ?? Number.NaN, 8);

    const ofJson = reported(access, { format: NGINX_JSON, topPaths: 50, percentiles: [] }, json);
    const field = (name: string, more = '') =>
      `{s=$0;sub(/.*"${name}":/,"",s);sub(/[,"].*/,"",s);${more}}`;
    for (const [name, metric] of [
      ['sent', 'access.sent'],
      ['received', 'access.received'],
    ] as const) {
      const sum = await awk(json, `${field(name, 't+=s')}END{print "${metric}",t}`);
      expect(ofJson(metric)).toEqual(sum);
    }
    expect(ofJson('access.status')).toEqual(status);
    expect(ofJson('access.vhosts')).toEqual({ 'www.example.net': 2014 });
    expect(ofJson('known')).toEqual({ known: 2014, lines: 2014 });
    // Of two servers the first did not answer: both are named, with what each took.
    const behind = await awk(
      json,
      `/"behind":[0-9]/{s=$0;sub(/.*"behind":/,"",s);n=split(s,a,/[ ,}]+/);m=0;for(i=1;i<=n;i++)m+=a[i];t+=m;c++}
       END{print "requests",c;printf "mean %.9f\\n",t/c}`,
    );
    expect(behind['requests']).toBe(2);
    expect(behind['mean']).toBeGreaterThan(0.01);
    expect(json.toString()).toMatch(/"behind":[\d.]+, [\d.]+ }/);
    expect(ofJson('access.upstream_time')['mean'] ?? 0).toBeCloseTo(
      behind['mean'] ?? Number.NaN,
      8,
    );

    const levels = await awk(errors, '{gsub(/[][]/,"",$3);n[$3]++}END{for(l in n)print l,n[l]}');
    expect(reported(nginxError, {}, errors)('nginx_error.lines')).toEqual(levels);
  });
});

describeWithPeer('apache', 'real Apache under load', () => {
  test('its logs come to what awk counts', async () => {
    await using server = await WebServer.apache();
    await server.load(2000);
    await server.stop();
    const [combined, timed, piped, errors] = ['access', 'timed', 'piped', 'error'].map((name) =>
      readFileSync(join(server.folder, `${name}.log`)),
    ) as [Buffer, Buffer, Buffer, Buffer];

    // Quotes within a field have a backslash before them: they go first.
    const plain = 'BEGIN{FS="\\""}{gsub(/\\\\./,"_");split($3,a," ")';
    const status = await awk(combined, `${plain};n[a[1]]++}END{for(s in n)print s,n[s]}`);
    const sent = await awk(combined, `${plain};b+=a[2]}END{print "access.sent",b}`);
    const of = reported(access, {}, combined);
    expect(of('access.status')).toEqual(status);
    expect(of('access.sent')).toEqual(sent);
    expect(of('known')).toEqual({ known: 2014, lines: 2014 });

    const ofTimed = reported(access, { format: APACHE_FORMAT }, timed);
    const most = await awk(timed, '{if($NF>m)m=$NF}END{printf "max %.6f\\n",m/1e6}');
    expect(ofTimed('access.status')).toEqual(status);
    expect(ofTimed('access.time')['max'] ?? 0).toBeCloseTo(most['max'] ?? Number.NaN, 9);

    const ofPiped = reported(access, { format: APACHE_LINE, percentiles: [] }, piped);
    const methods = await awk(
      piped,
      'BEGIN{FS="|"}{split($2,a," ");m=a[1]~/^[A-Z]+$/?a[1]:"none";n[m]++}END{for(m in n)print m,n[m]}',
    );
    const sums = await awk(
      piped,
      'BEGIN{FS="|"}{b+=$4;i+=$5;t+=$6}END{print "access.sent",b;print "access.received",i;printf "mean %.9f\\n",t/1e6/NR}',
    );
    expect(ofPiped('access.status')).toEqual(status);
    expect(ofPiped('access.methods')).toEqual(methods);
    for (const name of ['access.sent', 'access.received']) {
      expect(ofPiped(name)).toEqual({ [name]: sums[name] });
    }
    expect(ofPiped('access.time')['mean'] ?? 0).toBeCloseTo(sums['mean'] ?? Number.NaN, 8);

    const classes = await awk(
      combined,
      `${plain};if($2~/HTTP/)n["http_" substr(a[1],1,1) "xx"]++}END{for(s in n)print s,n[s]/10}`,
    );
    const logster = reported(sampleLogster, {}, combined);
    for (const [name, perSecond] of Object.entries(classes)) {
      // What is no request has no version behind it.
      const more = name === 'http_4xx' ? 0.1 : 0;
      expect(logster(name)[name]).toBeCloseTo(perSecond - more, 9);
    }

    const levels = await awk(
      errors,
      '{split($6,a,":");gsub(/[][]/,"",a[2]);n[a[2]]++}END{for(l in n)print l,n[l]}',
    );
    expect(reported(apacheError, {}, errors)('apache_error.lines')).toEqual(levels);
  });
});

describeWithPeer('postfix', 'a real Postfix', () => {
  test('its log comes to what awk counts', async () => {
    await using server = await Postfix.start();
    const from = 'MAIL FROM:<a@sender.example>';
    for (let i = 0; i < 10; i += 1) {
      await server.smtp([
        'EHLO client.example',
        from,
        'RCPT TO:<games@mail.example>',
        'RCPT TO:<nobody-there@mail.example>',
        'RCPT TO:<b@relay.example>',
        'RCPT TO:<nodomain>',
        'DATA',
        'Subject: x\r\n\r\nbody\r\n.',
        'QUIT',
      ]);
    }
    await server.smtp(['EHLO client.example', `${from} SIZE=99999999`]);
    for (const to of ['games', 'missing@mail.example', 'x@deferred.example']) {
      await server.sendmail(to);
    }
    await server.logged(/status=sent/, 12);
    await server.logged(/status=deferred/, 1);
    await server.logged(/removed/, 13);
    const log = Buffer.from(server.log, 'latin1');

    const of = reported(postfix, {}, log);
    const statuses = await awk(
      log,
      '/ status=/{s=$0;sub(/.* status=/,"",s);sub(/ .*/,"",s);n[s]++}END{for(s in n)print s,n[s]}',
    );
    expect(of('postfix.deliveries')).toEqual(statuses);
    expect(statuses).toMatchObject({ sent: 12, bounced: 1, deferred: 1 });
    const counts = await awk(
      log,
      `/: removed$/{r++}/queue active/{q++;s=$0;sub(/.*size=/,"",s);b+=s+0}/: connect from/{c++}/lost connection/{l++}
         END{print "postfix.removed",r;print "postfix.queued",q;print "postfix.queued.bytes",b;print "postfix.connections",c;print "postfix.connections.lost",l}`,
    );
    for (const [name, n] of Object.entries(counts)) expect(of(name)).toEqual({ [name]: n });
    // What one word of a line holds, such as relay=…, counted.
    const words = (line: string, cut: string) =>
      awk(log, `${line}{s=$0;${cut};n[s]++}END{for(w in n)print w,n[w]}`);
    expect(of('postfix.relays')).toEqual(
      await words('/ status=/', 'sub(/.* relay=/,"",s);sub(/[[,].*/,"",s)'),
    );
    expect(of('postfix.agents')).toEqual(
      await words('/ status=/', 'sub(/.*postfix\\//,"",s);sub(/\\[.*/,"",s)'),
    );
    for (const [status, metric] of [
      ['bounced', 'postfix.bounces'],
      ['deferred', 'postfix.deferrals'],
    ] as const) {
      const cut = 'sub(/.* dsn=/,"",s);sub(/,.*/,"",s)';
      expect(of(metric)).toEqual(await words(`/ status=${status} /`, cut));
    }
    expect(of('postfix.received')).toEqual(
      await words('/: client=|: uid=/', 'sub(/.*postfix\\//,"",s);sub(/\\[.*/,"",s)'),
    );
    const recipients = await awk(
      log,
      '/queue active/{s=$0;sub(/.*nrcpt=/,"",s);t+=s+0}END{print "postfix.queued.recipients",t}',
    );
    expect(of('postfix.queued.recipients')).toEqual(recipients);

    const mean = await awk(
      log,
      '/ delays=/{s=$0;sub(/.* delay=/,"",s);t+=s+0;n++}END{printf "mean %.9f\\n",t/n}',
    );
    expect(of('postfix.delay')['mean'] ?? 0).toBeCloseTo(mean['mean'] ?? Number.NaN, 8);
    const { observations } = parsing(postfix)(log);
    const stages = await awk(
      log,
      `/ delays=/{s=$0;sub(/.* delays=/,"",s);sub(/,.*/,"",s);split(s,a,"/");for(i=1;i<5;i++)t[i]+=a[i];n++}
         END{split("before_queue queue connection transmission",w," ");for(i=1;i<5;i++)printf "%s %.9f\\n",w[i],t[i]/n}`,
    );
    for (const [stage, seconds] of Object.entries(stages)) {
      const found = observations.find(
        ({ labels }) => labels['stage'] === stage && labels['statistic'] === 'mean',
      );
      expect(found?.value).toBeCloseTo(seconds, 8);
    }
    const rejects = Object.fromEntries(
      observations
        .filter(({ metric }) => metric.name === 'postfix.rejects')
        .map(({ labels, value }) => [`${labels['stage']},${labels['reason']}`, value]),
    );
    expect(rejects).toEqual(
      await awk(log, '/ reject: /{n[$8 "," $12]++}END{for(r in n)print r,n[r]}'),
    );

    const logster = reported(postfixLogster, {}, log);
    expect(logster('numSent')).toEqual({ numSent: statuses['sent'] });
    expect(logster('numBounced')).toEqual({ numBounced: statuses['bounced'] });
    expect(logster('numDeferred')).toEqual({ numDeferred: statuses['deferred'] });
  });
});
