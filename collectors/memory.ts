/**
 * Memory by use, what is still available, swap, and the kernel's own fields.
 *
 * Source  /proc/meminfo: `Field:  123 kB` per line (Linux, fs/proc/meminfo.c). Kernels before 3.14
 *         print no MemAvailable; what needs a field that is absent is not observed.
 * Units   `kB` are 1024 bytes. Fields without a unit (HugePages_*) count pages and are left out.
 * Access  World-readable.
 */
import {
  bytes,
  columns,
  defineCollector,
  gauge,
  kibibytes,
  ParseError,
  parseLines,
  type Quantity,
  ratio,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({
  detailed: z
    .boolean()
    .default(false)
    .describe('Report every field of /proc/meminfo that has a unit, not only the usual ones.'),
});

const metrics = {
  limit: gauge('system.memory.limit', { unit: 'bytes', help: 'All memory the kernel manages.' }),
  usage: gauge('system.memory.usage', {
    unit: 'bytes',
    labels: ['state'],
    help: 'Memory by use: used, free, buffered, cached, slab_reclaimable; together the limit.',
  }),
  available: gauge('system.linux.memory.available', {
    unit: 'bytes',
    help: 'What programs could get without swapping, as the kernel estimates it (since 3.14).',
  }),
  utilization: gauge('system.memory.utilization', {
    unit: 'ratio',
    help: 'The share of memory that is not available.',
  }),
  meminfo: gauge('system.memory.meminfo', {
    unit: 'bytes',
    labels: ['field'],
    help: "The kernel's own fields, by the kernel's own names.",
  }),
  swapLimit: gauge('system.paging.limit', { unit: 'bytes', help: 'All swap space.' }),
  swapUsage: gauge('system.paging.usage', {
    unit: 'bytes',
    labels: ['state'],
    help: 'Swap by use: used, free, cached (in memory as well); together the limit.',
  }),
  swapUtilization: gauge('system.paging.utilization', {
    unit: 'ratio',
    help: 'The share of swap that is not free; absent without swap.',
  }),
};

/** What Diamond publishes unless told otherwise, and what free(1) and slab accounting need. */
const USUAL: ReadonlySet<string> = new Set([
  ...['MemTotal', 'MemFree', 'MemAvailable', 'Buffers', 'Cached', 'Active', 'Inactive', 'Dirty'],
  ...['Shmem', 'Slab', 'SReclaimable', 'SUnreclaim', 'SwapTotal', 'SwapFree', 'SwapCached'],
  ...['VmallocTotal', 'VmallocUsed', 'VmallocChunk', 'Committed_AS'],
]);

interface Field {
  readonly field: string;
  readonly size: Quantity<'bytes'>;
}

const FIELD = /^([^:]+): +(\d{1,20}) kB$/;
const readNumber = columns(['kB']);

/** The fields that have a unit; a malformed line costs its field. */
export function parse(text: string): readonly (Field | ParseError)[] {
  return parseLines('/proc/meminfo', text, parseLine);
}

function parseLine(line: string): Field | undefined {
  const match = FIELD.exec(line);
  if (match !== null) return { field: match[1] as string, size: kibibytes(Number(match[2])) };
  const colon = line.indexOf(':');
  if (colon < 1) throw new ParseError(`"${line}" is not "FIELD: NUMBER kB"`);
  const field = line.slice(0, colon);
  const { kB } = readNumber(line, colon + 1);
  if (line.endsWith(' kB')) return { field, size: kibibytes(kB) };
  if (USUAL.has(field)) throw new ParseError(`${field} has no unit kB: "${line}"`);
  return undefined;
}

type Sizes = ReadonlyMap<string, Quantity<'bytes'>>;

const USES = [
  ['free', 'MemFree'],
  ['buffered', 'Buffers'],
  ['cached', 'Cached'],
  ['slab_reclaimable', 'SReclaimable'],
] as const;

function* observeMemory(sizes: Sizes) {
  const total = sizes.get('MemTotal');
  const available = sizes.get('MemAvailable');
  if (total !== undefined) yield metrics.limit.observe(total);
  if (available !== undefined) yield metrics.available.observe(available);

  const used = remainder(sizes, 'MemTotal', ...USES.map(([, field]) => field));
  if (used instanceof Error) yield used;
  else if (used !== undefined) yield metrics.usage.observe(used, { state: 'used' });
  for (const [state, field] of USES) {
    const size = sizes.get(field);
    if (size !== undefined) yield metrics.usage.observe(size, { state });
  }

  const occupied = remainder(sizes, 'MemTotal', 'MemAvailable');
  if (occupied instanceof Error) yield occupied;
  else if (occupied !== undefined && total)
    yield metrics.utilization.observe(ratio(occupied / total));
}

function* observeSwap(sizes: Sizes) {
  const total = sizes.get('SwapTotal');
  const free = sizes.get('SwapFree');
  const cached = sizes.get('SwapCached');
  if (total !== undefined) yield metrics.swapLimit.observe(total);
  if (free !== undefined) yield metrics.swapUsage.observe(free, { state: 'free' });
  if (cached !== undefined) yield metrics.swapUsage.observe(cached, { state: 'cached' });

  // SwapCached is a sum over CPUs that lags by some pages, so with little in use it can seem to be
  // more than there is; that is no fault to report, and no number either.
  const used = remainder(sizes, 'SwapTotal', 'SwapFree', 'SwapCached');
  if (typeof used === 'number') yield metrics.swapUsage.observe(used, { state: 'used' });

  const occupied = remainder(sizes, 'SwapTotal', 'SwapFree');
  if (occupied instanceof Error) yield occupied;
  else if (occupied !== undefined && total) {
    yield metrics.swapUtilization.observe(ratio(occupied / total));
  }
}

/** What a whole leaves beside its parts; `undefined` where any of them is absent. */
function remainder(sizes: Sizes, whole: string, ...parts: readonly string[]) {
  let rest = sizes.get(whole) ?? Number.NaN;
  for (const part of parts) rest -= sizes.get(part) ?? Number.NaN;
  if (Number.isNaN(rest)) return undefined;
  if (rest >= 0) return bytes(rest);
  return new ParseError(`/proc/meminfo: ${parts.join(' + ')} is more than ${whole}`);
}

export default defineCollector({
  name: 'memory',
  summary: "Memory by use, what is still available, swap, and the kernel's own fields.",
  source: '/proc/meminfo',
  options,
  metrics,
  *collect({ host, options }) {
    const sizes = new Map<string, Quantity<'bytes'>>();
    for (const item of parse(host.proc.read('meminfo'))) {
      if (item instanceof Error) yield item;
      else sizes.set(item.field, item.size);
    }
    if (sizes.size === 0) throw new ParseError('/proc/meminfo has no field with a unit');

    yield* observeMemory(sizes);
    yield* observeSwap(sizes);
    for (const [field, size] of sizes) {
      if (options.detailed || USUAL.has(field)) yield metrics.meminfo.observe(size, { field });
    }
  },
});
