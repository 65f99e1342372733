/**
 * Postfix's log: what came in, what was delivered where, deferred, bounced or rejected and why, and where
 * the time went.
 *
 * Format  Lines of syslog or of postlogd, whatever `syslog_name` is. What a delivery agent says of a
 *         recipient: `to=<…>, relay=…, delay=0.03, delays=0.02/0/0/0.01, dsn=2.0.0, status=sent (…)`.
 * Units   Numbers since the report before; delays in seconds: mean, least, most and percentiles, of the
 *         whole and of the four stages that Postfix tells apart (before the queue manager, in its queue,
 *         connecting, transmitting).
 */
import {
  bytes as bytesOf,
  count,
  defineParser,
  delta,
  gauge,
  type Line,
  type Metric,
  type Observation,
  type Piece,
  pieceOf,
  seconds as secondsOf,
  z,
} from 'cullinan/plugin';
import { decoded, encoded, indexOfWord, standsAt } from 'cullinan/wire/bytes';
import { type Decimals, statistics } from 'cullinan/wire/distribution';
import { Word } from 'cullinan/wire/fours';
import { PostfixDelivery, PostfixLine, PostfixQueued } from 'cullinan/wire/postfix-line';
import { OTHER, Tally } from 'cullinan/wire/tally';
import { known } from 'cullinan/wire/timestamps';

const options = z.strictObject({
  percentiles: z
    .array(z.number().min(0).max(100))
    .default([50, 90, 99])
    .describe('Percentiles of delays.'),
  relays: z.int().min(0).max(1000).default(20).describe('How many relays to tell apart.'),
});

const amount = (name: string, help: string) => delta(`postfix.${name}`, { unit: 'count', help });
const by = <const L extends string>(name: string, label: L, help: string) =>
  delta(`postfix.${name}`, { unit: 'count', labels: [label], help });

const metrics = {
  received: by('received', 'by', 'Messages that came in, by smtpd or, from programs, by pickup.'),
  queued: amount('queued', 'Messages taken up for delivery, those that were deferred each time.'),
  queuedBytes: delta('postfix.queued.bytes', { unit: 'bytes', help: 'How large these are.' }),
  recipients: amount('queued.recipients', 'How many recipients these have.'),
  removed: amount('removed', 'Messages that left the queue.'),
  expired: amount(
    'expired',
    'Messages given back because they could not be delivered for too long.',
  ),
  deliveries: by('deliveries', 'status', 'Recipients by what became of them.'),
  agents: by('agents', 'agent', 'Recipients by delivery agent.'),
  relays: by('relays', 'relay', 'Recipients by the host that took or refused them.'),
  bounces: by('bounces', 'reason', 'Bounced recipients by enhanced status code.'),
  deferrals: by('deferrals', 'reason', 'Deferred recipients by enhanced status code.'),
  rejects: delta('postfix.rejects', {
    unit: 'count',
    labels: ['stage', 'reason'],
    help: 'What smtpd, postscreen and cleanup rejected, by stage and status code.',
  }),
  screened: by(
    'screened',
    'verdict',
    'Clients by what postscreen found: PASS, PREGREET, DNSBL and so on.',
  ),
  connections: amount('connections', 'Clients that connected.'),
  lost: amount('connections.lost', 'Clients that broke off or fell silent.'),
  sasl: amount('sasl_failures', 'Failed authentications.'),
  problems: by('problems', 'severity', 'What Postfix complains about, by severity.'),
  delay: gauge('postfix.delay', {
    unit: 'seconds',
    labels: ['statistic'],
    help: 'From arrival until a recipient was settled.',
  }),
  delays: gauge('postfix.delays', {
    unit: 'seconds',
    labels: ['stage', 'statistic'],
    help: 'The stages of a delay.',
  }),
};

const STAGES = ['before_queue', 'queue', 'connection', 'transmission'] as const;
const SEVERITIES = ['warning', 'error', 'fatal', 'panic'] as const;

/** Postfix's programs. */
const SMTPD = new Word('smtpd');
const POSTSCREEN = new Word('postscreen');
const QMGR = new Word('qmgr');
const PICKUP = new Word('pickup');
const CLEANUP = new Word('cleanup');
/** How begins what they say. */
const CONNECT = new Word('connect from ');
const LOST = new Word('lost connection ');
const TIMEOUT = new Word('timeout after ');
const CLIENT = new Word('client=');
const UID = new Word('uid=');
const REMOVED = new Word('removed');
const MESSAGE_ID = new Word('message-id=');
/** What became of a recipient. */
const BOUNCED = new Word('bounced');
const DEFERRED = new Word('deferred');
/** What stands somewhere in what they say. */
const EXPIRED = encoded('expired, returned to sender');
const REJECT = encoded('reject: ');
const SASL = encoded(' authentication failed');
const PROBLEMS = SEVERITIES.map((severity) => encoded(`${severity}: `));

/** Bytes of it; 200 of them may be of a header. */
const LONGEST_REJECTION = 800;

/** `RCPT from host[192.0.2.1]: 550 5.1.1 <…>: …` as stage and status: `RCPT 5.1.1`. */
export function rejection(said: string): string {
  const stage = /^[A-Za-z-]{1,24}/.exec(said)?.[0] ?? OTHER;
  // postscreen says the client's port, too; of a header or a body cleanup says all else before.
  const [, code, enhanced] =
    /(?:\]:(?:\d{1,5}:)?|helo=<[^>]*>:) (\d{3})?\s?(\d\.\d{1,3}\.\d{1,3})?/.exec(said) ?? [];
  return `${stage} ${enhanced ?? code ?? OTHER}`;
}

/** What postscreen says of a client begins with a word of capitals; these two say nothing. */
const IS_VERDICT = /^(?!CONNECT |DISCONNECT )[A-Z][A-Z-]{2,15}(?= )/;

export default defineParser({
  name: 'postfix',
  summary: 'Postfix’s log: mail received, delivered, deferred, bounced and rejected, and delays.',
  source: 'Postfix; https://www.postfix.org/',
  options,
  journal: 'syslog',
  metrics: (): readonly Metric[] => Object.values(metrics),
  open({ percentiles, relays }) {
    const line = new PostfixLine();
    const delivery = new PostfixDelivery();
    const message = new PostfixQueued();
    const tallies = {
      received: new Tally({ limit: 4 }),
      deliveries: new Tally({ limit: 10 }),
      agents: new Tally({ limit: 20 }),
      relays: new Tally({ limit: relays || 1, candidates: relays * 20 }),
      bounces: new Tally({ limit: 50 }),
      deferrals: new Tally({ limit: 50 }),
      problems: new Tally({ limit: SEVERITIES.length }),
      screened: new Tally({ limit: 20 }),
    };
    const rejects = new Tally({ limit: 100 });
    const sums = {
      queued: 0,
      recipients: 0,
      removed: 0,
      expired: 0,
      connections: 0,
      lost: 0,
      sasl: 0,
    };
    /** Of messages; a sum in a variable would each time be a new number on the heap. */
    const queuedBytes = new Float64Array(1);
    /** Where the line ends that is being parsed. */
    let end = 0;
    for (const status of ['sent', 'deferred', 'bounced']) tallies.deliveries.addText(status, 0);

    function delivered(view: DataView): void {
      const { status, statusEnd, dsn, dsnEnd } = delivery;
      tallies.deliveries.addIn(view, status, statusEnd);
      tallies.agents.addIn(view, line.agent, line.agentEnd);
      if (relays > 0) tallies.relays.addIn(view, delivery.relay, delivery.relayEnd);
      if (BOUNCED.standsAt(view, status, statusEnd)) tallies.bounces.addIn(view, dsn, dsnEnd);
      else if (DEFERRED.standsAt(view, status, statusEnd)) {
        tallies.deferrals.addIn(view, dsn, dsnEnd);
      }
      delivery.delay.count();
      for (let i = 0; i < 4; i += 1) (delivery.stages[i] as Decimals).count();
    }

    function queue({ bytes, view }: Piece, at: number): void {
      if (message.read(view, at, end)) {
        sums.queued += 1;
        queuedBytes[0] = (queuedBytes[0] as number) + message.size.digits;
        sums.recipients += message.recipients.digits;
      } else if (REMOVED.standsAt(view, at, end)) sums.removed += 1;
      else if (!complained(bytes, at) && indexOfWord(bytes, EXPIRED, at, end) >= 0)
        sums.expired += 1;
    }

    function session({ bytes, view }: Piece, at: number): void {
      if (CONNECT.standsAt(view, at, end)) sums.connections += 1;
      else if (CLIENT.standsAt(view, at, end))
        tallies.received.addIn(view, line.agent, line.agentEnd);
      else if (LOST.standsAt(view, at, end) || TIMEOUT.standsAt(view, at, end)) sums.lost += 1;
      else if (!complained(bytes, at)) rejected(bytes, at);
    }

    /** `reject: `, or `milter-reject: `. */
    function rejected(bytes: Uint8Array, at: number): void {
      const found = indexOfWord(bytes, REJECT, at, Math.min(end, at + 16));
      if (found < 0) return;
      const from = found + REJECT.length;
      rejects.addText(rejection(decoded(bytes, from, Math.min(end, from + LONGEST_REJECTION))));
    }

    function screened(bytes: Uint8Array, at: number): void {
      const word = IS_VERDICT.exec(decoded(bytes, at, Math.min(end, at + 20)))?.[0];
      if (word === undefined) rejected(bytes, at);
      else tallies.screened.addText(word);
    }

    /** What any of its programs may say: `warning: …`. */
    function complained(bytes: Uint8Array, at: number): boolean {
      const place = PROBLEMS.findIndex((word) => standsAt(bytes, word, at));
      if (place < 0) return false;
      tallies.problems.addText(SEVERITIES[place] ?? OTHER);
      if (indexOfWord(bytes, SASL, at, end) >= 0) sums.sasl += 1;
      return true;
    }

    function cleanedUp({ bytes, view }: Piece, at: number): void {
      if (MESSAGE_ID.standsAt(view, at, end)) return;
      if (!complained(bytes, at)) rejected(bytes, at);
    }

    function other({ bytes, view }: Piece, agent: number, at: number): void {
      if (complained(bytes, at)) return;
      if (POSTSCREEN.standsAt(view, agent, end)) screened(bytes, at);
      else if (PICKUP.standsAt(view, agent, end) && UID.standsAt(view, at, end)) {
        tallies.received.addIn(view, agent, line.agentEnd);
      }
    }

    function parseAt(piece: Piece, start: number, to: number): boolean {
      const { bytes, view } = piece;
      end = to;
      if (!line.read(bytes, view, start, to)) return false;
      const { agent, message: at } = line;
      if (delivery.read(view, at, to)) delivered(view);
      else if (QMGR.standsAt(view, agent, to)) queue(piece, at);
      else if (CLEANUP.standsAt(view, agent, to)) cleanedUp(piece, at);
      else if (SMTPD.standsAt(view, agent, to)) session(piece, at);
      else other(piece, agent, at);
      return true;
    }

    function timeIn(bytes: Uint8Array, from: number, to: number, now: number): number | undefined {
      return line.readHead(bytes, from, to) ? known(line.head.timeOf(bytes, now)) : undefined;
    }

    return {
      parse: ({ bytes }: Line) => parseAt(pieceOf(bytes), 0, bytes.length),
      parseAt,
      timeOf: ({ bytes }: Line, now = Date.now() / 1000) => timeIn(bytes, 0, bytes.length, now),
      timeAt: ({ bytes }: Piece, from: number, to: number) =>
        timeIn(bytes, from, to, Date.now() / 1000),
      *report(): Generator<Observation> {
        for (const [name, labels] of [
          ['received', 'by'],
          ['deliveries', 'status'],
          ['agents', 'agent'],
          ['relays', 'relay'],
          ['bounces', 'reason'],
          ['deferrals', 'reason'],
          ['problems', 'severity'],
          ['screened', 'verdict'],
        ] as const) {
          for (const [value, n] of tallies[name].take()) {
            yield { metric: metrics[name], value: n, labels: { [labels]: value } };
          }
        }
        for (const name of Object.keys(sums) as (keyof typeof sums)[]) {
          yield metrics[name].observe(count(sums[name]));
          sums[name] = 0;
        }
        yield metrics.queuedBytes.observe(bytesOf(queuedBytes[0] as number));
        queuedBytes.fill(0);
        for (const [key, n] of rejects.take()) {
          const [stage = OTHER, reason = OTHER] = key.split(' ');
          yield metrics.rejects.observe(count(n), { stage, reason });
        }
        for (const [statistic, value] of statistics(delivery.delay.spread(), percentiles)) {
          yield metrics.delay.observe(secondsOf(value), { statistic });
        }
        for (const [i, stage] of STAGES.entries()) {
          const spread = (delivery.stages[i] as Decimals).spread();
          for (const [statistic, value] of statistics(spread, percentiles)) {
            yield metrics.delays.observe(secondsOf(value), { stage, statistic });
          }
        }
        delivery.delay.spread().clear();
        for (const stage of delivery.stages) stage.spread().clear();
      },
    };
  },
});
