import { createOutlet, destinations, type Identity, registry } from '../agent/index.ts';
import type { Config } from '../config/index.ts';
import { redact } from '../log/index.ts';
import type { Labels, Name, Sample, Series } from '../metric/index.ts';
import {
  type Change,
  type Comparison,
  createComparison,
  createHosts,
  FORMATS,
  type FormatName,
  type Group,
  HOST,
  isDevice,
  kindOf,
  labelled,
  type NewName,
  openOutput,
  type Spelled,
  spelledIn,
  untagged,
  withHost,
} from '../names/index.ts';
import { printable } from '../wire/printable.ts';
import { EXIT, type Io, listed, UsageError } from './io.ts';
import { readTwice } from './readings.ts';
import { loadWithPlugins } from './setup.ts';

/** What `cullinan diff-names` takes. */
export interface DiffOptions {
  readonly config?: string;
  readonly handler?: string;
  readonly format?: string;
  readonly newFormat?: string;
  readonly host?: string;
  readonly newHost?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Names that are read of a second file at most. */
const MOST_NEW = 1_000_000;
/** Lines of a section, unless --all. */
const LINES = 40;
/** Last levels shown of one group. */
const LAST_SHOWN = 6;

const SIGNS: Readonly<Record<Change, string>> = {
  ...{ stays: '=', goes: '-', comes: '+', was: '<', is: '>' },
};

/** What the names are compared with. */
interface Wanted {
  /** For people: `handler graphite (dialect diamond)`. */
  readonly title: string;
  readonly names: readonly NewName[];
  /** What stands before the host, and how many levels that has. */
  readonly places: readonly { readonly before: string; readonly levels: number }[];
  readonly secrets: ReadonlySet<string>;
}

/**
 * `cullinan diff-names`: which names of an old output stay, which go, and which come.
 *
 * @returns 0 where none goes, 2 where some do.
 */
export async function diffNames(
  io: Io,
  old: string,
  second: string | undefined,
  options: DiffOptions,
): Promise<number> {
  const output = await openOutput(old, formatOf(options.format));
  const known = output.format in FORMATS ? (output.format as FormatName) : undefined;
  const spelled: Spelled =
    output.format === 'collectd-files' ? 'identifier' : spelledIn(known ?? 'graphite');
  const wanted =
    second === undefined ? await configured(io, options, spelled) : await listedIn(second, options);
  const hosts = createHosts(options.host, second === undefined ? wanted.places : []);
  const show = (text: string): void => io.out(redact(text, wanted.secrets));
  const each = (change: Change, name: string): void => {
    if (options.json === true) show(`${JSON.stringify({ change, name })}\n`);
    else show(`${SIGNS[change]} ${printable(name)}\n`);
  };
  const { take, finish } = createComparison(
    wanted.names,
    hosts,
    options.all === true ? each : undefined,
  );
  let names = 0;
  for await (const found of output.names()) {
    names += found.length;
    for (const it of found) take(it);
    if (options.all === true) await io.outDone?.();
  }
  const comparison = finish();
  const { lines, unread, examples } = output.tally;
  const about = {
    ...{ old, format: output.format, lines, names, unread, hosts: [...hosts.seen].sort() },
    ...{ ofOtherHosts: hosts.others, new: wanted.title },
  };
  if (unread > 0) {
    const lines = examples.map(({ line, text }) => `  line ${line}: ${printable(text)}\n`);
    io.err(
      `Warning: ${unread} of ${output.tally.lines} lines were not understood:\n${lines.join('')}`,
    );
  }
  if (names === 0) io.err(`Warning: no name was found in ${old} (read as ${output.title}).\n`);
  else if (hosts.others >= names) {
    io.err(`Warning: no name of ${old} is of the host ${options.host}: all are left out.\n`);
  }
  if (options.json !== true) summarise(about, output.title, comparison, io, show, options);
  else if (options.all !== true) show(`${JSON.stringify(asJson(about, comparison))}\n`);
  return comparison.counts.goes === 0 ? EXIT.ok : EXIT.namesGo;
}

function formatOf(text: string | undefined): FormatName | undefined {
  if (text === undefined) return undefined;
  if (Object.hasOwn(FORMATS, text)) return text as FormatName;
  throw new UsageError(
    `there is no format "${text}". Formats: ${listed(Object.keys(FORMATS))}; folders are known by what is in them.`,
  );
}

/** The names that the configuration would send through one handler. */
async function configured(io: Io, options: DiffOptions, spelled: Spelled): Promise<Wanted> {
  if (options.newHost !== undefined || options.newFormat !== undefined)
    throw new UsageError('--new-host and --new-format go with a second file');
  const { config } = await loadWithPlugins(io, options.config);
  const handlers = config.handlers.flatMap(destinations);
  const handler =
    options.handler === undefined
      ? handlers[0]
      : handlers.find(({ instance }) => instance === options.handler);
  const instances = [...new Set(handlers.map(({ instance }) => instance))];
  if (handler === undefined) {
    throw new UsageError(
      `no handler is called "${options.handler}". There are ${listed(instances)}.`,
    );
  }
  if (options.handler === undefined && instances.length > 1) {
    throw new UsageError(`say which handler: --handler ${instances.join(' or --handler ')}`);
  }
  const { samples, identity } = await readTwice(io, config);
  const names = namesOf(handler, config, identity, samples, spelled);
  const places = new Map<string, { before: string; levels: number }>();
  for (const { name } of names) {
    const at = name.indexOf(HOST);
    if (at < 0 || name[at + HOST.length] === '/') continue;
    const before = name.slice(0, at);
    places.set(before, { before, levels: identity.path.split('.').length });
  }
  const title = `handler ${handler.instance} (dialect ${handler.dialect})`;
  // The longest first: `servers.` is a better place than none.
  const longestFirst = [...places.values()].sort((a, b) => b.before.length - a.before.length);
  return { title, names, places: longestFirst, secrets: config.secrets };
}

/** Stands in for a device; no name has it. */
const SENTINEL = 'zqxjvk';
const NUMBER = '7654321';

/**
 * The labels of another device of the same kind.
 *
 * @param known whether also of a device that is known by its name: a dialect may know it by that, too.
 */
const elsewhere = (labels: Labels, known: boolean): Labels =>
  Object.fromEntries(
    Object.entries(labels).map(([label, value]) => {
      if (!isDevice(label) || value === '') return [label, value];
      if (!known && kindOf(value) === '*') return [label, value];
      if (/^\d+$/.test(value)) return [label, NUMBER];
      return [label, value.startsWith('/') ? `/${SENTINEL}` : SENTINEL];
    }),
  );

const asKind = (name: string): string =>
  name
    .replaceAll(NUMBER, '#')
    .replaceAll(new RegExp(`(?<=^|[./])_${SENTINEL}|${SENTINEL}`, 'g'), '*');

/** What the disk collector observes of a disk only where it had something to do in the interval. */
const BUSY: Readonly<Record<string, readonly Labels[]>> = {
  'system.disk.await': [{ direction: 'read' }, { direction: 'write' }, { direction: 'all' }],
  'system.disk.request_size': [{}],
  'system.disk.service_time': [{}],
};

/** The series that the disks of these samples have at times. */
function* ofBusyDisks(samples: readonly Sample[]): Generator<Series> {
  const metrics = Object.values(registry.collectors.get('disk')?.metrics ?? {});
  for (const { series } of samples) {
    if (series.metric.name !== 'system.disk.io_time') continue;
    for (const metric of metrics) {
      for (const labels of BUSY[metric.name] ?? []) {
        yield { ...series, metric, labels: { ...series.labels, ...labels } };
      }
    }
  }
}

function namesOf(
  handler: ReturnType<typeof destinations>[number],
  config: Config,
  identity: Identity,
  samples: readonly Sample[],
  as: Spelled,
): readonly NewName[] {
  const here = createOutlet(handler, config, identity);
  const there = createOutlet(handler, config, identity);
  const found = new Map<string, NewName>();
  const spell = (name: Name): string => {
    const { identifier: it, series } = name;
    if (as === 'identifier' && it !== undefined) {
      const plugin = it.pluginInstance === '' ? it.plugin : `${it.plugin}-${it.pluginInstance}`;
      const type = it.typeInstance === '' ? it.type : `${it.type}-${it.typeInstance}`;
      return `${HOST}/${plugin}/${type}`;
    }
    if (as === 'labels') {
      const labels = Object.entries(name.labels ?? series.labels);
      return `${HOST}/${labelled(series.metric.name, labels)}`;
    }
    const path = handler.tags ? untagged(name.path) : name.path;
    const placed = identity.path === '' ? path : (withHost(path, [identity.path]) ?? path);
    return handler.dialect === 'ganglia' ? `${HOST}/${placed}` : placed;
  };
  const take = (series: Series, sometimes?: boolean): void => {
    const names = here.names(series);
    const spelledElsewhere = (known: boolean): readonly (string | undefined)[] => {
      const others = there.names({ ...series, labels: elsewhere(series.labels, known) });
      return names.map((_, i) => {
        const other = names.length === others.length ? others[i] : undefined;
        return other && spell(other);
      });
    };
    const [any, plain] = [spelledElsewhere(true), spelledElsewhere(false)];
    names.forEach((name, i) => {
      const spelledHere = spell(name);
      const made = any[i] === undefined ? undefined : asKind(any[i]);
      const other = made === kindOf(spelledHere) ? made : plain[i] && asKind(plain[i]);
      const kind = other === spelledHere ? undefined : other;
      if (sometimes !== true || !found.has(spelledHere))
        found.set(spelledHere, { name: spelledHere, kind, sometimes });
    });
  };
  for (const { series } of samples) take(series);
  for (const series of ofBusyDisks(samples)) take(series, true);
  return [...found.values()];
}

/** The names of a second file. */
async function listedIn(path: string, options: DiffOptions): Promise<Wanted> {
  if (options.handler !== undefined || options.config !== undefined)
    throw new UsageError(
      '--config and --handler are for names of a configuration: leave the second file out',
    );
  const output = await openOutput(path, formatOf(options.newFormat));
  const hosts = createHosts(options.newHost ?? options.host, []);
  const names = new Map<string, NewName>();
  for await (const found of output.names()) {
    for (const it of found) {
      const name = hosts.place(it);
      if (name !== undefined && !names.has(name)) names.set(name, { name });
    }
    if (names.size > MOST_NEW) {
      throw new UsageError(
        `${path} has more than ${MOST_NEW.toLocaleString('en')} names: compare host by host, with --host`,
      );
    }
  }
  const title = `${path} (${output.title})`;
  return { title, names: [...names.values()], places: [], secrets: new Set() };
}

type About = Readonly<Record<string, unknown>> & {
  readonly old: string;
  readonly new: string;
  readonly hosts: readonly string[];
  readonly ofOtherHosts: number;
};

const SECTIONS: readonly (readonly [Change, string])[] = [
  ['goes', 'go: nothing like them is sent'],
  ['comes', 'come: nothing like them was there'],
  ['was', 'are sent for other devices; these devices are not on this host'],
  ['is', 'are like those that were there, for devices that only this host has'],
  ['stays', 'stay'],
];

function summarise(
  { old, new: wanted, hosts, ofOtherHosts }: About,
  title: string,
  { counts, overfull, groups, ungrouped }: Comparison,
  io: Io,
  show: (text: string) => void,
  { all, host }: DiffOptions,
): void {
  if (all !== true) {
    for (const [change, what] of SECTIONS) {
      if (counts[change] === 0) continue;
      const lines = groups(change).map(line);
      const rest = lines.length - LINES;
      const more = rest > 0 ? [`  … and ${rest} groups more: --all shows each name`] : [];
      const lost = ungrouped(change);
      if (lost > 0) more.push(`  … and ${lost} names more, of too many kinds to be grouped`);
      show(`${counts[change]} ${what}\n${[...lines.slice(0, LINES), ...more].join('\n')}\n\n`);
    }
  }
  const whose =
    hosts.length === 0
      ? ''
      : hosts.length <= 3
        ? `, of ${listed(hosts.map(printable))}`
        : `, of ${hosts.length >= 1000 ? '1000 or more' : hosts.length} hosts as if they were one`;
  const atLeast = overfull ? 'at least ' : '';
  io.err(
    `${old} (${title}${whose}) beside ${wanted}:\n` +
      `${counts.stays} stay, ${atLeast}${counts.goes} go, ${counts.comes} come; ` +
      `${atLeast}${counts.was} and ${counts.is} differ in the device only.\n`,
  );
  if (ofOtherHosts > 0)
    io.err(`Left out, because they are not of ${host}: ${ofOtherHosts} lines.\n`);
}

function line({ above, last, names, example }: Group): string {
  if (names === 1 && last.length === 1) return `  ${printable(example)}`;
  const shown = last.slice(0, LAST_SHOWN).map((it) => printable(it === '' ? '(itself)' : it));
  if (last.length > LAST_SHOWN) shown.push(`… ${last.length - LAST_SHOWN} more`);
  const levels = last.length === 1 ? shown.join('') : `{${shown.join(', ')}}`;
  return `  ${printable(above)}${levels}  (${names})`;
}

const asJson = (about: About, { counts, overfull, groups, ungrouped }: Comparison) => ({
  ...about,
  counts,
  overfull,
  groups: Object.fromEntries(
    SECTIONS.map(([change]) => [
      change,
      groups(change).map(({ above, last, names, example }) => ({ above, last, names, example })),
    ]),
  ),
  ungrouped: Object.fromEntries(SECTIONS.map(([change]) => [change, ungrouped(change)])),
});
