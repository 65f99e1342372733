import type { Value } from '../draft.ts';
import { expression, quoted } from '../patterns.ts';
import type { Asked } from './asked.ts';
import { Block, linesOf, posix } from './block.ts';
import type { Node } from './oconfig.ts';

/** What `DSType` says, as the parser `regex` has it; whether that takes a number out of the line. */
const WAYS: Readonly<Record<string, readonly [as: string, number: boolean, remark?: string]>> = {
  counterinc: ['count', false],
  deriveinc: ['count', false],
  gaugeinc: ['count', false, 'here it is a rate: lines per second'],
  counteradd: ['count', true],
  deriveadd: ['count', true],
  gaugeadd: ['count', true, 'here it is a rate: the sum per second'],
  absoluteset: ['count', true],
  counterset: ['total', true],
  deriveset: ['total', true],
  gaugeaverage: ['average', true],
  gaugemin: ['min', true],
  gaugemax: ['max', true],
  gaugelast: ['last', true],
  gaugepersist: ['last', true],
  distribution: ['distribution', true],
};

/** collectd replaces these in the parts of a name, and an expression's rule cannot have others. */
const neat = (text: string): string => text.replace(/[^\w-]/g, '_');

/** The logs that the plugin tail follows, as those of the collector `logs`, under the names that collectd has. */
export function tail(block: Block, asked: Asked): void {
  const { draft } = block;
  for (const file of block.all('File')) {
    const own = new Block(draft, file.children ?? []);
    const instance = own.text('Instance') ?? '';
    const plugin = neat(own.text('Plugin') ?? 'tail');
    const as = instance === '' ? plugin : `${plugin}-${neat(instance)}`;
    const rules = new Map<string, Record<string, Value>>();
    const matches = own.all('Match');
    for (const match of matches)
      rulesOf(new Block(draft, match.children ?? []), match, rules, asked, as);
    if (rules.size === 0) {
      draft.leave(
        [file.line, ...own.lines('Instance', 'Plugin', 'Interval')],
        'no match of it could be carried over',
      );
      continue;
    }
    const carried = [file, ...matches.filter(({ line }) => draft.answered(line))].map(
      ({ line }) => line,
    );
    draft.append(
      ['collectors', 'logs', 'files'],
      { path: file.values[0] ?? '', as, parser: { name: 'regex', rules: [...rules.values()] } },
      [...carried, ...own.lines('Instance', 'Plugin')],
    );
    own.leave('all logs are read at the interval of the collector logs', 'Interval');
    asked.only.push(`collector:logs & re:^${quoted(as)}[.]`);
  }
  if (!draft.has(['collectors', 'logs', 'files'])) {
    draft.drop(['collectors', 'logs'], 'nothing of it could be carried over');
  }
}

function rulesOf(
  block: Block,
  node: Node,
  rules: Map<string, Record<string, Value>>,
  asked: Asked,
  as: string,
): void {
  const { draft } = block;
  const given = block.find('DSType');
  const [way, takes, remark] = WAYS[given?.values[0]?.toLowerCase() ?? ''] ?? [];
  const source = named(expression(posix(block.text('Regex') ?? '')));
  const except = block.find('ExcludeRegex');
  const left = except && expression(posix(except.values[0] ?? ''));
  const type = block.text('Type');
  const why =
    way === undefined
      ? 'this DSType is none that is known here'
      : source === undefined || (except !== undefined && left === undefined)
        ? 'its expression cannot be carried over'
        : type === undefined
          ? 'it has no Type'
          : takes && source.value === undefined
            ? 'its Regex has no group in which a number would be found'
            : undefined;
  if (why !== undefined || way === undefined || source === undefined || type === undefined) {
    draft.leave([...linesOf(node)], `${why}: docs/parsers/regex.md`);
    return;
  }
  const instance = block.text('Instance') ?? '';
  const name = instance === '' ? neat(type) : `${neat(type)}-${neat(instance)}`;
  const rule: Record<string, Value> = {
    ...{ match: source.match, as: way },
    ...(left === undefined ? {} : { except: left }),
    ...(takes && source.value !== undefined ? { value: source.value } : {}),
    ...(given?.values[0]?.toLowerCase() === 'gaugepersist' ? { keep: true } : {}),
  };
  const add = (key: string, more: Record<string, Value>): string | undefined => {
    if (rules.has(key)) return undefined;
    rules.set(key, { name: key, ...rule, ...more });
    return `${as}.${key}`;
  };
  const twice =
    'there is a match of that Type and Instance already, and collectd has one value for both';
  const carried = [
    node.line,
    ...['Regex', 'ExcludeRegex', 'Type', 'Instance', 'DSType'].flatMap((key) => block.lines(key)),
  ];
  if (way !== 'distribution') {
    const inner = add(name, {});
    if (inner === undefined) draft.leave([...linesOf(node)], twice);
    else {
      asked.names.push({ inner, as, path: [type, instance] });
      draft.carry(carried);
      if (remark !== undefined) draft.leave(given?.line, remark);
    }
    return;
  }
  const own = new Block(draft, given?.children ?? []);
  const percentiles = own
    .all('Percentile')
    .flatMap(({ values }) => Number(values[0] ?? Number.NaN));
  const good = percentiles.every((it) => it >= 0 && it <= 100);
  if (percentiles.length > 0 && good) {
    const inner = add(name, { percentiles });
    if (inner !== undefined) {
      for (const it of percentiles) {
        const level = `p${`${it}`.replace('.', '_')}`;
        const path = [
          type,
          instance === '' ? `${Math.round(it)}` : `${instance}-${Math.round(it)}`,
        ];
        asked.names.push({ inner, as, level, path });
      }
      asked.except.push(`re:^${quoted(inner)}$ & label:statistic=re:^(mean|min|max)$`);
    }
  }
  own.expect('Percentile', good, 'it is a number from 0 to 100');
  const bounds = own.all('Bucket').map(({ values }) => values.map(Number));
  const uppers = bounds.map(([, upper]) => upper ?? 0);
  const endless = uppers.at(-1) === 0;
  const inside = endless ? uppers.slice(0, -1) : uppers;
  const joined = bounds.every(([lower], i) => lower === (uppers[i - 1] ?? 0));
  const bucket = neat(own.text('BucketType') ?? 'bucket');
  if (inside.length > 0 && joined) {
    const inner = add(`${name}-buckets`, { as: 'buckets', buckets: inside });
    for (const [i, upper] of inner === undefined
      ? []
      : inside.concat(endless ? [Infinity] : []).entries()) {
      const level = upper === Infinity ? 'inf' : `${upper}`.replace('.', '_');
      const range = `${i === 0 ? 0 : (uppers[i - 1] ?? 0)}_${upper === Infinity ? 'inf' : upper}`;
      const path = [bucket, [type, instance, range].filter((it) => it !== '').join('-')];
      asked.names.push({ inner: inner ?? '', as, level, path });
    }
    if (inner !== undefined && !endless)
      asked.except.push(`re:^${quoted(inner)}$ & label:upto=inf`);
  }
  own.expect(
    'Bucket',
    joined && inside.length > 0,
    'buckets follow each other from 0, without gaps',
  );
  draft.carry(own.lines('BucketType'));
  if (rules.has(name) || rules.has(`${name}-buckets`)) draft.carry(carried);
  else
    draft.leave(
      [...linesOf(node)],
      'it has neither a percentile nor buckets that could be carried over',
    );
}

/** An expression whose first group has a name, and that name. */
function named(made: string | undefined): { match: string; value: string | undefined } | undefined {
  if (made === undefined) return undefined;
  let inClass = false;
  for (let at = 0; at < made.length; at += 1) {
    const character = made[at];
    if (character === '\\') at += 1;
    else if (inClass) inClass = character !== ']';
    else if (character === '[') inClass = true;
    else if (character === '(' && made[at + 1] !== '?') {
      return { match: `${made.slice(0, at)}(?P<value>${made.slice(at + 1)}`, value: 'value' };
    }
  }
  return { match: made, value: undefined };
}
