import { describe, expect, it } from 'vitest';
import postfix, { rejection } from '../../parsers/postfix.ts';
import { describeParser, parsing, said } from '../support/parsers.ts';

describeParser(postfix);

const HEAD = 'Nov 21 08:38:12 mx postfix';

/** What is said of some lines, without the series that are zero. */
const of = (...lines: readonly string[]) =>
  said(parsing(postfix, { percentiles: [] })(lines.join('\n'))).filter(
    (text) => !/} 0 /.test(text),
  );

describe('a rejection', () => {
  it.each([
    ['RCPT from h[::1]: 550 5.1.1 <a>: Recipient address rejected', 'RCPT 5.1.1'],
    ['CONNECT from h[192.0.2.1]: 554 Access denied', 'CONNECT 554'],
    ['END-OF-MESSAGE from h[192.0.2.1]: 5.7.1 Spam', 'END-OF-MESSAGE 5.7.1'],
    ['RCPT from [192.0.2.9]:41224: 550 5.7.1 Service unavailable', 'RCPT 5.7.1'],
    ['CONNECT from [2001:db8::1]:41224: all server ports busy', 'CONNECT other'],
    ['header Subject: x from h[192.0.2.1]; from=<a>: no', 'header other'],
    [
      'header Subject: x from h[192.0.2.1]; from=<a> to=<b> proto=ESMTP helo=<c>: 5.7.1 message content rejected',
      'header 5.7.1',
    ],
    ['', 'other other'],
  ])('is told by stage and status: %s', (text, key) => expect(rejection(text)).toBe(key));
});

describe('a delivery', () => {
  it('has its stages, its relay without port, and its reason', () => {
    const line = `${HEAD}/smtp[7]: Q12345: to=<a@b>, relay=mx.b[192.0.2.1]:25, delay=1.5, delays=0.25/0.5/0.5/0.25, dsn=4.7.1, status=deferred (host said: status=sent, relay=x)`;
    expect(of(line)).toEqual([
      'postfix.deliveries{status="deferred"} 1 count delta',
      'postfix.agents{agent="smtp"} 1 count delta',
      'postfix.relays{relay="mx.b"} 1 count delta',
      'postfix.deferrals{reason="4.7.1"} 1 count delta',
      ...['mean', 'min', 'max'].map(
        (word) => `postfix.delay{statistic="${word}"} 1.5 seconds gauge`,
      ),
      ...Object.entries({
        before_queue: 0.25,
        queue: 0.5,
        connection: 0.5,
        transmission: 0.25,
      }).flatMap(([stage, seconds]) =>
        ['mean', 'min', 'max'].map(
          (word) => `postfix.delays{stage="${stage}",statistic="${word}"} ${seconds} seconds gauge`,
        ),
      ),
    ]);
  });
});

describe('a recipient that the queue manager does not hand to an agent', () => {
  it('is deferred like any other', () => {
    const line = `${HEAD}/qmgr[7]: Q12345: to=<a@b>, relay=none, delay=9, delays=9/0/0/0, dsn=4.3.0, status=deferred (mail transport unavailable)`;
    expect(of(line).slice(0, 4)).toEqual([
      'postfix.deliveries{status="deferred"} 1 count delta',
      'postfix.agents{agent="qmgr"} 1 count delta',
      'postfix.relays{relay="none"} 1 count delta',
      'postfix.deferrals{reason="4.3.0"} 1 count delta',
    ]);
  });
});

describe('what is too long', () => {
  it('is no name of a message: the longest has 22 letters', () => {
    const taken = (letters: number) =>
      of(`${HEAD}/smtpd[7]: ${'A'.repeat(letters)}: client=h.example[192.0.2.9]`);
    expect(taken(22)).toEqual(['postfix.received{by="smtpd"} 1 count delta']);
    expect(taken(23)).toEqual([]);
  });

  it('is no reason: of 800 bytes what stands behind them is not looked for', () => {
    const said = (bytes: number) => {
      const subject = `header Subject: `.padEnd(bytes - ' helo=<c>: 5.7.1'.length, 'x');
      return of(`${HEAD}/cleanup[7]: Q12345: reject: ${subject} helo=<c>: 5.7.1 no`);
    };
    expect(said(800)).toEqual(['postfix.rejects{stage="header",reason="5.7.1"} 1 count delta']);
    expect(said(801)).toEqual(['postfix.rejects{stage="header",reason="other"} 1 count delta']);
  });
});

describe('a line', () => {
  it('is Postfix’s whatever its instance and its service are called', () => {
    expect(of(`Nov 21 08:38:12 mx postfix-out/submission/smtpd[7]: connect from h[::1]`)).toEqual([
      'postfix.connections{} 1 count delta',
    ]);
  });

  it('of another program is not known', () => {
    expect(parsing(postfix)('Nov 21 08:38:12 mx dovecot[7]: connect from h').known).toBe(0);
    expect(parsing(postfix)('connect from h').known).toBe(0);
  });

  it('is what postscreen found, and whom it let not in', () => {
    const client = '[192.0.2.9]:41224';
    const lines = [
      `CONNECT from ${client} to [192.0.2.1]:25`,
      `PREGREET 14 after 0.05 from ${client}: EHLO spam.me\\r\\n`,
      `DNSBL rank 3 for ${client}`,
      `NOQUEUE: reject: RCPT from ${client}: 550 5.7.1 Service unavailable; client`,
      `HANGUP after 0.3 from ${client} in tests after SMTP handshake`,
      `DISCONNECT ${client}`,
      `PASS NEW [192.0.2.10]:41225`,
    ];
    expect(of(...lines.map((text) => `${HEAD}/postscreen[7]: ${text}`))).toEqual([
      'postfix.screened{verdict="PREGREET"} 1 count delta',
      'postfix.screened{verdict="DNSBL"} 1 count delta',
      'postfix.screened{verdict="HANGUP"} 1 count delta',
      'postfix.screened{verdict="PASS"} 1 count delta',
      'postfix.rejects{stage="RCPT",reason="5.7.1"} 1 count delta',
    ]);
  });

  it('is of a message that was given back, whoever gave it up', () => {
    const line = (status: string) =>
      `${HEAD}/qmgr[7]: Q12345: from=<a@b>, status=${status}, returned to sender`;
    expect(of(line('expired'), line('force-expired'))).toEqual(['postfix.expired{} 2 count delta']);
  });

  it('may complain, whoever says it', () => {
    expect(
      of(
        `${HEAD}/smtpd[7]: warning: h[::1]: SASL PLAIN authentication failed: x`,
        `${HEAD}/master[1]: fatal: no`,
      ),
    ).toEqual([
      'postfix.problems{severity="warning"} 1 count delta',
      'postfix.problems{severity="fatal"} 1 count delta',
      'postfix.sasl_failures{} 1 count delta',
    ]);
  });
});
