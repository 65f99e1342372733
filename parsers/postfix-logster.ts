/**
 * logster's PostfixLogster: deliveries that succeeded, were deferred or bounced, and how long they took.
 *
 * Format  The lines in which Postfix's delivery agents say what became of a recipient:
 *         `… delay=0.05, delays=0.01/0/0.02/0.02, dsn=2.0.0, status=sent (250 …)`.
 * Units   Numbers of the run, percent of them, per second; avgDelay in seconds, of what was sent.
 * Mended  The first `status=` of a line counts: what the other side answered stands behind it and can
 *         hold another. A delay that is no number leaves the line out instead of ending the run. A run
 *         of no time divides by nothing.
 */
import {
  count,
  defineParser,
  gauge,
  type Line,
  type Piece,
  pieceOf,
  seconds as secondsOf,
  z,
} from 'cullinan/plugin';
import { decimalAt, encoded, Sought, standsAt } from 'cullinan/wire/bytes';
import { SyslogLine } from 'cullinan/wire/syslog-line';
import { known } from 'cullinan/wire/timestamps';

const SENT = encoded('sent');
const DEFERRED = encoded('deferred');
const BOUNCED = encoded('bounced');

const metrics = {
  numSent: gauge('numSent', { unit: 'count', help: 'Total Sent.' }),
  pctSent: gauge('pctSent', { unit: 'count', help: 'Percentage Sent.' }),
  numDeferred: gauge('numDeferred', { unit: 'count', help: 'Total Deferred.' }),
  pctDeferred: gauge('pctDeferred', { unit: 'count', help: 'Percentage Deferred.' }),
  numBounced: gauge('numBounced', { unit: 'count', help: 'Total Bounced.' }),
  pctBounced: gauge('pctBounced', { unit: 'count', help: 'Percentage Bounced.' }),
  mailTxnsSec: gauge('mailTxnsSec', { unit: 'count', help: 'Transactions per sec.' }),
  mailSentSec: gauge('mailSentSec', { unit: 'count', help: 'Sends per sec.' }),
  avgDelay: gauge('avgDelay', { unit: 'seconds', help: 'Average Sending Delay.' }),
};

export default defineParser({
  name: 'PostfixLogster',
  summary: 'Mail that Postfix sent, deferred and bounced, and its delay, as logster has them.',
  source: 'Postfix, the lines of its delivery agents',
  options: z.strictObject({}),
  journal: 'syslog',
  metrics: () => Object.values(metrics),
  open() {
    const head = new SyslogLine();
    const delayWord = new Sought('delay=');
    const statusWord = new Sought('status=');
    let sent = 0;
    let deferred = 0;
    let bounced = 0;
    let delays = 0;
    function parseAt({ bytes, characters }: Piece, from: number, to: number): boolean {
      const at = delayWord.indexIn(characters, from, to);
      if (at < 0) return false;
      const delay = decimalAt(bytes, at + delayWord.length, to);
      const word = statusWord.indexIn(characters, at, to);
      if (Number.isNaN(delay) || word < 0) return false;
      const status = word + statusWord.length;
      if (standsAt(bytes, SENT, status)) {
        sent += 1;
        delays += delay;
      } else if (standsAt(bytes, DEFERRED, status)) deferred += 1;
      else if (standsAt(bytes, BOUNCED, status)) bounced += 1;
      else return false;
      return true;
    }

    return {
      parse: ({ bytes }: Line) => parseAt(pieceOf(bytes), 0, bytes.length),
      parseAt,
      timeOf: ({ bytes }: Line, now = Date.now() / 1000) =>
        head.read(bytes) ? known(head.timeOf(bytes, now)) : undefined,
      *report(seconds) {
        const all = sent + deferred + bounced;
        const percent = (n: number) => count(all === 0 ? 0 : (n / all) * 100);
        yield metrics.numSent.observe(count(sent));
        yield metrics.pctSent.observe(percent(sent));
        yield metrics.numDeferred.observe(count(deferred));
        yield metrics.pctDeferred.observe(percent(deferred));
        yield metrics.numBounced.observe(count(bounced));
        yield metrics.pctBounced.observe(percent(bounced));
        yield metrics.mailTxnsSec.observe(count(all / seconds));
        yield metrics.mailSentSec.observe(count(sent / seconds));
        yield metrics.avgDelay.observe(secondsOf(sent === 0 ? 0 : delays / sent));
        sent = 0;
        deferred = 0;
        bounced = 0;
        delays = 0;
      },
    };
  },
});
