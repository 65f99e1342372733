/**
 * nginx's error log: lines by level, and by the reason that the operating system gave.
 *
 * Format  `2026/11/21 08:38:12 [error] 7#8: *9 open() "…" failed (2: No such file or directory), …`. Times
 *         are in the host's time zone.
 * Units   Lines since the report before.
 */
import { count, defineParser, delta, type Line, z } from 'cullinan/plugin';
import { encoded, indexOfByte, indexOfWord } from 'cullinan/wire/bytes';
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
const REASON = encoded('failed (');
const BEHIND_NUMBER = encoded(': ');
const BRACKET = 41;

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
        const failed = indexOfWord(bytes, REASON, end);
        if (failed < 0) return true;
        const number = indexOfWord(bytes, BEHIND_NUMBER, failed + REASON.length);
        const from = number + BEHIND_NUMBER.length;
        const to = indexOfByte(bytes, BRACKET, from);
        if (number >= 0 && to < bytes.length) reasons.add(bytes, from, to);
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
