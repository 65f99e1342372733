/**
 * Any log, by regular expressions with named groups: lines counted, numbers added up, levels, and spreads
 * with percentiles, labelled by what groups hold.
 *
 * Format  The lines themselves. Expressions are RE2's: in linear time whatever the line, so none can hang
 *         the agent; they have no look-around and no back references.
 * Units   What is counted is since the report before; numbers are as they are written, times `scale`.
 */
import {
  count,
  counter,
  defineParser,
  delta,
  gauge,
  type Instrument,
  type Line,
  type Observation,
  z,
} from 'cullinan/plugin';
import { Distribution, statistics } from 'cullinan/wire/distribution';
import { OTHER } from 'cullinan/wire/tally';
import { RE2JS } from 're2js';

const expression = z.string().superRefine((text, context) => {
  try {
    RE2JS.compile(text);
  } catch (error) {
    const { message } = error as Error;
    context.addIssue({ code: 'custom', message: `is no expression of RE2: ${message}` });
  }
});

const rule = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z_][\w.-]*$/, 'must be letters, digits, "_", "." and "-"')
      .describe('The metric: orders.placed.'),
    match: expression.describe('Which lines it is made of; what is around the match is free.'),
    except: expression.optional().meta({
      description: 'Of these, the lines that it is not made of.',
      fallback: 'none',
    }),
    contains: z.string().min(1).optional().meta({
      description: 'A word that stands in every such line: others are passed over at once.',
      fallback: 'every line is looked at',
    }),
    as: z
      .enum(['count', 'total', 'average', 'min', 'max', 'last', 'distribution'])
      .default('count')
      .describe(
        'count: how many, or the sum of `value`; total: `value` is a total that grows; average, min, max, last: a level; distribution: mean, min, max and percentiles.',
      ),
    value: z.string().optional().meta({
      description: 'The group that holds the number.',
      fallback: '1 for each line; needed unless as: count',
    }),
    scale: z.number().default(1).describe('What the number is multiplied by.'),
    percentiles: z
      .array(z.number().min(0).max(100))
      .default([50, 90, 99])
      .describe('With as: distribution, the percentiles; 50 is the median.'),
    labels: z.array(z.string()).default([]).describe('Groups whose texts become labels.'),
    limit: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('Combinations of labels that are told apart; the others count as `other`.'),
  })
  .superRefine(({ match, value, labels, as }, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (as !== 'count' && value === undefined) issue('value', `is needed with as: ${as}`);
    const groups = groupsOf(match);
    if (value !== undefined && !groups.includes(value)) issue('value', noGroup(value));
    for (const label of labels) if (!groups.includes(label)) issue('labels', noGroup(label));
  });

const options = z
  .strictObject({
    rules: z
      .array(rule)
      .min(1)
      .describe('What is made of the lines. A line may be part of several.'),
  })
  .refine(({ rules }) => new Set(rules.map(({ name }) => name)).size === rules.length, {
    error: 'must have another name for each rule',
    path: ['rules'],
  });
type Rule = z.output<typeof rule>;

const noGroup = (name: string): string => `"${name}" is no group of the expression: (?P<${name}>…)`;

function groupsOf(text: string): string[] {
  try {
    return Object.keys(RE2JS.compile(text).namedGroups());
  } catch {
    return [];
  }
}

/** What has gathered of one combination of labels. */
interface Gathered {
  readonly labels: Readonly<Record<string, string>>;
  lines: number;
  sum: number;
  least: number;
  most: number;
  last: number;
  readonly spread: Distribution | undefined;
}

const instruments = new WeakMap<Rule, Instrument<'count', string>>();

/** The metric of a rule: one object, however often it is asked for. */
function metricOf(rule: Rule): Instrument<'count', string> {
  const metric = instruments.get(rule) ?? declare(rule);
  instruments.set(rule, metric);
  return metric;
}

function declare({ name, as, labels }: Rule): Instrument<'count', string> {
  const help = `Lines by a rule, as ${as}.`;
  const facts = { unit: 'count', help } as const;
  if (as === 'count') return delta(name, { ...facts, labels });
  if (as === 'total') return counter(name, { ...facts, labels });
  return gauge(name, {
    ...facts,
    labels: as === 'distribution' ? [...labels, 'statistic'] : labels,
  });
}

/** One rule at work. */
function open(rule: Rule) {
  const { as, value, scale, labels, limit, percentiles, contains } = rule;
  const matches = RE2JS.compile(rule.match);
  const except = rule.except === undefined ? undefined : RE2JS.compile(rule.except);
  const metric = metricOf(rule);
  const gathered = new Map<string, Gathered>();

  function gather(texts: readonly string[]): Gathered {
    const key = texts.join('\0');
    const known = gathered.get(key);
    if (known !== undefined) return known;
    if (labels.length > 0 && gathered.size >= limit && texts.some((text) => text !== OTHER)) {
      return gather(labels.map(() => OTHER));
    }
    const own = Object.fromEntries(labels.map((label, i) => [label, texts[i] ?? '']));
    const spread = as === 'distribution' ? new Distribution() : undefined;
    const fresh = { labels: own, ...NOTHING, spread };
    gathered.set(key, fresh);
    return fresh;
  }

  return {
    parse(text: string): boolean {
      if (contains !== undefined && !text.includes(contains)) return false;
      const match = matches.matcher(text);
      if (!match.find() || except?.test(text) === true) return false;
      const number = value === undefined ? 1 : Number(match.group(value) || Number.NaN);
      if (!Number.isFinite(number)) return false;
      const amount = number * scale;
      const it = gather(labels.map((label) => match.group(label) ?? ''));
      it.lines += 1;
      it.sum += amount;
      it.least = Math.min(it.least, amount);
      it.most = Math.max(it.most, amount);
      it.last = amount;
      it.spread?.add(amount);
      return true;
    },
    *report(): Generator<Observation> {
      for (const it of gathered.values()) {
        const { labels: own, lines, sum, least, most, last, spread } = it;
        if (spread !== undefined) {
          for (const [statistic, each] of statistics(spread, percentiles)) {
            yield metric.observe(count(each), { ...own, statistic });
          }
          spread.clear();
        } else if (as === 'count') yield metric.observe(count(sum), own);
        else if (as === 'total') yield metric.observe(count(last), own);
        else if (lines > 0) {
          const levels = { average: sum / lines, min: least, max: most, last };
          yield metric.observe(count(levels[as as keyof typeof levels]), own);
        }
        Object.assign(it, NOTHING, { last });
      }
    },
  };
}
const NOTHING = {
  ...{ lines: 0, sum: 0, last: 0 },
  ...{ least: Number.POSITIVE_INFINITY, most: Number.NEGATIVE_INFINITY },
};

export default defineParser({
  name: 'regex',
  summary: 'Any log, by regular expressions with named groups: counts, levels and spreads.',
  source: 'https://github.com/google/re2/wiki/Syntax',
  options,
  metrics: ({ rules }) => rules.map(metricOf),
  open({ rules }) {
    const opened = rules.map(open);
    return {
      parse({ text }: Line) {
        let known = false;
        for (const rule of opened) known = rule.parse(text) || known;
        return known;
      },
      *report() {
        for (const rule of opened) yield* rule.report();
      },
    };
  },
});
