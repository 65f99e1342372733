import type { Series } from '../metric/index.ts';
import { segment } from '../wire/segment.ts';
import type { Dialect, Naming, Spelling } from './dialect.ts';
import { anywhere, guestOf, withoutGuest } from './guest.ts';
import { generic, place } from './path.ts';
import { tableOf } from './table.ts';

const NANOSECONDS = 1e9;

/** A function of Salt's module `virt`, and what it calls the value. */
interface Row {
  readonly at: string;
  readonly key: string;
  readonly scale: number;
  /** Of all devices together. */
  readonly summed: boolean;
}

const row = (at: string, key: string, scale = 1, summed = false): Row => ({
  ...{ at, key, scale, summed },
});
const net = (key: string) => row('vm_netstats', key);
const disk = (key: string) => row('vm_diskstats', key);

const lookUp = tableOf<Row>(
  Object.entries({
    'guest.cpu.time': row('vm_cputime', 'cputime', NANOSECONDS),
    'guest.networks.io{direction=receive}': net('rx_bytes'),
    'guest.networks.packets{direction=receive}': net('rx_packets'),
    'guest.networks.errors{direction=receive}': net('rx_errs'),
    'guest.networks.dropped{direction=receive}': net('rx_drop'),
    'guest.networks.io{direction=transmit}': net('tx_bytes'),
    'guest.networks.packets{direction=transmit}': net('tx_packets'),
    'guest.networks.errors{direction=transmit}': net('tx_errs'),
    'guest.networks.dropped{direction=transmit}': net('tx_drop'),
    'guest.disks.operations{direction=read}': disk('rd_req'),
    'guest.disks.io{direction=read}': disk('rd_bytes'),
    'guest.disks.operations{direction=write}': disk('wr_req'),
    'guest.disks.io{direction=write}': disk('wr_bytes'),
    'guest.disk.errors': row('vm_diskstats', 'errs', 1, true),
  }),
);

/** What Salt has no function for, as if it had: `virt.guest_vcpu_time.web1.0`. */
function others(guest: string, series: Series, naming: Naming): readonly Spelling[] {
  const { metric } = withoutGuest(series);
  const values = metric.labels.map((label) => series.labels[label] ?? '');
  const called = metric.name.replaceAll('.', '_');
  const rest = [guest, ...values.filter((value) => value !== '')].map(segment);
  const path = place(['virt', called, ...rest].join('.'), series, anywhere(naming), '');
  return generic(series, anywhere(naming), '').map((name) =>
    naming.tags ? name : { ...name, path },
  );
}

/**
 * The paths that Salt's returner for Carbon made of what its module `virt` says of guests
 * (`virt.vm_cputime.web1.cputime`): totals, whole numbers, disks and interfaces added up.
 *
 * There is no host in them, so that a guest that is moved goes on under its names. Everything else of guests
 * has a path of the same shape, everything else the generic rule. docs/dialects/salt.md lists what differs and why.
 *
 * @see https://docs.saltproject.io/en/latest/ref/modules/all/salt.modules.virt.html
 * @see https://docs.saltproject.io/en/latest/ref/returners/all/salt.returners.carbon_return.html
 */
export const salt: Dialect = {
  name: 'salt',
  summary: "The paths that Salt's Carbon returner gives to guests; the generic rule for the rest.",
  spell(series, naming) {
    const guest = guestOf(series);
    if (guest === undefined) return generic(series, naming, '');
    const match = lookUp(series);
    if (match === undefined) return others(guest, series, naming);
    const { at, key, scale, summed } = match;
    const path = place(`virt.${at}.${segment(guest)}.${key}`, series, anywhere(naming), '');
    return [{ series, path, reading: 'value', precision: 0, scale, offset: 0, summed }];
  },
};
