/**
 * Any log, by regular expressions with named groups: lines counted, numbers added up, levels, and spreads
 * with percentiles, labelled by what groups hold.
 *
 * Format  The lines themselves, of one the first 65,536 characters. Expressions are RE2's: in linear time
 *         whatever the line, so none can hang the agent; they have no look-around and no back references.
 *         What text every line of a rule must have is found out of its expression, and looked for first.
 *         When a line was written it may say at its beginning as syslog, RFC 3339, log4j, squid or Apache's
 *         error log have it, or behind its first bracket as web servers do.
 * Units   What is counted is since the report before; numbers are as they are written, times `scale`.
 */
import {
  counter,
  defineParser,
  delta,
  gauge,
  type Line,
  type Metric,
  type Observation,
  z,
} from 'cullinan/plugin';
import { Distribution, statistics } from 'cullinan/wire/distribution';
import { textIn, whyRefused } from 'cullinan/wire/expression';
import { OTHER } from 'cullinan/wire/tally';
import { known, lineTime } from 'cullinan/wire/timestamps';
import { RE2JS } from 're2js';

/** Steps of an expression: with its length they are what a line costs at worst. */
const MOST_STEPS = 1000;
/** Characters of a line that are looked at. */
const LONGEST_LINE = 65_536;
/** Characters of a label: a longer text counts as `other`. */
const LONGEST_LABEL = 128;
/** Values of a distribution that are kept one by one, in all combinations of its labels together. */
const EXACT = 10_000;
/** Distributions of a rule; each may take 80 kB. */
const MOST_DISTRIBUTIONS = 1000;
/** Beyond so many, looking for words costs more than it saves. */
const MOST_NEEDLES = 16;

/** Why an expression cannot be taken, in words that follow its name; `undefined` if it can. */
function problemOf(text: string): string | undefined {
  try {
    const steps = RE2JS.compile(text).programSize();
    if (steps <= MOST_STEPS) return undefined;
    return `is too large: ${steps} steps, and ${MOST_STEPS} are allowed; let it repeat less, as in {n,m}`;
  } catch (error) {
    return whyRefused(text, (error as Error).message);
  }
}

const expression = z.string().superRefine((text, context) => {
  const message = problemOf(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const WAYS = [
  'count',
  'total',
  'average',
  'min',
  'max',
  'last',
  'distribution',
  'buckets',
] as const;

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
      fallback: 'what `match` tells of itself',
    }),
    as: z
      .enum(WAYS)
      .default('count')
      .describe(
        'count: how many, or the sum of `value`; total: `value` is a total that grows; average, min, max, last: a level; distribution: mean, min, max and percentiles; buckets: how many by size.',
      ),
    value: z.string().optional().meta({
      description: 'The group that holds the number.',
      fallback: '1 for each line; needed unless as: count',
    }),
    unit: z
      .enum(['count', 'bytes', 'seconds', 'ratio'])
      .default('count')
      .describe('What the number is of, once it is multiplied.'),
    scale: z.number().default(1).describe('What the number is multiplied by.'),
    percentiles: z
      .array(z.number().min(0).max(100))
      .default([50, 90, 99])
      .describe('With as: distribution, the percentiles; 50 is the median.'),
    buckets: z
      .array(z.number())
      .default([])
      .describe('With as: buckets, the largest number of each, ascending; the last has no end.'),
    keep: z
      .boolean()
      .default(false)
      .describe('With as: last, says the latest number again where no line came.'),
    labels: z.array(z.string()).default([]).describe('Groups whose texts become labels.'),
    limit: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('Combinations of labels that are told apart; the others count as `other`.'),
  })
  .superRefine(({ match, value, labels, as, buckets, keep, limit }, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (as !== 'count' && value === undefined) issue('value', `is needed with as: ${as}`);
    if (as === 'distribution' && limit > MOST_DISTRIBUTIONS) {
      issue('limit', `must be at most ${MOST_DISTRIBUTIONS} with as: distribution`);
    }
    if (keep && as !== 'last') issue('keep', 'goes only with as: last');
    if ((as === 'buckets') !== buckets.length > 0) {
      issue('buckets', 'and as: buckets need each other');
    }
    if (buckets.some((bound, i) => bound <= (buckets[i - 1] ?? Number.NEGATIVE_INFINITY))) {
      issue('buckets', 'must be ascending');
    }
    const groups = groupsOf(match);
    if (value !== undefined && !groups.includes(value)) issue('value', noGroup(value));
    const own = as === 'distribution' ? ['statistic'] : as === 'buckets' ? ['upto'] : [];
    for (const [i, label] of labels.entries()) {
      if (!groups.includes(label)) issue('labels', noGroup(label));
      if (labels.indexOf(label) < i) issue('labels', `has "${label}" twice`);
      if (own.includes(label)) {
        issue('labels', `cannot be "${label}" with as: ${as}: it has its own`);
      }
      // Under this name logster's parsers say what a metric is called.
      if (label === 'name') issue('labels', 'cannot be "name": give the group another one');
    }
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
class Gathered {
  readonly labels: Readonly<Record<string, string>>;
  lines = 0;
  sum = 0;
  least = Number.POSITIVE_INFINITY;
  most = Number.NEGATIVE_INFINITY;
  last = 0;
  readonly spread: Distribution | undefined;
  /** How many fell into each bucket; the last is for what is larger than all of them. */
  readonly sizes: Float64Array | undefined;

  constructor({ as, buckets, limit }: Rule, labels: Readonly<Record<string, string>>) {
    this.labels = labels;
    const exact = Object.keys(labels).length === 0 ? EXACT : Math.max(100, EXACT / limit);
    if (as === 'distribution') this.spread = new Distribution(exact);
    if (as === 'buckets') this.sizes = new Float64Array(buckets.length + 1);
  }

  add(amount: number, buckets: readonly number[]): void {
    this.lines += 1;
    this.sum += amount;
    this.least = Math.min(this.least, amount);
    this.most = Math.max(this.most, amount);
    this.last = amount;
    this.spread?.add(amount);
    if (this.sizes === undefined) return;
    let place = 0;
    while (place < buckets.length && amount > (buckets[place] as number)) place += 1;
    this.sizes[place] = (this.sizes[place] ?? 0) + 1;
  }

  clear(): void {
    this.lines = 0;
    this.sum = 0;
    this.least = Number.POSITIVE_INFINITY;
    this.most = Number.NEGATIVE_INFINITY;
    this.spread?.clear();
    this.sizes?.fill(0);
  }
}

const declared = new WeakMap<Rule, Metric>();

/** The metric of a rule: one object, however often it is asked for. */
function metricOf(rule: Rule): Metric {
  const metric = declared.get(rule) ?? declare(rule);
  declared.set(rule, metric);
  return metric;
}

function declare({ name, as, unit, labels }: Rule): Metric {
  const facts = { unit, help: `Lines by a rule, as ${as}.` } as const;
  if (as === 'count') return delta(name, { ...facts, labels });
  if (as === 'buckets')
    return delta(name, { ...facts, unit: 'count', labels: [...labels, 'upto'] });
  if (as === 'total') return counter(name, { ...facts, labels });
  return gauge(name, {
    ...facts,
    labels: as === 'distribution' ? [...labels, 'statistic'] : labels,
  });
}

/** A text that stands in every line of a rule, where one is known. */
const needleOf = ({ contains, match }: Rule): string | undefined => contains ?? textIn(match);

/** One rule at work. */
function open(rule: Rule) {
  const { as, value, scale, labels, limit, percentiles, buckets, keep } = rule;
  const matches = RE2JS.compile(rule.match);
  const except = rule.except === undefined ? undefined : RE2JS.compile(rule.except);
  const needle = needleOf(rule);
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
    const fresh = new Gathered(rule, own);
    gathered.set(key, fresh);
    return fresh;
  }

  function* report(it: Gathered): Generator<readonly [value: number, labels?: object]> {
    const { lines, sum, least, most, last, spread, sizes } = it;
    if (spread !== undefined) {
      for (const [statistic, each] of statistics(spread, percentiles)) yield [each, { statistic }];
    } else if (sizes !== undefined) {
      for (const [i, n] of sizes.entries()) yield [n, { upto: `${buckets[i] ?? 'inf'}` }];
    } else if (as === 'count') yield [sum];
    else if (as === 'total' || (as === 'last' && keep)) yield [last];
    else if (lines > 0) {
      const levels = { average: sum / lines, min: least, max: most, last };
      yield [levels[as as keyof typeof levels]];
    }
  }

  return {
    parse(text: string): boolean {
      if (needle !== undefined && !text.includes(needle)) return false;
      const match = matches.matcher(text);
      if (!match.find() || except?.test(text) === true) return false;
      const number = value === undefined ? 1 : Number(match.group(value) || Number.NaN);
      const amount = number * scale;
      if (!Number.isFinite(amount)) return false;
      const texts = labels.map((label) => match.group(label) ?? '');
      gather(texts.map((it) => (it.length > LONGEST_LABEL ? OTHER : it))).add(amount, buckets);
      return true;
    },
    *report(): Generator<Observation> {
      for (const it of gathered.values()) {
        for (const [each, more] of report(it)) {
          yield { metric, value: each, labels: { ...it.labels, ...more } };
        }
        it.clear();
      }
    },
  };
}

export default defineParser({
  name: 'regex',
  summary: 'Any log, by regular expressions with named groups: counts, levels and spreads.',
  source: 'https://github.com/google/re2/wiki/Syntax',
  options,
  metrics: ({ rules }) => rules.map(metricOf),
  needles({ rules }) {
    const needles = new Set(rules.map(needleOf));
    if (needles.size > MOST_NEEDLES) return [];
    const known = [...needles].filter((needle) => needle !== undefined);
    return known.length === needles.size ? known : [];
  },
  open({ rules }) {
    const opened = rules.map(open);
    return {
      parse(line: Line) {
        const text = line.text.slice(0, LONGEST_LINE);
        let matched = false;
        for (const rule of opened) matched = rule.parse(text) || matched;
        return matched;
      },
      timeOf: ({ bytes }: Line, now = Date.now() / 1000) => known(lineTime(bytes, now)),
      *report() {
        for (const rule of opened) yield* rule.report();
      },
    };
  },
});
