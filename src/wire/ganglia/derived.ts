/**
 * Those of gmond's metrics that no dialect can name, because they are no sum of series: the fullest
 * filesystem, and what the host is, which are strings.
 */
import type { Batch, Labels, Point } from '../../metric/index.ts';
import type { GANGLIA_METRICS } from './metrics.ts';

/** A value of one of gmond's own metrics. */
export interface Derived {
  readonly name: keyof typeof GANGLIA_METRICS;
  readonly value: number | string;
  /** One of the points that it comes from: its host and its time. */
  readonly of: Point;
}

/** Whether a point is nothing but what is derived from it: at gmond numbers have no labels. */
export const isReplaced = ({ name }: Point): boolean => name.series.metric.name === INFO;

const INFO = 'system.host.info';
const USAGE = 'system.filesystem.usage';
const UNUSED = 'system.filesystem.unused';

/** Bytes of one filesystem. */
interface Filesystem {
  readonly point: Point;
  used: number;
  reserved: number;
  /** Free and reserved. */
  unused: number;
}

/** Makes values out of the points of a tick, which may come in several batches. */
export class Deriver {
  /** Of the latest tick, by host, device and mount point. */
  readonly #filesystems = new Map<string, Filesystem>();
  #time = Number.NaN;

  /** What a batch gives rise to. */
  derive(batch: Batch): Derived[] {
    const derived: Derived[] = [];
    let more = false;
    for (let i = 0; i < batch.length; i += 1) {
      const point = batch[i] as Point;
      const { name } = point.name.series.metric;
      if (name === INFO) derived.push(...hostFacts(point));
      else if (name === USAGE || name === UNUSED) more = this.#add(point) || more;
    }
    return more ? [...derived, ...this.#fullest()] : derived;
  }

  #add(point: Point): boolean {
    const { series, reading, scale = 1 } = point.name;
    const { device, mountpoint, state } = series.labels;
    if (reading !== 'value' || scale !== 1 || !counts(series.labels)) return false;
    if (point.time !== this.#time) this.#filesystems.clear();
    this.#time = point.time;
    const key = `${series.host} ${device} ${mountpoint}`;
    let filesystem = this.#filesystems.get(key);
    if (filesystem === undefined) {
      filesystem = { point, used: Number.NaN, reserved: Number.NaN, unused: Number.NaN };
      this.#filesystems.set(key, filesystem);
    }
    if (series.metric.name === UNUSED) filesystem.unused = point.value;
    else if (state === 'used' || state === 'reserved') filesystem[state] = point.value;
    return true;
  }

  /** Percent of the fullest filesystem of each host; what is reserved for root is used. */
  #fullest(): Iterable<Derived> {
    const most = new Map<string, Derived>();
    for (const { point, used, reserved, unused } of this.#filesystems.values()) {
      const value = (100 * (used + reserved)) / (used + unused);
      const { host } = point.name.series;
      // One that is not known by all its numbers is no number itself, and greater than none.
      if (value > Number(most.get(host)?.value ?? -1)) {
        most.set(host, { name: 'part_max_used', value, of: point });
      }
    }
    return most.values();
  }
}

/** As uname(1) says them. */
function hostFacts(of: Point): Derived[] {
  const { os = '', kernel = '', arch = '' } = of.name.series.labels;
  const facts: Derived[] = [
    { name: 'os_name', value: os.charAt(0).toUpperCase() + os.slice(1), of },
    { name: 'os_release', value: kernel, of },
    { name: 'machine_type', value: arch, of },
  ];
  return facts.filter(({ value }) => value !== '');
}

/** What gmond looks at: devices of this host. */
const counts = ({ device = '', type = '' }: Labels): boolean =>
  /^\/dev2?\//.test(device) && !device.includes(':') && !/^(nfs|autofs$|gfs$)/.test(type);
