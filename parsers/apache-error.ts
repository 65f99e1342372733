/**
 * Apache's error log: lines by level and by module, and the codes of its messages.
 *
 * Format  `[time] [module:level] [pid 7:tid 8] [client …] AH00128: …` of Apache 2.4, and `[time] [level]
 *         …` of older ones. Times are in the host's time zone.
 * Units   Lines since the report before.
 */
import { count, defineParser, delta, type Line, z } from 'cullinan/plugin';
import { encoded, indexOfByte, indexOfWord } from 'cullinan/wire/bytes';
import { Tally } from 'cullinan/wire/tally';
import { ctime, known } from 'cullinan/wire/timestamps';

const options = z.strictObject({
  codes: z
    .int()
    .min(0)
    .max(1000)
    .default(20)
    .describe('How many of the most frequent message codes, such as AH00128, to tell apart.'),
});

const metrics = {
  levels: delta('apache_error.lines', {
    unit: 'count',
    labels: ['level'],
    help: 'Lines by level.',
  }),
  modules: delta('apache_error.modules', {
    unit: 'count',
    labels: ['module'],
    help: 'Lines by module.',
  }),
  codes: delta('apache_error.codes', {
    unit: 'count',
    labels: ['code'],
    help: 'Lines by the code of their message.',
  }),
};

const OPEN = 91;
const CLOSE = 93;
const COLON = 58;
const BEHIND_TIME = encoded('] [');
const CODE = encoded(' AH');

/** Whether `AH00128:` stands behind a place. */
function isCode(bytes: Uint8Array, at: number): boolean {
  for (let i = 3; i < 8; i += 1) {
    const byte = bytes[at + i] ?? 0;
    if (byte < 48 || byte > 57) return false;
  }
  return bytes[at + 8] === COLON;
}

export default defineParser({
  name: 'apache-error',
  summary: 'Apache’s error log: lines by level and module, and the codes of its messages.',
  source: 'Apache httpd, ErrorLogFormat',
  options,
  metrics: () => Object.values(metrics),
  open({ codes }) {
    const levels = new Tally({ limit: 20, longest: 16 });
    const modules = new Tally({ limit: 60, longest: 32 });
    const messages = new Tally({ limit: codes || 1, candidates: codes * 10 });
    return {
      parse({ bytes }: Line) {
        if (bytes[0] !== OPEN) return false;
        const from = indexOfWord(bytes, BEHIND_TIME, 0, Math.min(bytes.length, 64)) + 3;
        const most = Math.min(bytes.length, from + 64);
        const to = indexOfByte(bytes, CLOSE, from, most);
        if (from < 3 || to === most || to === from) return false;
        const colon = indexOfByte(bytes, COLON, from, to);
        if (colon < to) modules.add(bytes, from, colon);
        levels.add(bytes, colon < to ? colon + 1 : from, to);
        const code = indexOfWord(bytes, CODE, to, Math.min(bytes.length, to + 200));
        if (codes > 0 && code >= 0 && isCode(bytes, code)) messages.add(bytes, code + 1, code + 8);
        return true;
      },
      timeOf: ({ bytes }: Line) => known(ctime(bytes, 1)),
      *report() {
        for (const [level, n] of levels.take()) yield metrics.levels.observe(count(n), { level });
        for (const [module, n] of modules.take()) {
          yield metrics.modules.observe(count(n), { module });
        }
        for (const [code, n] of messages.take()) yield metrics.codes.observe(count(n), { code });
      },
    };
  },
});
