import { toJSONSchema } from 'zod';
import type { Metric, Unit } from '../metric/index.ts';
import { parserFrom } from '../parsers/index.ts';
import {
  API,
  COUNTERS,
  type Collector,
  Foreseen,
  type Handler,
  type Parser,
  type z,
} from '../plugin/index.ts';
import { type Description, type Place, type PlainMetric, plainMetric } from './protocol.ts';

/** A plugin, and which of the three it is. */
export type Plugin =
  | { readonly kind: 'collector'; readonly it: Collector }
  | { readonly kind: 'handler'; readonly it: Handler }
  | { readonly kind: 'parser'; readonly it: Parser };

type Raw = Readonly<Record<string, unknown>>;

/**
 * The plugins that a file exports by default: one, or a list.
 *
 * @throws {@link Foreseen} in a sentence, where that is none.
 */
export function pluginsIn(exports: Raw, as: Place['as'], path: string): readonly Plugin[] {
  if (as === 'parser') return [{ kind: 'parser', it: parserFrom(path, exports) }];
  const made =
    exports['default'] ?? ('module.exports' in exports ? exports['module.exports'] : exports);
  const all = Array.isArray(made) ? made : [made];
  if (all.length === 0) throw new Foreseen('exports an empty list by default, and no plugin');
  return all.map(plugin);
}

const REMEDY = 'export default defineCollector({ … }), defineHandler({ … }) or defineParser({ … })';

function plugin(made: unknown): Plugin {
  if (typeof made !== 'object' || made === null || Object.keys(made).length === 0) {
    throw new Foreseen(`exports no plugin by default: ${REMEDY}`);
  }
  const it = made as Raw;
  const kind = kindOf(it);
  if (typeof it['spell'] === 'function') {
    throw new Foreseen(
      'exports a dialect by default, and dialects are built in: names are made in the agent itself, for each new series of each handler. Rename what a handler sends (relabel: [{ match: ["*"], rename: { from, to } }], docs/delivery.md), or make names in a handler of your own, of the series that each point has',
    );
  }
  if (kind === undefined) {
    throw new Foreseen(
      `what it exports by default is no collector (it has no collect), no handler (no dialect) and no parser (no metrics(options)): ${REMEDY}`,
    );
  }
  checkApi(it['api']);
  const wrong = (what: string) => new Foreseen(`the ${kind} that it exports ${what}`);
  const { name, summary, options, source } = it;
  if (typeof name !== 'string' || !/^[A-Za-z][\w-]{0,63}$/.test(name)) {
    throw wrong('needs a name: a word of letters, digits, "_" or "-", 64 at most');
  }
  if (typeof summary !== 'string') throw wrong('needs a summary: one sentence');
  if (kind !== 'handler' && typeof source !== 'string') {
    throw wrong('needs a source: what it reads, in words');
  }
  if (typeof (options as Raw | undefined)?.['safeParse'] !== 'function') {
    throw wrong(
      'needs options made with z of cullinan/plugin: z.strictObject({}), where it has none',
    );
  }
  checkOptions(options as z.ZodType, wrong);
  if (kind === 'collector') {
    const metrics = it['metrics'];
    if (typeof metrics !== 'object' || metrics === null) throw wrong('needs metrics');
    for (const [key, metric] of Object.entries(metrics)) {
      const trouble = troubleWith(metric);
      if (trouble !== undefined) throw wrong(`has a metric ${key} ${trouble}`);
    }
  }
  const { counters } = it;
  if (kind === 'handler' && !COUNTERS.some((each) => each === counters)) {
    throw wrong(`needs counters: one of ${COUNTERS.join(', ')}`);
  }
  return { kind, it: made } as Plugin;
}

/** What is written under a plugin's name is a map, and read all at once. */
function checkOptions(options: z.ZodType, wrong: (what: string) => Error): void {
  const usual = () => {
    try {
      return options.safeParse({});
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw wrong(`has options that cannot be checked: ${why.replace(/\.$/, '')}`);
    }
  };
  const issues = usual().error?.issues ?? [];
  if (issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0)) {
    throw wrong('needs options that are an object: z.strictObject({ … })');
  }
}

/**
 * Whether a collector runs where nothing is said of it. One that needs an option waits until somebody gives
 * it, as those that are built in do: a file that was only put into the folder must keep nobody from starting.
 */
export const runsUnasked = ({ enabled, options }: Collector): boolean =>
  enabled !== false && options.safeParse({}).success;

function kindOf(it: Raw): Plugin['kind'] | undefined {
  const has = (name: string) => typeof it[name] === 'function';
  if (has('open') && 'dialect' in it && 'counters' in it) return 'handler';
  if (has('open') && has('metrics')) return 'parser';
  return has('collect') || (has('open') && 'metrics' in it) ? 'collector' : undefined;
}

const UNITS: Readonly<Record<Unit, true>> = {
  ...{ bytes: true, seconds: true, ratio: true, count: true, celsius: true },
  ...{ volts: true, amperes: true, watts: true, hertz: true },
};

/** What a metric is not as its type has it: that is taken out, and nobody has checked it. */
function troubleWith(metric: unknown): string | undefined {
  const { kind, name, labels, unit, help } = (metric ?? {}) as Partial<
    Record<keyof Metric, unknown>
  >;
  if (typeof kind !== 'string' || typeof name !== 'string' || !Array.isArray(labels)) {
    return 'that gauge(), counter() or delta() did not make';
  }
  if (name === '') return 'without a name';
  if (!Object.hasOwn(UNITS, String(unit))) {
    return `in ${JSON.stringify(unit)}, which is no unit. There are ${Object.keys(UNITS).join(', ')}`;
  }
  if (typeof help !== 'string') return 'without help: one sentence on what it is';
  const names = labels.every((label) => typeof label === 'string' && label !== '');
  if (!names || new Set(labels).size < labels.length) {
    return 'whose labels are not names, each of them once';
  }
  return undefined;
}

/** What a plugin says that it was written for is what there is, or something older that still holds. */
function checkApi(api: unknown): void {
  if (api === undefined) return;
  const [, major, minor = '0'] = /^(\d+)(?:\.(\d+))?(?:\.\d+)?$/.exec(String(api)) ?? [];
  const [ownMajor, ownMinor] = API.split('.');
  if (major === undefined)
    throw new Foreseen(`says api: ${JSON.stringify(api)}; it must be a version, such as "${API}"`);
  if (major !== ownMajor || Number(minor) > Number(ownMinor)) {
    const newer = Number(major) > Number(ownMajor) || major === ownMajor;
    throw new Foreseen(
      `was written for version ${String(api)} of cullinan/plugin, and this agent has ${API}: ${newer ? 'update the agent' : 'update the plugin (see the changelog)'}`,
    );
  }
}

/** What is to be known of a plugin where it does not run. */
export function described({ kind, it }: Plugin): Description {
  const { name, summary } = it;
  const schema = toJSONSchema(it.options, { io: 'input', unrepresentable: 'any' });
  const all = { name, summary, schema: JSON.parse(JSON.stringify(schema)) };
  switch (kind) {
    case 'collector': {
      const metrics: Record<string, PlainMetric> = {};
      for (const [key, metric] of Object.entries(it.metrics)) metrics[key] = plainMetric(metric);
      return { ...all, kind, source: it.source, enabled: runsUnasked(it), metrics };
    }
    case 'handler': {
      const { dialect, counters, idempotent, acknowledged, previews } = it;
      const more = { idempotent: idempotent === true, acknowledged: acknowledged === true };
      return {
        ...{ ...all, kind, dialect, counters, ...more },
        previews: previews === true,
        divides: it.peers !== undefined,
      };
    }
    case 'parser':
      return { ...all, kind, source: it.source, journal: it.journal, knowsTime: knowsTime(it) };
  }
}

/** Whether its lines say when they were written: only a parser at work tells. */
function knowsTime(parser: Parser): boolean {
  const usual = parser.options.safeParse({});
  return usual.success && parser.open(usual.data).timeOf !== undefined;
}
