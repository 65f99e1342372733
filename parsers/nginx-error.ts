/**
 * nginx's error log: lines by level, and by the reason that the operating system gave.
 *
 * Format  `2026/11/21 08:38:12 [error] 7#8: *9 open() "…" failed (2: No such file or directory), …`. Times
 *         are in the host's time zone.
 * Units   Lines since the report before.
 */
import { count, defineParser, delta, type Line, z } from 'cullinan/plugin';
import { encoded, indexOfByte, indexOfWord, standsAt } from 'cullinan/wire/bytes';
import { Tally } from 'cullinan/wire/tally';
import { isoTime, known } from 'cullinan/wire/timestamps';

const metrics = {
  levels: delta('nginx_error.lines', { unit: 'count', labels: ['level'], help: 'Lines by level.' }),
  reasons: delta('nginx_error.reasons', {
    unit: 'count',
    labels: ['reason'],
    help: 'Lines by the reason of the operating system, such as `Connection refused`.',
  }),
};

const OPEN = 91;
const CLOSE = 93;
const LEVEL_AT = 20;
const BRACKET = encoded(' (');
const BEHIND_NUMBER = encoded(': ');
/** Stands in place of the number before what OpenSSL says. */
const SSL = encoded('SSL');
/** Behind it stands the request, which may say anything. */
const CLIENT = encoded(', client: ');
const CLOSED = 41;

/**
 * Where the reason begins: `… (110: Connection timed out)`. It stands behind the message, in which a path of the
 * request may look like one.
 *
 * @returns -1 where there is none.
 */
function reasonAt(bytes: Uint8Array, from: number): number {
  const client = indexOfWord(bytes, CLIENT, from);
  const end = client < 0 ? bytes.length : client;
  let found = -1;
  for (let at = indexOfWord(bytes, BRACKET, from, end); at >= 0; ) {
    at += BRACKET.length;
    let behind = at;
    if (standsAt(bytes, SSL, at)) behind += SSL.length;
    else while (((bytes[behind] ?? 0) - 48) >>> 0 <= 9) behind += 1;
    if (behind > at && standsAt(bytes, BEHIND_NUMBER, behind))
      found = behind + BEHIND_NUMBER.length;
    at = indexOfWord(bytes, BRACKET, at, end);
  }
  return found;
}

export default defineParser({
  name: 'nginx-error',
  summary: 'nginx’s error log: lines by level, and by what the operating system said.',
  source: 'nginx, error_log',
  options: z.strictObject({}),
  metrics: () => Object.values(metrics),
  open() {
    const levels = new Tally({ limit: 12, longest: 16 });
    const reasons = new Tally({ limit: 50, longest: 64 });
    return {
      parse({ bytes }: Line) {
        if (bytes[LEVEL_AT] !== OPEN || Number.isNaN(isoTime(bytes))) return false;
        const most = Math.min(bytes.length, LEVEL_AT + 16);
        const end = indexOfByte(bytes, CLOSE, LEVEL_AT, most);
        if (end === most) return false;
        levels.add(bytes, LEVEL_AT + 1, end);
        const from = reasonAt(bytes, end);
        if (from < 0) return true;
        const to = indexOfByte(bytes, CLOSED, from);
        if (to < bytes.length) reasons.add(bytes, from, to);
        return true;
      },
      timeOf: ({ bytes }: Line) => known(isoTime(bytes)),
      *report() {
        for (const [level, n] of levels.take()) yield metrics.levels.observe(count(n), { level });
        for (const [reason, n] of reasons.take()) {
          yield metrics.reasons.observe(count(n), { reason });
        }
      },
    };
  },
});
