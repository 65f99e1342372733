import type { Labels, Metric } from '../metric/index.ts';
import type { Dialect, Naming, Spelling } from '../naming/index.ts';

/** A name that Diamond's users know, and what it is made of. */
export interface DiamondName {
  /** Below prefix and host, or below a guest; `<device>` stands for any value of the label device. */
  readonly path: string;
  readonly metric: string;
  /** The labels that tell the metric's names apart, such as the direction. */
  readonly where: Labels;
  /** What is sent: `value`, `value × 100`, `100 − value × 100`, `rate per second × 8`, `growth`, `sum of value`. */
  readonly sends: string;
  /** Digits after the decimal point. */
  readonly digits: number;
}

/**
 * The names in the dialect's own table; what only takes its generic rule is left out.
 *
 * The dialect is asked as the agent asks it, with the values that labels take: a stand-in first, so
 * that a table that takes any value says so in one row, then the values that it may tell apart.
 */
export function diamondNames(
  metrics: readonly Metric[],
  dialect: Dialect | undefined,
): readonly DiamondName[] {
  if (dialect === undefined) return [];
  return metrics.flatMap((metric) => namesOf(metric, dialect));
}

const NAMING: Naming = {
  prefix: '',
  host: '',
  suffix: '',
  tags: false,
  labels: {},
  counters: 'rates',
};

/** A value that no host has, in the form that the label's values have, and what it stands for. */
interface StandIn {
  readonly value: string;
  readonly spelled: string;
}

const same = (value: string): StandIn => ({ value, spelled: value });

/** For labels whose values have a form of their own, which a dialect may insist on. */
const STAND_INS: Readonly<Record<string, readonly StandIn[]>> = {
  cpu: [same('7777')],
  device: [same('sdqqq'), same('ethqqq'), same('/dev/sdqqq')],
  mountpoint: [{ value: '/qqqmountpoint', spelled: '_qqqmountpoint' }],
  volume: [same('')],
  type: [same('ext4')],
};

/** For labels whose values are words: those that a dialect may have a row of its own for. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  direction: ['read', 'write', 'discard', 'flush', 'all', 'receive', 'transmit'],
  state: ['used', 'free', 'cached', 'reserved', 'in_use', 'orphan', 'time_wait', 'allocated'],
  protocol: ['Tcp', 'TcpExt', 'Udp', 'tcp', 'udp'],
  type: ['ext4', 'rss', 'virtual'],
};

function namesOf(metric: Metric, dialect: Dialect): DiamondName[] {
  const asked = (words: readonly StandIn[][]): DiamondName[] =>
    combinations(words).flatMap((chosen) => {
      const labels = Object.fromEntries(metric.labels.map((l, i) => [l, chosen[i]?.value ?? '']));
      const names = dialect.spell({ id: 0, metric, collector: '', host: '', labels }, NAMING);
      return names.flatMap((name) => listed(metric, name, chosen));
    });
  // Whose devices and states have names of any form.
  const guests = metric.labels.includes('guest');
  const general = metric.labels.map((label) => [
    ...((guests ? undefined : STAND_INS[label]) ?? [same(`qqq${label}`)]),
  ]);
  const names = asked(general);
  if (names.length > 0) return names;
  return asked(metric.labels.map((label, i) => WORDS[label]?.map(same) ?? general[i] ?? []));
}

const combinations = (lists: readonly StandIn[][]): StandIn[][] =>
  lists.reduce<StandIn[][]>(
    (chosen, list) => chosen.flatMap((before) => list.map((one) => [...before, one])),
    [[]],
  );

/** The name, if it comes from the table: the generic rule never rounds. */
function listed(metric: Metric, name: Spelling, chosen: readonly StandIn[]): DiamondName[] {
  if (name.precision === undefined) return [];
  let path = name.path;
  const where: Record<string, string> = {};
  for (const [i, label] of metric.labels.entries()) {
    const { value = '', spelled = '' } = chosen[i] ?? {};
    const standsIn = STAND_INS[label]?.some((it) => it.value === value) ?? false;
    if (!standsIn && WORDS[label]?.includes(value)) where[label] = value;
    else if (spelled !== '') path = path.replace(spelled, `<${label}>`);
  }
  return [{ path, metric: metric.name, where, sends: sends(name), digits: name.precision }];
}

const READINGS = { value: 'value', rate: 'rate per second', growth: 'growth' } as const;

function sends({ reading, scale, offset, summed = false }: Spelling): string {
  const what = summed ? `sum of ${READINGS[reading]}` : READINGS[reading];
  const by = Math.abs(scale);
  const factor = by >= 1 ? ` × ${by}` : ` / ${Number((1 / by).toPrecision(12))}`;
  const scaled = by === 1 ? what : what + factor;
  if (offset === 0) return scale < 0 ? `−${scaled}` : scaled;
  return `${offset} ${scale < 0 ? '−' : '+'} ${scaled}`;
}
