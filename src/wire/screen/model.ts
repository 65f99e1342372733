/**
 * What a screen remembers: the newest number of each thing it shows, by the inner metric names of
 * cpu, memory, disk, filesystem, network, load, uptime and agent. Counters count as rates only.
 */
import type { Batch, Labels, Name, Point } from '../../metric/index.ts';

export type Section =
  | 'cpu'
  | 'cores'
  | 'memory'
  | 'swap'
  | 'disks'
  | 'filesystems'
  | 'interfaces'
  | 'load'
  | 'uptime'
  | 'agent';

/** One thing: a core, a device, a mount. A number that its newest observation lacks is absent. */
export interface Row {
  readonly name: string;
  readonly labels: Labels;
  readonly time: number;
  readonly numbers: ReadonlyMap<string, number>;
}

/** What the agent says of itself; its own status has all of this. */
export interface AgentHealth {
  readonly collectors: readonly {
    readonly name: string;
    readonly outcomes: Readonly<Record<string, number>>;
    readonly series: number;
  }[];
  readonly handlers: readonly {
    readonly name: string;
    readonly delivered: number;
    readonly queued: number;
    readonly dropped: Readonly<Record<string, number>>;
    readonly connected: boolean;
  }[];
  readonly problem: string | undefined;
}

/** Where a metric's numbers go: the label that names the row, and the labels that name the column. */
interface Place {
  readonly section: Section;
  readonly row?: string;
  readonly column: string;
  readonly by?: string;
}

const cpu = { section: 'cpu', column: '', by: 'state' } as const;
const memory = { section: 'memory', column: '', by: 'state' } as const;
const swap = { section: 'swap', column: '', by: 'state' } as const;
const disk = { section: 'disks', row: 'device', column: '' } as const;
const mount = { section: 'filesystems', row: 'mountpoint', column: '' } as const;
const link = { section: 'interfaces', row: 'device', column: '' } as const;

const PLACES: Readonly<Record<string, Place>> = {
  'system.cpu.total.time': cpu,
  'system.cpu.time': { ...cpu, section: 'cores', row: 'cpu' },
  'system.memory.usage': memory,
  'system.memory.limit': { ...memory, column: 'limit' },
  'system.linux.memory.available': { ...memory, column: 'available' },
  'system.paging.usage': swap,
  'system.paging.limit': { ...swap, column: 'limit' },
  'system.disk.io': { ...disk, column: 'io ', by: 'direction' },
  'system.disk.operations': { ...disk, column: 'operations ', by: 'direction' },
  'system.disk.await': { ...disk, column: 'await ', by: 'direction' },
  'system.disk.utilization': { ...disk, column: 'utilization' },
  'system.filesystem.usage': { ...mount, by: 'state' },
  'system.filesystem.limit': { ...mount, column: 'limit' },
  'system.filesystem.inodes.utilization': { ...mount, column: 'inodes' },
  'system.filesystem.responding': { ...mount, column: 'responding' },
  'system.network.io': { ...link, column: 'io ', by: 'direction' },
  'system.network.packets': { ...link, column: 'packets ', by: 'direction' },
  'system.network.errors': { ...link, column: 'errors ', by: 'direction' },
  'system.network.dropped': { ...link, column: 'dropped ', by: 'direction' },
  'system.network.speed': { ...link, column: 'speed' },
  'system.network.up': { ...link, column: 'up' },
  'system.cpu.load_average.1m': { section: 'load', column: '1m' },
  'system.cpu.load_average.5m': { section: 'load', column: '5m' },
  'system.cpu.load_average.15m': { section: 'load', column: '15m' },
  'system.uptime': { section: 'uptime', column: 'seconds' },
  'cullinan.event_loop.lag': { section: 'agent', column: 'lag' },
  'cullinan.process.memory': { section: 'agent', column: 'memory' },
  'cullinan.process.cpu.time': { section: 'agent', column: 'cpu ', by: 'state' },
};

/** A row while it is being written. */
interface Written {
  readonly name: string;
  readonly labels: Labels;
  time: number;
  readonly numbers: Map<string, number>;
}

interface Table {
  readonly rows: Map<string, Written>;
  /** Times of the newest observation and of the one before. */
  time: number;
  before: number;
}

/** A {@link Place} with one series' own row and column. */
interface Cell {
  readonly table: Table;
  readonly row: string;
  readonly column: string;
}

const NO_ROWS: readonly Row[] = [];

export class Screen {
  /** The host that is shown: the first one heard of. Points of others (guests) are left aside. */
  host: string | undefined;
  /** Seconds since the Unix epoch of the newest point; 0 before the first. */
  time = 0;
  #gap = 0;
  readonly #tables = new Map<Section, Table>();
  /** What a name's numbers are for, looked up once; `undefined` for what is not shown. */
  readonly #cells = new WeakMap<Name, Cell | { readonly table: undefined }>();
  readonly #collections = new Map<string, { good: number; bad: number; failing: boolean }>();
  #agent: AgentHealth | undefined;

  /** Takes in the points of one batch. */
  feed(batch: Batch): void {
    for (const point of batch) this.#take(point);
  }

  /** Takes in what the agent says of itself; once per tick. */
  feedAgent(agent: AgentHealth): void {
    this.#agent = agent;
    for (const { name, outcomes } of agent.collectors) {
      let good = 0;
      let bad = 0;
      for (const [outcome, times] of Object.entries(outcomes)) {
        if (outcome === 'failed' || outcome === 'timed-out') bad += times;
        else if (outcome !== 'skipped') good += times;
      }
      const before = this.#collections.get(name);
      // One that runs less often than others is as well as it was.
      const failing = bad > (before?.bad ?? 0) || (good === before?.good && before.failing);
      this.#collections.set(name, { good, bad, failing });
    }
  }

  get agent(): AgentHealth | undefined {
    return this.#agent;
  }

  /** Names of the collectors whose latest collection failed or came too late. */
  failing(): readonly string[] {
    const known = this.#agent?.collectors ?? [];
    return known.map(({ name }) => name).filter((name) => this.#collections.get(name)?.failing);
  }

  /** The things that the section's newest observation, or the one before it, has named. */
  rows(section: Section): readonly Row[] {
    const table = this.#tables.get(section);
    return table === undefined ? NO_ROWS : [...table.rows.values()];
  }

  /** The row of a section that has just one. */
  row(section: Section): Row | undefined {
    return this.#tables.get(section)?.rows.get('');
  }

  /** Seconds for which a section that once spoke has been silent, if that is worth saying. */
  silence(section: Section): number | undefined {
    const table = this.#tables.get(section);
    if (table === undefined) return undefined;
    const silent = this.time - table.time;
    const gap = table.before === 0 ? this.#gap : Math.max(this.#gap, table.time - table.before);
    return gap > 0 && silent > 2.5 * gap ? silent : undefined;
  }

  #take({ name, value, time }: Point): void {
    let cell = this.#cells.get(name);
    if (cell === undefined) {
      cell = this.#cellOf(name) ?? { table: undefined };
      this.#cells.set(name, cell);
    }
    if (cell.table === undefined) return;
    if (time > this.time) {
      this.#gap = this.time === 0 ? 0 : time - this.time;
      this.time = time;
    }
    const { table, row: key, column } = cell;
    if (time > table.time) advance(table, time);
    let row = table.rows.get(key);
    if (row === undefined) {
      row = { name: key, labels: name.series.labels, time, numbers: new Map() };
      table.rows.set(key, row);
    } else if (time > row.time) {
      row.time = time;
      row.numbers.clear();
    }
    if (time === row.time) row.numbers.set(column, value);
  }

  #cellOf({ series, reading }: Name): Cell | undefined {
    const place = PLACES[series.metric.name];
    if (place === undefined) return undefined;
    if (series.metric.kind === 'counter' && reading !== 'rate') return undefined;
    this.host ??= series.host;
    if (series.host !== this.host) return undefined;
    let table = this.#tables.get(place.section);
    if (table === undefined) {
      table = { rows: new Map(), time: 0, before: 0 };
      this.#tables.set(place.section, table);
    }
    const row = place.row === undefined ? '' : (series.labels[place.row] ?? '');
    const by = place.by === undefined ? '' : (series.labels[place.by] ?? '');
    return { table, row, column: place.column + by };
  }
}

/** What neither this observation's predecessor nor the one before has named is gone. */
function advance(table: Table, time: number): void {
  table.before = table.time;
  table.time = time;
  for (const [key, row] of table.rows) if (row.time < table.before) table.rows.delete(key);
}
