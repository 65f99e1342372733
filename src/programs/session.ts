import { basename, extname } from 'node:path';
import type { Observation } from '../metric/index.ts';
import { type CollectContext, Foreseen, NoData, Remark, type Session } from '../plugin/index.ts';
import { decodeJson } from '../wire/readings/json.ts';
import { type MuninReader, muninReader } from '../wire/readings/munin.ts';
import { decodePlugin, PLUGIN_STATES, statusReading } from '../wire/readings/perfdata.ts';
import { type Command, calledIn, commandLine } from './command.ts';
import { type LineFormat, readerOf } from './formats.ts';
import { Intake } from './intake.ts';
import { Lines } from './lines.ts';
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
  const user = it.user ?? 'root';
  const state = `/var/lib/munin-node/plugin-state/${user}`;
  switch (it.format) {
    case 'munin':
      return {
        ...{ FQDN: host, MUNIN_LIBDIR: '/usr/share/munin', MUNIN_PLUGSTATE: state },
        ...{ MUNIN_STATEFILE: `${state}/${nameOf(it)}-cullinan`, MUNIN_MASTER_IP: '-' },
        ...{ MUNIN_CAP_MULTIGRAPH: '1', MUNIN_DEBUG: '0', LC_ALL: 'C', LANG: 'C' },
      };
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
      const answered = resident.tick();
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
      await resident.tick();
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
    const intake = new Intake(calledIn(options), { most: options.series, prefix, own });
    this.#line = await commandLine(options);
    this.#environment = environmentOf(options, own, interval);
    this.#intake = intake;
    return intake;
  }

  /** One run, or what of it could be had. */
  async #run(context: Context, intake: Intake): Promise<readonly Error[]> {
    const { options, signal, time } = context;
    const { format } = options;
    const name = calledIn(options);
    const run = (...words: readonly string[]): Promise<Output> =>
      runOnce(options, [...this.#line, ...words], this.#environment, {
        ...{ most: options.output, signal },
      });
    if (format === 'munin' && time - this.#declaredAt >= DECLARED_FOR) {
      this.#munin = muninReader(options.as ?? nameOf(options));
      this.#read(intake, this.#munin.config, (await run('config')).text);
      this.#declaredAt = time;
    }
    const output = await run();
    const { text, code, complaint, how } = output;
    if (format === 'nagios') {
      const service = options.as ?? nameOf(options);
      intake.take(({ readings }) => void decodePlugin(text, service, readings));
      intake.take(({ readings }) => void readings.push(statusReading(code, service)));
      if (code <= 3) return remarks(name, complaint);
      return [
        new Foreseen(
          `${name} ended ${how}, which is no status of a plugin (${PLUGIN_STATES.join(', ')})`,
        ),
      ];
    }
    if (format === 'json') intake.take(({ readings }) => decodeJson(text, readings));
    else if (format === 'munin') this.#read(intake, this.#munin?.fetch, text);
    else {
      const { types, percentiles, series: most } = options;
      const own = this.#own(context);
      this.#read(intake, readerOf(format, { own, types, percentiles, most }), text);
    }
    if (code === 0) return remarks(name, complaint);
    const why = complaint === '' ? '' : `. It said: ${complaint}`;
    return [new Foreseen(`${name} ended ${how}${why}`)];
  }

  #read(intake: Intake, reader: MuninReader['fetch'] | undefined, text: string): void {
    if (reader === undefined) return;
    const lines = new Lines((line) => intake.read(reader, line));
    lines.push(Buffer.from(text));
    lines.end();
    intake.take((said) => reader.end?.(said));
  }
}

const remarks = (name: string, complaint: string): readonly Error[] =>
  complaint === '' ? [] : [new Remark(`${name} said on its standard error: ${complaint}`)];
