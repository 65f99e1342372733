/**
 * logster's Log4jLogster: lines of log4j by level, per second.
 *
 * Format  Any layout that has the level as a word of its own near the start of the line:
 *         `2026-11-21 08:38:12,123 ERROR [main] …`, `2026-11-21_08:38:12 [ERROR] …`.
 * Mended  Any layout of the time before the level, not only one without a blank; `ERRORS` is no
 *         `ERROR`, and the name of a thread is none: `[ERROR-handler]`. Rates keep their fractions. A run of no time divides by nothing.
 */
import { count, defineParser, gauge, type Instrument, type Line, z } from 'cullinan/plugin';
import { LevelWords } from 'cullinan/wire/level-word';
import { parseOptionString } from 'cullinan/wire/option-string';
import { isoTime, known } from 'cullinan/wire/timestamps';

/** Before the time: `[2026-11-21 08:38:12]`. */
const BRACKET = 91;
const SPELLINGS = { logLevels: { short: '-l', long: '--log-levels' } };
/** Those that a line may have, whether or not they are counted. */
const USUAL = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

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
      seen: 0,
    }));
    const words = new LevelWords([...new Set([...levelsOf(options), ...USUAL])]);
    return {
      parse({ bytes }: Line) {
        const first = words.find(bytes, bytes.length) ? levels[words.level] : undefined;
        if (first === undefined) return false;
        first.seen += 1;
        return true;
      },
      timeOf: ({ bytes }: Line) => known(isoTime(bytes, bytes[0] === BRACKET ? 1 : 0)),
      *report(seconds) {
        for (const level of levels) {
          yield level.metric.observe(count(level.seen / seconds));
          level.seen = 0;
        }
      },
    };
  },
});
