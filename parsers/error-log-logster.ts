/**
 * logster's ErrorLogLogster: lines of Apache's error log by level.
 *
 * Format  `[Sat Nov 21 08:38:12 2026] [error] …` of Apache 2.2, `[…] [core:error] [pid 7] …` of 2.4.
 * Units   Lines in ten seconds.
 * Mended  The lines of Apache 2.4, which logster does not know, with their module before the level. A
 *         run of no time divides by nothing.
 */
import { count, defineParser, gauge, type Line, z } from 'cullinan/plugin';
import { decoded, encoded, indexOfByte, indexOfWord } from 'cullinan/wire/bytes';
import { ctime, known } from 'cullinan/wire/timestamps';

const OPEN = 91;
const CLOSE = 93;
const COLON = 58;
const BEHIND_TIME = encoded('] [');

const LEVELS = ['notice', 'warn', 'error', 'crit', 'other'] as const;
const metrics = LEVELS.map((name) => gauge(name, { unit: 'count', help: 'Logs per 10 sec.' }));

/** The level of a line: `error` of `[error]` and of `[core:error]`; `undefined` if it has none. */
export function levelOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] !== OPEN) return undefined;
  const from = indexOfWord(bytes, BEHIND_TIME, 0, Math.min(bytes.length, 64)) + 3;
  const most = Math.min(bytes.length, from + 64);
  const to = indexOfByte(bytes, CLOSE, from, most);
  if (from < 3 || to === most) return undefined;
  const colon = indexOfByte(bytes, COLON, from, to);
  const level = decoded(bytes, colon === to ? from : colon + 1, to);
  return /^\w+$/.test(level) ? level : undefined;
}

export default defineParser({
  name: 'ErrorLogLogster',
  summary: 'Lines of Apache’s error log by level, in ten seconds, as logster has them.',
  source: 'Apache httpd, ErrorLogFormat',
  options: z.strictObject({}),
  metrics: () => metrics,
  open() {
    const counts = new Float64Array(LEVELS.length);
    return {
      parse({ bytes }: Line) {
        const level = levelOf(bytes);
        if (level === undefined) return false;
        const found = (LEVELS as readonly string[]).indexOf(level);
        const place = found < 0 ? LEVELS.length - 1 : found;
        counts[place] = (counts[place] ?? 0) + 1;
        return true;
      },
      timeOf: ({ bytes }: Line) => known(ctime(bytes, 1)),
      *report(seconds) {
        for (const [i, metric] of metrics.entries()) {
          yield metric.observe(count((counts[i] ?? 0) / (seconds / 10)));
        }
        counts.fill(0);
      },
    };
  },
});
