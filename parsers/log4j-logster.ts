/**
 * logster's Log4jLogster: lines of log4j by level, per second.
 *
 * Format  Any layout that has the level as a word of its own near the start of the line:
 *         `2026-11-21 08:38:12,123 ERROR [main] …`, `2026-11-21_08:38:12 [ERROR] …`.
 * Mended  Any layout of the time before the level, not only one without a blank; `ERRORS` is no
 *         `ERROR`. Rates keep their fractions. A run of no time divides by nothing.
 */
import { count, defineParser, gauge, type Instrument, type Line, z } from 'cullinan/plugin';
import { encoded, indexOfWord } from 'cullinan/wire/bytes';
import { parseOptionString } from 'cullinan/wire/option-string';
import { isoTime, known } from 'cullinan/wire/timestamps';

const SPELLINGS = { logLevels: { short: '-l', long: '--log-levels' } };
/** The level stands before the message, and so within this many bytes. */
const NEAR = 128;

const options = z
  .strictObject({
    logLevels: z
      .array(z.string().regex(/^\w+$/, 'must be a word'))
      .default(['WARN', 'ERROR', 'FATAL'])
      .describe('Levels to count.'),
    optionString: z
      .string()
      .default('')
      .describe('Options as logster takes them: `-l WARN,ERROR`.'),
  })
  .superRefine(({ optionString }, context) => {
    const { problem } = parseOptionString(optionString, SPELLINGS);
    if (problem) context.addIssue({ code: 'custom', path: ['optionString'], message: problem });
  });

type Options = z.output<typeof options>;

function levelsOf({ logLevels, optionString }: Options): readonly string[] {
  const given = parseOptionString(optionString, SPELLINGS).values.logLevels;
  const levels = given?.split(',').filter((level) => level !== '') ?? logLevels;
  return [...new Set(levels)];
}

/** One metric a level, the same one each time. */
const made = new Map<string, Instrument<'count', never>>();
function metricOf(level: string): Instrument<'count', never> {
  const metric = made.get(level) ?? gauge(level, { unit: 'count', help: 'Logs per sec.' });
  made.set(level, metric);
  return metric;
}

const isPartOfWord = (byte = 0): boolean =>
  (byte >= 48 && byte <= 57) ||
  (byte >= 65 && byte <= 90) ||
  (byte >= 97 && byte <= 122) ||
  byte === 95;

/** Where a word stands by itself near the start of a line; -1 where it does not. */
function wordIn(bytes: Uint8Array, word: Uint8Array): number {
  const near = Math.min(bytes.length, NEAR);
  for (let at = indexOfWord(bytes, word, 0, near); at >= 0; ) {
    if (!isPartOfWord(bytes[at - 1]) && !isPartOfWord(bytes[at + word.length])) return at;
    at = indexOfWord(bytes, word, at + 1, near);
  }
  return -1;
}

export default defineParser({
  name: 'Log4jLogster',
  summary: 'Lines of log4j by level, per second, as logster has them.',
  source: 'log4j, PatternLayout',
  options,
  metrics: (options) => levelsOf(options).map(metricOf),
  needles: (options) => levelsOf(options),
  open(options) {
    const levels = levelsOf(options).map((name) => ({
      metric: metricOf(name),
      word: encoded(name),
      seen: 0,
    }));
    return {
      parse({ bytes }: Line) {
        let first: (typeof levels)[number] | undefined;
        let where = NEAR;
        for (const level of levels) {
          const at = wordIn(bytes, level.word);
          if (at >= 0 && at < where) {
            where = at;
            first = level;
          }
        }
        if (first === undefined) return false;
        first.seen += 1;
        return true;
      },
      timeOf: ({ bytes }: Line) => known(isoTime(bytes)),
      *report(seconds) {
        for (const level of levels) {
          yield level.metric.observe(count(level.seen / seconds));
          level.seen = 0;
        }
      },
    };
  },
});
