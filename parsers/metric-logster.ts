/**
 * logster's MetricLogster: what an application itself counts and times, written into its log.
 *
 * Format  `… METRIC_COUNT metric=some.name value=3` and `… METRIC_TIME metric=some.name value=12ms`.
 * Units   Counts per second; times as they are written, whatever their unit, as mean, median and
 *         percentiles, interpolated between neighbours. Names stand in the label `name`, which takes the
 *         place of the metric's own where names are written: `some.name.90th_percentile`.
 * Mended  A value that is no number leaves the line out instead of ending the run; negative numbers count.
 *         At most `limit` names of each kind; the others go under `other`. A percentile with a fraction is
 *         one level of a name: `99_9th_percentile`. A run of no time divides by nothing.
 */
import { count, defineParser, gauge, type Line, z } from 'cullinan/plugin';
import { decimalAt, decoded, encoded, indexOfWord, standsAt } from 'cullinan/wire/bytes';
import { Distribution } from 'cullinan/wire/distribution';
import { parseOptionString } from 'cullinan/wire/option-string';
import { OTHER, Tally } from 'cullinan/wire/tally';
import { known, lineTime } from 'cullinan/wire/timestamps';

const SPELLINGS = { percentiles: { short: '-p', long: '--percentiles' } };
const COUNT = encoded('METRIC_COUNT');
const TIME = encoded('METRIC_TIME');
const METRIC = encoded('metric=');
const VALUE = encoded('value=');
const SPACE = 32;
const TAB = 9;
const DOT = 46;
const MINUS = 45;
/** Bytes of a name. */
const LONGEST = 256;
/** Values that are kept one by one of each name. */
const EXACT = 1000;

const percent = z.number().min(0).max(100);
const listed = (text: string) =>
  text
    .split(',')
    .filter((p) => p !== '')
    .map(Number);

const options = z
  .strictObject({
    percentiles: z.array(percent).default([90]).describe('Percentiles of times to report.'),
    limit: z.int().min(1).max(1000).default(200).describe('Names of each kind at most.'),
    optionString: z.string().default('').describe('Options as logster takes them: `-p 90,99`.'),
  })
  .superRefine(({ optionString }, context) => {
    const { problem, values } = parseOptionString(optionString, SPELLINGS);
    const wrong = listed(values.percentiles ?? '').some((p) => !(p >= 0 && p <= 100));
    const message = problem ?? (wrong ? `"${values.percentiles}" are no percentiles` : undefined);
    if (message) context.addIssue({ code: 'custom', path: ['optionString'], message });
  });

const metrics = {
  count: gauge('metric.count', { unit: 'count', labels: ['name'], help: 'Count per sec.' }),
  time: gauge('metric.time', {
    unit: 'count',
    labels: ['name', 'statistic'],
    help: 'Times, in the unit that the lines have.',
  }),
};

const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB;

/** Where what follows a word begins, which stands behind blanks; -1 where it does not stand there. */
function afterBlanks(bytes: Uint8Array, word: Uint8Array, from: number): number {
  let at = from;
  while (isBlank(bytes[at])) at += 1;
  return at > from && standsAt(bytes, word, at) ? at + word.length : -1;
}

const isDigit = (byte = 0): boolean => (byte - 48) >>> 0 <= 9;

/** A number, with its unit behind it or none; NaN of what only begins like one: `1.2.3`. */
function numberAt(bytes: Uint8Array, from: number): number {
  let dots = 0;
  let at = bytes[from] === MINUS ? from + 1 : from;
  for (; isDigit(bytes[at]) || bytes[at] === DOT; at += 1) if (bytes[at] === DOT) dots += 1;
  return dots > 1 ? Number.NaN : decimalAt(bytes, from);
}

export default defineParser({
  name: 'MetricLogster',
  summary: 'What an application counts and times in its log, as logster has it.',
  source: 'logster, METRIC_COUNT and METRIC_TIME lines',
  options,
  metrics: () => Object.values(metrics),
  needles: () => ['METRIC_'],
  open({ percentiles, limit, optionString }) {
    const given = parseOptionString(optionString, SPELLINGS).values.percentiles;
    const chosen = given === undefined ? percentiles : listed(given);
    const counts = new Tally({ limit, longest: LONGEST });
    const times = new Map<string, Distribution>();

    function time(bytes: Uint8Array, from: number, to: number, value: number): void {
      let name = to - from > LONGEST ? OTHER : decoded(bytes, from, to);
      if (!times.has(name) && times.size >= limit) name = OTHER;
      const spread = times.get(name) ?? new Distribution(EXACT);
      times.set(name, spread);
      spread.add(value);
    }

    return {
      parse({ bytes }: Line) {
        const found = indexOfWord(bytes, COUNT);
        const isCount = found >= 0;
        const at = isCount ? found : indexOfWord(bytes, TIME);
        if (at < 0) return false;
        const from = afterBlanks(bytes, METRIC, at + (isCount ? COUNT : TIME).length);
        if (from < 0) return false;
        let to = from;
        while (to < bytes.length && !isBlank(bytes[to])) to += 1;
        const number = afterBlanks(bytes, VALUE, to);
        const value = number < 0 ? Number.NaN : numberAt(bytes, number);
        if (to === from || Number.isNaN(value)) return false;
        if (isCount) counts.add(bytes, from, to, value);
        else time(bytes, from, to, value);
        return true;
      },
      timeOf: ({ bytes }: Line, now = Date.now() / 1000) => known(lineTime(bytes, now)),
      *report(seconds) {
        for (const [name, sum] of counts.take()) {
          yield metrics.count.observe(count(sum / seconds), { name });
        }
        for (const [name, spread] of times) {
          if (spread.count === 0) continue;
          const say = (statistic: string, value: number) =>
            metrics.time.observe(count(value), { name, statistic });
          yield say('mean', spread.mean);
          yield say('median', spread.percentile(50));
          for (const p of new Set(chosen)) yield say(`${p}th_percentile`, spread.percentile(p));
          spread.clear();
        }
      },
    };
  },
});
