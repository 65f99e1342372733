import fc from 'fast-check';
import { expect, it } from 'vitest';
import postfix from '../../parsers/postfix.ts';
import { pieceOf } from '../../src/plugin/index.ts';
import { PostfixModel } from '../support/postfix-model.ts';
import { rarely } from '../support/rarely.ts';

const pick = <T>(...from: readonly T[]) => fc.constantFrom(...from);
const joined = (...parts: readonly fc.Arbitrary<string>[]) =>
  fc.tuple(...parts).map((all) => all.join(''));
const as = (text: string) => fc.constant(text);

const number = fc.oneof(
  pick('0', '0.01', '0.5', '1.2', '13', '350', '432000', '.5', '5.', '.', '', '-1'),
  fc.nat(2000).map((hundredths) => `${hundredths / 100}`),
  as('1234567890123456'),
);
const address = pick('<a@b.example>', '<>', '<"a>b, relay=c"@d.example>', '<longer@mail.example');
const relay = pick(
  ...['mx.b.example[192.0.2.1]:25', 'local', 'none', 'mx.b.example[2001:db8::1]:25', ''],
  ...['/var/run/lmtp[private/lmtp]', '127.0.0.1[127.0.0.1]:10024', 'x'.repeat(130)],
);
const status = pick('sent', 'deferred', 'bounced', 'undeliverable', 'deferredx', '');
const delivery = joined(
  ...[as('to='), address, pick('', ', orig_to=<c>', ', orig_to=<d>,  '), as(', relay='), relay],
  ...[pick('', ', conn_use=2'), as(', delay='), number, pick('', ', x=y'), as(', delays='), number],
  ...[as('/'), number, as('/'), number, as('/'), number, pick('', ', tls=secured'), as(', dsn=')],
  ...[
    pick('2.0.0', '4.7.1', '5.1.1', ''),
    as(', status='),
    status,
    pick(' (250 ok)', ' (x, y', ''),
  ],
);
const queued = joined(
  ...[as('from='), address, pick('', ', status=expired, returned to sender'), as(', size=')],
  ...[pick('318', '0', '99999', '', '1.5', '-1'), as(', nrcpt='), pick('1', '50', '', 'x', '2.')],
  pick(' (queue active)', ''),
);
const client = 'h.example[192.0.2.9]';
const said = pick(
  ...['removed', `connect from ${client}`, `disconnect from ${client}`, `client=${client}, sasl=a`],
  ...[`lost connection after RCPT from ${client}`, `timeout after DATA from ${client}`],
  ...['message-id=<a@b>', `message-id=<to=<a@b>, relay=c>`, 'uid=0 from=<a>', 'from=<a@b>'],
  ...[
    'warning: x',
    `warning: ${client}: SASL PLAIN authentication failed: y`,
    'fatal: z',
    'panic:',
  ],
  ...[
    `reject: RCPT from ${client}: 550 5.1.1 <a>: no`,
    `milter-reject: END from ${client}: 5.7.1 no`,
  ],
  ...[`PREGREET 14 after 0.05 from [192.0.2.9]:4: x`, 'PASS NEW [192.0.2.10]:4', 'CONNECT from x'],
  ...['statistics: max connection rate 1/60s', 'to=<a@b>', '', 'hold: header X: from y'],
);
const time = pick('Nov 21 08:38:12', 'Nov  1 23:59:59', '2026-11-21T08:38:12.123456+00:00');
const agents = pick(
  ...['smtp', 'qmgr', 'smtpd', 'cleanup', 'local', 'pickup', 'postscreen', 'bounce', 'lmtp'],
  ...['submission/smtpd', 'oqmgr', 'master', 'trivial-rewrite'],
);
const head = joined(
  ...[time, as(' '), pick('mx1', 'mx1', 'mail.example', ''), as(' ')],
  ...[pick('postfix/', 'postfix/', 'postfix-out/', 'p/', 'dovecot'), agents],
  ...[pick('[7]', '[31744]', ''), pick(': ', ':')],
);
const id = pick('75B652326B8: ', '3pX7Mk0Zzzz1Qq: ', 'NOQUEUE: ', 'a1B2C3: ', 'ABC: ', '');
const line = joined(
  head,
  id,
  fc.oneof({ weight: 3, arbitrary: delivery }, { weight: 2, arbitrary: queued }, said),
);

/** Lines as they may be after a crash or a bad disk: bytes others than they were, cut off, or missing. */
const damaged = fc
  .record({
    line,
    cut: rarely(fc.nat(220), 6),
    hole: rarely(fc.tuple(fc.nat(200), fc.nat(20)), 6),
    bytes: fc.array(fc.tuple(fc.nat(220), fc.nat(127)), { maxLength: 2 }),
  })
  .map(({ line, cut, hole, bytes }) => {
    const [from, length] = hole ?? [0, 0];
    const all = Buffer.from(line.slice(0, from) + line.slice(from + length), 'latin1');
    for (const [at, byte] of bytes) if (at < all.length) all[at] = byte === 10 ? 0 : byte;
    return all.toString('latin1', 0, cut ?? all.length);
  });

const PERCENTILES = [50, 90];

it('makes the same of every line, whole or damaged, as plain regular expressions', () => {
  const options = postfix.options.parse({ percentiles: PERCENTILES, relays: 1000 });
  const lines = fc.array(fc.oneof(line, damaged), { maxLength: 8 });
  fc.assert(
    fc.property(lines, (lines) => {
      const parsing = postfix.open(options);
      const model = new PostfixModel();
      const piece = pieceOf(Buffer.from(lines.map((each) => `${each}\n`).join(''), 'latin1'));
      let from = 0;
      for (const each of lines) {
        const to = from + each.length;
        expect(parsing.parseAt?.(piece, from, to)).toBe(model.parse(each));
        from = to + 1;
      }
      const observed = [...parsing.report(60)].flatMap(({ metric, labels, value }) => {
        const name = [metric.name.replace('postfix.', ''), ...Object.values(labels)].join(' ');
        return value === 0 && metric.kind === 'delta' ? [] : [[name, value] as const];
      });
      const expected = [...model.report(PERCENTILES)].filter(([, value]) => value !== 0);
      const rounded = (all: readonly (readonly [string, number])[]) =>
        Object.fromEntries(all.map(([name, value]) => [name, Number(value.toPrecision(9))]));
      const zeroes = observed.filter(([, value]) => value !== 0);
      expect(rounded(zeroes)).toEqual(rounded(expected));
    }),
    { numRuns: 5000 },
  );
});
