import { basename, extname } from 'node:path';
import type { Observation } from '../metric/index.ts';
import { type CollectContext, NoData, Remark, type Session } from '../plugin/index.ts';
import { decodeJson } from '../wire/readings/json.ts';
import { type MuninReader, muninReader } from '../wire/readings/munin.ts';
import { decodePlugin, PLUGIN_STATES, statusReading } from '../wire/readings/perfdata.ts';
import type { LineReader } from '../wire/readings/reading.ts';
import { type Command, calledIn, failed, prepare } from './command.ts';
import { type LineFormat, readerOf } from './formats.ts';
import { Intake } from './intake.ts';
import { allTaken, Lines } from './lines.ts';
import { type Output, runOnce } from './once.ts';
import { Resident, type ResidentOptions } from './resident.ts';

/** What the collector `exec` is told. */
export interface ProgramOptions extends Command, ResidentOptions {
  readonly format: LineFormat | 'nagios' | 'munin';
  readonly persistent?: boolean | undefined;
  /** What stands before the names. */
  readonly as?: string | undefined;
  readonly series: number;
  /** Bytes of one run's output. */
  readonly output: number;
  readonly types: readonly string[];
  readonly percentiles: readonly number[];
}

type Context = CollectContext & { readonly options: ProgramOptions };

/** Seconds after which munin's plugins are asked again what they declare. */
const DECLARED_FOR = 3600;
/** What is called by its file's name, as its ancestor calls it. */
const NAMED = new Set(['nagios', 'munin']);
/** Where programs of others stay, if nobody says otherwise. */
const STAYING = new Set(['collectd', 'netdata']);

const nameOf = ({ command: [program = ''] }: Command): string =>
  basename(program, extname(program));

/** What programs of each kind expect to find in their environment. */
function environmentOf(it: ProgramOptions, host: string, interval: number): NodeJS.ProcessEnv {
  switch (it.format) {
    case 'munin': {
      // Plugins write beside their state and rename: both are in one folder, wherever that is.
      const state =
        it.environment['MUNIN_PLUGSTATE'] ??
        `/var/lib/munin-node/plugin-state/${it.user ?? 'root'}`;
      return {
        ...{ FQDN: host, MUNIN_LIBDIR: '/usr/share/munin', MUNIN_PLUGSTATE: state },
        ...{ MUNIN_STATEFILE: `${state}/${nameOf(it)}-cullinan`, MUNIN_MASTER_IP: '-' },
        ...{ MUNIN_CAP_MULTIGRAPH: '1', MUNIN_DEBUG: '0', LC_ALL: 'C', LANG: 'C' },
      };
    }
    case 'netdata':
      return {
        ...{ NETDATA_UPDATE_EVERY: `${interval}`, NETDATA_HOSTNAME: host },
        ...{
          NETDATA_USER_CONFIG_DIR: '/etc/netdata',
          NETDATA_PLUGINS_DIR: '/usr/lib/netdata/plugins.d',
        },
        ...{ NETDATA_STOCK_CONFIG_DIR: '/usr/lib/netdata/conf.d', NETDATA_CACHE_DIR: '/tmp' },
        ...{ NETDATA_LOG_DIR: '/tmp', NETDATA_HOST_PREFIX: '', NETDATA_DEBUG_FLAGS: '0' },
      };
    default:
      return { COLLECTD_HOSTNAME: host, COLLECTD_INTERVAL: `${interval}` };
  }
}

/** Runs one program of others for as long as its collector is configured. */
export class ProgramSession implements Session {
  #intake: Intake | undefined;
  #line: readonly string[] = [];
  #environment: NodeJS.ProcessEnv = {};
  #resident: Resident | undefined;
  #munin: MuninReader | undefined;
  #declaredAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  collect(context: Context) {
    const resident = this.#resident;
    const intake = this.#intake;
    // Nothing to wait for: what was said is there already.
    if (resident !== undefined && intake !== undefined) {
      const answered = resident.tick(context);
      if (answered === undefined) return this.#told(resident, intake);
      return answered.then(() => this.#told(resident, intake));
    }
    return this.#collect(context);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#resident?.close();
  }

  *#told(resident: Resident, intake: Intake): Generator<Observation | Error> {
    // Before what was observed: whoever adds up does it now.
    const troubles = [...resident.troubles()];
    yield* intake.observed();
    yield* troubles;
  }

  async #collect(context: Context): Promise<Iterable<Observation | Error>> {
    const { options } = context;
    if (options.command.length === 0) {
      throw new NoData(
        'no command is configured: set `command`, a list of the program and its words',
      );
    }
    const intake = this.#intake ?? (await this.#begin(context));
    if (options.persistent ?? STAYING.has(options.format)) {
      const { own, types, percentiles, series: most } = { ...options, own: this.#own(context) };
      const begin = () => readerOf(options.format as LineFormat, { own, types, percentiles, most });
      const resident = new Resident(options, this.#line, this.#environment, intake, begin);
      if (this.#closed) return [];
      this.#resident = resident;
      await resident.tick(context);
      return [...this.#told(resident, intake)];
    }
    const troubles = await this.#run(context, intake);
    return [...intake.observed(), ...troubles];
  }

  #own({ options, hostname }: Context): string {
    return options.environment['COLLECTD_HOSTNAME'] ?? hostname ?? 'localhost';
  }

  async #begin(context: Context): Promise<Intake> {
    const { options, interval = 10 } = context;
    const own = this.#own(context);
    const named = NAMED.has(options.format);
    const prefix = named ? undefined : options.as;
    const intake = new Intake({ most: options.series, prefix, own }, calledIn(options));
    const { line, home } = await prepare(options);
    this.#line = line;
    this.#environment = {
      ...(home === undefined ? {} : { HOME: home }),
      ...environmentOf(options, own, interval),
    };
    this.#intake = intake;
    return intake;
  }

  /** One run, or what of it could be had. @returns what is to be said of it. */
  async #run(context: Context, intake: Intake): Promise<readonly Error[]> {
    try {
      return await this.#ran(context, intake);
    } catch (error) {
      // What it had said by then is kept.
      return [error as Error];
    }
  }

  async #ran(context: Context, intake: Intake): Promise<readonly Error[]> {
    const { options, signal, time } = context;
    const { format } = options;
    const name = calledIn(options);
    const run = (words: readonly string[], each?: (piece: Uint8Array) => void): Promise<Output> =>
      runOnce(options, [...this.#line, ...words], this.#environment, {
        ...{ most: options.output, signal, each },
      });
    /** Reads line by line while it runs: what says much does not hold up everybody at its end. */
    const read = async (reader: LineReader, ...words: readonly string[]): Promise<Output> => {
      const lines = new Lines((line) => intake.read(reader, line));
      try {
        return await run(words, (piece) => lines.push(piece));
      } finally {
        lines.end();
        intake.take(() => allTaken(lines));
        intake.take((said) => reader.end?.(said));
      }
    };
    if (format === 'nagios') {
      const service = options.as ?? nameOf(options);
      const { text, code, complaint, how } = await run([]);
      intake.take(({ readings }) => void decodePlugin(text, service, readings));
      intake.take(({ readings }) => void readings.push(statusReading(code, service)));
      if (code <= 3) return remarks(name, complaint);
      const states = PLUGIN_STATES.join(', ');
      return [
        failed(`${name} ended ${how}, which is no status of a plugin (${states})`, complaint),
      ];
    }
    let output: Output;
    if (format === 'json') {
      output = await run([]);
      const { text } = output;
      intake.take(({ readings }) => decodeJson(text, readings));
    } else if (format === 'munin') {
      if (this.#munin === undefined || time - this.#declaredAt >= DECLARED_FOR) {
        this.#munin = muninReader(options.as ?? nameOf(options));
        await read(this.#munin.config, 'config');
        this.#declaredAt = time;
      }
      output = await read(this.#munin.fetch);
    } else {
      const { types, percentiles, series: most } = options;
      output = await read(readerOf(format, { own: this.#own(context), types, percentiles, most }));
    }
    const { code, complaint, how } = output;
    if (code === 0) return remarks(name, complaint);
    return [failed(`${name} ended ${how}`, complaint)];
  }
}

const remarks = (name: string, complaint: string): readonly Error[] =>
  complaint === '' ? [] : [new Remark(`${name} said on its standard error: ${complaint}`)];
