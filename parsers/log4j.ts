/**
 * The logs of log4j, logback and their kin: lines by level and logger, and exceptions.
 *
 * Format  Any layout that has the level as a word near the start, and the logger before the dash or the
 *         colon that the message stands behind: `2026-11-21 08:38:12,007 ERROR [main] org.example.Orders -
 *         …`. An exception is what the line behind begins with, as a record of several lines has it that
 *         was joined, or by itself: `java.lang.IllegalStateException: …`.
 * Units   Lines since the report before.
 */
import { count, defineParser, delta, type Line, z } from 'cullinan/plugin';
import { encoded, indexOfByte, indexOfWord, standsAt } from 'cullinan/wire/bytes';
import { LevelWords } from 'cullinan/wire/level-word';
import { Tally } from 'cullinan/wire/tally';
import { isoTime, known } from 'cullinan/wire/timestamps';

const options = z.strictObject({
  loggers: z.int().min(0).max(1000).default(0).describe('How many loggers to tell apart.'),
  exceptions: z.int().min(0).max(1000).default(20).describe('How many exceptions to tell apart.'),
});

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const;

const metrics = {
  levels: delta('log4j.lines', { unit: 'count', labels: ['level'], help: 'Lines by level.' }),
  loggers: delta('log4j.loggers', { unit: 'count', labels: ['logger'], help: 'Lines by logger.' }),
  exceptions: delta('log4j.exceptions', {
    unit: 'count',
    labels: ['exception'],
    help: 'Exceptions by class, not those that caused them.',
  }),
};

/** The logger stands before the message, and so within this many bytes. */
const FARTHEST = 300;
const BEFORE_MESSAGE = [' - ', ' -- ', ' : ', ': '].map(encoded);
const NEWLINE = 10;
const SPACE = 32;
/** Before the time, as Elasticsearch writes it. */
const BRACKET = 91;
/** Ends the name of an exception's class. */
const KINDS = ['Exception', 'Error', 'Throwable'].map(encoded);
const COLON = 58;
const IN_THREAD = encoded('Exception in thread "');
const BEHIND_NAME = encoded('" ');

const isLetter = (byte = 0): boolean =>
  (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte === 95;

/** Whether a byte may stand in the name of a class, with its package. */
const isOfName = (byte = 0): boolean =>
  isLetter(byte) || (byte >= 48 && byte <= 57) || byte === 46 || byte === 36;

/** What nobody caught has `Exception in thread "main" ` before its name. */
function behindThread(bytes: Uint8Array, from: number): number {
  if (!standsAt(bytes, IN_THREAD, from)) return from;
  const end = indexOfWord(bytes, BEHIND_NAME, from + IN_THREAD.length);
  return end < 0 ? from : end + BEHIND_NAME.length;
}

/** Where the name of an exception's class ends that begins at a place; -1 if none does. */
export function exceptionEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && isOfName(bytes[at])) at += 1;
  const next = bytes[at] ?? NEWLINE;
  if (next !== COLON && next !== NEWLINE) return -1;
  return KINDS.some((kind) => {
    const start = at - kind.length;
    return start >= from && indexOfWord(bytes, kind, start, at) >= 0;
  })
    ? at
    : -1;
}

export default defineParser({
  name: 'log4j',
  summary: 'The logs of log4j and logback: lines by level and logger, and exceptions.',
  source: 'log4j, PatternLayout; logback, PatternLayout',
  options,
  metrics: () => Object.values(metrics),
  open({ loggers, exceptions }) {
    const counts = new Float64Array(LEVELS.length);
    const words = new LevelWords(LEVELS);
    const byLogger = new Tally({ limit: loggers || 1, candidates: loggers * 10 });
    const byException = new Tally({ limit: exceptions || 1, candidates: exceptions * 10 });

    function logger(bytes: Uint8Array, from: number, end: number): void {
      const most = Math.min(end, FARTHEST);
      let to = -1;
      for (const separator of BEFORE_MESSAGE) {
        const at = indexOfWord(bytes, separator, from, most);
        if (at >= 0 && (to < 0 || at < to)) to = at;
      }
      // Padded to a column.
      while (to > from && bytes[to - 1] === SPACE) to -= 1;
      let start = to;
      while (start > from && bytes[start - 1] !== SPACE) start -= 1;
      if (to > start) byLogger.add(bytes, start, to);
      else byLogger.addOther();
    }

    return {
      parse({ bytes }: Line) {
        const end = indexOfByte(bytes, NEWLINE);
        words.find(bytes, end);
        const { level } = words;
        // Of a record, its second line; of a line that has no level, the line itself.
        const begins = behindThread(bytes, level >= 0 ? end + 1 : 0);
        const thrown = begins < bytes.length ? exceptionEnd(bytes, begins) : -1;
        if (thrown >= 0 && exceptions > 0) byException.add(bytes, begins, thrown);
        if (level < 0) return thrown >= 0;
        counts[level] = (counts[level] ?? 0) + 1;
        if (loggers > 0) logger(bytes, words.end, end);
        return true;
      },
      timeOf: ({ bytes }: Line) => known(isoTime(bytes, bytes[0] === BRACKET ? 1 : 0)),
      *report() {
        for (const [i, level] of LEVELS.entries()) {
          yield metrics.levels.observe(count(counts[i] ?? 0), { level });
        }
        for (const [name, n] of byLogger.take()) {
          if (loggers > 0) yield metrics.loggers.observe(count(n), { logger: name });
        }
        for (const [name, n] of byException.take()) {
          if (exceptions > 0) yield metrics.exceptions.observe(count(n), { exception: name });
        }
        counts.fill(0);
      },
    };
  },
});
