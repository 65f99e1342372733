/**
 * Paging and swapping, page faults, reclaim and OOM kills; on request all of the kernel's counters.
 *
 * Source  /proc/vmstat: `FIELD NUMBER` per line (Linux, mm/vmstat.c). oom_kill since 4.13; reclaim
 *         per zone before 4.8, and what of it was reclaimed by whom since 3.5.
 * Units   pgpgin and pgpgout count KiB; everything else counts pages or events. The fields of
 *         `system.linux.vmstat` are as the kernel prints them.
 * Access  World-readable.
 */
import {
  columns,
  count,
  counter,
  defineCollector,
  type Fields,
  fields,
  gauge,
  kibibytes,
  ParseError,
  parseLines,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({
  detailed: z
    .boolean()
    .default(false)
    .describe(
      'Report every field of /proc/vmstat, levels (nr_*) as well, not only the usual counters.',
    ),
});

const metrics = {
  io: counter('system.paging.io', {
    unit: 'bytes',
    labels: ['direction'],
    help: 'Read from (in) and written to (out) block devices through the page cache or for swap.',
  }),
  swapPages: counter('system.paging.swap_pages', {
    unit: 'count',
    labels: ['direction'],
    help: 'Pages swapped in and out.',
  }),
  faults: counter('system.paging.faults', {
    unit: 'count',
    labels: ['type'],
    help: 'Page faults that waited for the disk (major), and that did not (minor).',
  }),
  reclaim: counter('system.paging.reclaim', {
    unit: 'count',
    labels: ['activity', 'by'],
    help: 'Pages scanned and reclaimed, by kswapd or by whoever needed memory (direct).',
  }),
  oomKills: counter('system.paging.oom_kills', {
    unit: 'count',
    help: 'Processes the kernel killed because memory ran out (since 4.13).',
  }),
  vmstat: counter('system.linux.vmstat', {
    unit: 'count',
    labels: ['field'],
    help: "The kernel's own counters, by the kernel's own names and in its own units.",
  }),
  level: gauge('system.linux.vmstat.level', {
    unit: 'count',
    labels: ['field'],
    help: "The kernel's own levels, by the kernel's own names; only with `detailed`.",
  }),
};

const FILE = '/proc/vmstat';

const DIRECTIONS = [
  ['in', 'pgpgin', 'pswpin'],
  ['out', 'pgpgout', 'pswpout'],
] as const;
const RECLAIM = [
  ['reclaimed', 'kswapd', 'pgsteal_kswapd'],
  ['reclaimed', 'direct', 'pgsteal_direct'],
  ['scanned', 'kswapd', 'pgscan_kswapd'],
  ['scanned', 'direct', 'pgscan_direct'],
] as const;
const ZONES = ['dma', 'dma32', 'normal', 'high', 'movable'] as const;
type Reclaim = (typeof RECLAIM)[number][2];
type Zoned = `${Reclaim}_${(typeof ZONES)[number]}`;

/** What Diamond, collectd and node_exporter publish by default; in the kernel's order. */
const USUAL = ['pgpgin', 'pgpgout', 'pswpin', 'pswpout', 'pgfault', 'pgmajfault'] as const;
const readUsual = fields([...USUAL, ...RECLAIM.map(([, , field]) => field), 'oom_kill']);
const readZones = fields(
  RECLAIM.flatMap(([, , field]) => ZONES.map((zone): Zoned => `${field}_${zone}`)),
);

/** Beside nr_*; the pages of the page cache's shadow entries. */
const OTHER_LEVELS: ReadonlySet<string> = new Set(['workingset_nodes']);
/** Events, in spite of their names. */
const NR_COUNTERS: ReadonlySet<string> = new Set([
  ...['nr_dirtied', 'nr_written', 'nr_throttled_written'],
  ...['nr_vmscan_write', 'nr_vmscan_immediate_reclaim'],
  ...['nr_foll_pin_acquired', 'nr_foll_pin_released'],
  ...['nr_tlb_remote_flush', 'nr_tlb_remote_flush_received'],
  ...['nr_tlb_local_flush_all', 'nr_tlb_local_flush_one'],
]);

const isLevel = (field: string): boolean =>
  OTHER_LEVELS.has(field) || (field.startsWith('nr_') && !NR_COUNTERS.has(field));

const readNumber = columns(['number']);

/** Every field; a malformed line costs its field. */
export function parse(text: string) {
  return parseLines(FILE, text, (line) => {
    const blank = line.indexOf(' ');
    if (blank < 1) throw new ParseError(`"${line}" is not "FIELD NUMBER"`);
    return { field: line.slice(0, blank), value: readNumber(line, blank).number };
  });
}

type Values = Fields<(typeof USUAL)[number] | Reclaim | 'oom_kill'>['values'];

function* observePaging(values: Values) {
  for (const [direction, pages, swapped] of DIRECTIONS) {
    const moved = values[pages];
    const swap = values[swapped];
    if (moved !== undefined) yield metrics.io.observe(kibibytes(moved), { direction });
    if (swap !== undefined) yield metrics.swapPages.observe(count(swap), { direction });
  }
  const { pgfault, pgmajfault, oom_kill } = values;
  if (pgmajfault !== undefined) yield metrics.faults.observe(count(pgmajfault), { type: 'major' });
  if (pgfault !== undefined && pgmajfault !== undefined) {
    if (pgmajfault > pgfault) yield new ParseError('/proc/vmstat: pgmajfault is more than pgfault');
    else yield metrics.faults.observe(count(pgfault - pgmajfault), { type: 'minor' });
  }
  if (oom_kill !== undefined) yield metrics.oomKills.observe(count(oom_kill));
}

function* observeReclaim(values: Values, text: string) {
  let zones: Fields<Zoned> | undefined;
  for (const [activity, by, field] of RECLAIM) {
    let pages = values[field];
    if (pages === undefined) {
      zones ??= readZones(FILE, text);
      // A sum without one of its zones would be a wrong number.
      if (zones.errors.length > 0) return yield* zones.errors;
      for (const zone of ZONES) {
        const inZone = zones.values[`${field}_${zone}`];
        if (inZone !== undefined) pages = (pages ?? 0) + inZone;
      }
    }
    if (pages !== undefined) yield metrics.reclaim.observe(count(pages), { activity, by });
  }
}

export default defineCollector({
  name: 'paging',
  summary: "Paging and swapping, page faults, reclaim and OOM kills; the kernel's own counters.",
  source: '/proc/vmstat',
  options,
  metrics,
  *collect({ host, options }) {
    const text = host.proc.read('vmstat');
    const { values, errors } = readUsual(FILE, text);
    if (values.pgfault === undefined && errors.length === 0) {
      throw new ParseError('/proc/vmstat has no pgfault');
    }
    yield* observePaging(values);
    yield* observeReclaim(values, text);
    if (options.detailed) {
      for (const item of parse(text)) {
        if (item instanceof Error) yield item;
        else {
          const { field, value } = item;
          const metric = isLevel(field) ? metrics.level : metrics.vmstat;
          yield metric.observe(count(value), { field });
        }
      }
      return;
    }
    yield* errors;
    for (const field of [...USUAL, 'oom_kill'] as const) {
      const value = values[field];
      if (value !== undefined) yield metrics.vmstat.observe(count(value), { field });
    }
  },
});
