import { toJSONSchema } from 'zod';
import type { Metric } from '../metric/index.ts';
import { parserFrom } from '../parsers/index.ts';
import { API, type Collector, Foreseen, type Handler, type Parser } from '../plugin/index.ts';
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
  if (kind === 'collector') {
    const metrics = it['metrics'];
    if (typeof metrics !== 'object' || metrics === null) throw wrong('needs metrics');
    const bad = Object.entries(metrics).find(([, metric]) => !isMetric(metric));
    if (bad !== undefined)
      throw wrong(`has a metric ${bad[0]} that gauge(), counter() or delta() did not make`);
  }
  return { kind, it: made } as Plugin;
}

function kindOf(it: Raw): Plugin['kind'] | undefined {
  const has = (name: string) => typeof it[name] === 'function';
  if (has('open') && 'dialect' in it && 'counters' in it) return 'handler';
  if (has('open') && has('metrics')) return 'parser';
  return has('collect') || (has('open') && 'metrics' in it) ? 'collector' : undefined;
}

const isMetric = (metric: unknown): boolean => {
  const { kind, name, labels } = (metric ?? {}) as Partial<Metric>;
  return typeof kind === 'string' && typeof name === 'string' && Array.isArray(labels);
};

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
      return { ...all, kind, source: it.source, enabled: it.enabled !== false, metrics };
    }
    case 'handler': {
      if (it.peers !== undefined) {
        throw new Foreseen(
          `the handler ${name} has peers, which only work in the agent's own thread: plugins: { inProcess: [${name}] }`,
        );
      }
      const { dialect, counters, idempotent, acknowledged, previews } = it;
      const more = { idempotent: idempotent === true, acknowledged: acknowledged === true };
      return { ...all, kind, dialect, counters, ...more, previews: previews === true };
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
