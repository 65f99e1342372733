/** The running agent on one screen, drawn from two of its answers. Pure. */
import type { Snapshot } from '../status/index.ts';
import type { Row } from '../wire/screen/model.ts';
import { type Column, type TableSpec, table } from '../wire/screen/table.ts';
import {
  type Abilities,
  type Line,
  paint,
  type Style,
  safeName,
  span,
} from '../wire/screen/text.ts';
import { age, amount, latency, percent, size } from '../wire/screen/units.ts';

/** What collectors and handlers are sorted by, and the key that chooses it. */
export const SORTS = {
  collectors: { t: 'time', n: 'series', e: 'errors' },
  handlers: { d: 'rate', w: 'waiting', f: 'failures' },
} as const;

/** What one looks at. */
export interface View {
  readonly collectors: string;
  readonly handlers: string;
  readonly reversed: boolean;
  readonly paused: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Whether keys are pressed, and have to be told. */
  readonly keys: boolean;
}

/** Two answers, and the seconds between them. */
export interface Readings {
  readonly before: Snapshot;
  readonly now: Snapshot;
  readonly seconds: number;
}

/** The screen, at most `rows` lines of at most `columns` cells. */
export function picture(readings: Readings, view: View, abilities: Abilities): string[] {
  const { now, before, seconds } = readings;
  const width = view.columns - 2;
  const collectors = sorted(collectorRows(readings), view.collectors, view.reversed);
  const handlers = sorted(handlerRows(readings), view.handlers, view.reversed);
  const cpu = (now.cpu.user + now.cpu.system - before.cpu.user - before.cpu.system) / seconds;
  const series = now.collectors.reduce((sum, it) => sum + it.series, 0);
  const head: Line[] = [
    [
      span(safeName(now.host), 'bold'),
      span(`   cullinan ${now.version}   process ${now.pid}   for ${age(now.uptime)}`),
    ],
    [
      span(`${percent(cpu, true)} CPU   ${size(now.residentMemory)}   ${series} series   lag `),
      span(latency(now.eventLoopLag), now.eventLoopLag > 0.1 ? 'yellow' : 'plain'),
      span(`   ticks late ${now.schedule.lateTicks}`),
    ],
    [],
  ];
  const foot: Line[] = [
    ...(now.problem === undefined ? [] : [[span(safeName(now.problem), 'yellow')]]),
    ...(view.keys ? [[span(hint(view), 'dim')]] : []),
  ];
  const room = view.rows - head.length - foot.length - 1;
  // Handlers are few, and what is lost is lost there.
  const forHandlers = Math.min(handlers.length + 1, Math.max(2, Math.floor(room / 2)));
  const forCollectors = Math.min(collectors.length + 1, room - forHandlers);
  const common = { width, note: undefined, abilities };
  const body: Line[] = [
    ...table(specOf(HANDLERS, handlers, view.handlers), handlers, {
      ...common,
      height: forHandlers,
    }),
    [],
    ...table(specOf(COLLECTORS, collectors, view.collectors), collectors, {
      ...common,
      height: Math.max(1, forCollectors),
    }),
  ];
  const all = [...head, ...body].slice(0, Math.max(0, view.rows - foot.length));
  while (view.keys && all.length + foot.length < view.rows) all.push([]);
  return [...all, ...foot]
    .slice(0, view.rows)
    .map((line) => paint([span(' '), ...line], view.columns, abilities));
}

const hint = ({ paused, collectors, handlers }: View): string =>
  `sorted by ${collectors}, ${handlers}   t time  n series  e errors   d rate  w waiting  f failures   ` +
  `r reverse  space ${paused ? 'goes on' : 'pauses'}  q quits`;

const row = (name: string, numbers: Readonly<Record<string, number>>): Row => ({
  ...{ name, labels: {}, time: 0 },
  numbers: new Map(Object.entries(numbers)),
});

function collectorRows({ before, now, seconds }: Readings): Row[] {
  const earlier = new Map(before.collectors.map((it) => [it.name, it]));
  return now.collectors.map((it) => {
    const was = earlier.get(it.name);
    const { ok, partial, failed, 'timed-out': late, skipped, 'no-data': none } = it.outcomes;
    const runs = ok + partial + failed + late + none;
    return row(it.name, {
      // A collector that is new in this agent has had all its time since.
      time: Math.max(0, it.seconds - (was?.seconds ?? 0)) / seconds,
      each: runs === 0 ? 0 : it.seconds / runs,
      series: it.series,
      errors: failed + late,
      ...{ runs, partial, skipped, refused: it.refused },
    });
  });
}

function handlerRows({ before, now, seconds }: Readings): Row[] {
  const earlier = new Map(before.handlers.map((it) => [it.name, it]));
  return now.handlers.map((it) => {
    const was = earlier.get(it.name);
    const dropped = Object.values(it.dropped).reduce((sum, points) => sum + points, 0);
    return row(it.name, {
      rate: Math.max(0, it.delivered - (was?.delivered ?? 0)) / seconds,
      waiting: it.queued + it.spooled,
      ...{ queued: it.queued, spooled: it.spooled, delivered: it.delivered, dropped },
      failures: it.failures,
      connected: it.connected ? 1 : 0,
    });
  });
}

const sorted = (rows: readonly Row[], by: string, reversed: boolean): Row[] => {
  const direction = reversed ? -1 : 1;
  const of = ({ numbers }: Row): number => numbers.get(by) ?? 0;
  return rows.toSorted((a, b) => direction * (of(b) - of(a)) || (a.name < b.name ? -1 : 1));
};

/** The rows as they come: first those that are shown. */
function specOf(spec: TableSpec, rows: readonly Row[], by: string): TableSpec {
  const place = new Map(rows.map(({ name }, i) => [name, i]));
  const at = ({ name }: Row): number => place.get(name) ?? 0;
  const columns = spec.columns.map((column) =>
    column.title === by ? { ...column, rank: 0 } : column,
  );
  return { ...spec, columns, weight: (it) => -at(it), order: (a, b) => at(a) - at(b) };
}

const column = (
  title: string,
  rank: number,
  shown: (value: number) => string,
  style: (value: number) => Style = () => 'plain',
): Column => ({
  ...{ title, rank, width: Math.max(title.length, 7) },
  cell: ({ numbers }) => {
    const value = numbers.get(title) ?? 0;
    return span(shown(value), value === 0 ? 'dim' : style(value));
  },
});

const bad = (value: number): Style => (value > 0 ? 'red' : 'plain');
const suspicious = (value: number): Style => (value > 0 ? 'yellow' : 'plain');
const time = (ratio: number): string => percent(ratio, true);

const COLLECTORS: TableSpec = {
  title: 'Collector',
  columns: [
    column('time', 1, time),
    column('each', 3, latency),
    column('series', 2, amount),
    column('runs', 6, amount),
    column('errors', 4, amount, bad),
    column('partial', 7, amount, suspicious),
    column('skipped', 5, amount, suspicious),
    column('refused', 8, amount, bad),
  ],
  weight: () => 0,
};

const HANDLERS: TableSpec = {
  title: 'Handler',
  columns: [
    { ...column('rate', 1, (value) => `${amount(value)}/s`), width: 9 },
    column('waiting', 2, amount, suspicious),
    column('spooled', 6, amount, suspicious),
    column('delivered', 7, amount),
    column('dropped', 3, amount, bad),
    column('failures', 4, amount, suspicious),
    {
      ...{ title: 'connected', rank: 5, width: 9 },
      cell: ({ numbers }) => {
        const connected = numbers.get('connected') === 1;
        return span(connected ? 'yes' : 'no', connected ? 'plain' : 'yellow');
      },
    },
  ],
  weight: () => 0,
};
