import type { Draft, Line } from '../draft.ts';
import type { Importer } from '../importer.ts';
import { readInput } from '../input.ts';
import { Code, type Data, type Member, type Members, readConfig } from './literal.ts';

/** A member of the configuration with the line that answers for it. */
interface Given {
  readonly value: Data;
  readonly line: Line;
}

/**
 * statsd's configuration. cullinan takes no datagrams: statsd goes on counting for applications. What is
 * carried over is where a host's own metrics can go: to the same Carbon, or through this statsd.
 */
export const statsd: Importer = {
  name: 'statsd',
  title: 'statsd',
  takes: 'a configuration file of statsd',
  words: 1,
  draft([file = ''], draft) {
    const { members, more } = readConfig(file, readInput(file));
    for (const it of more) draft.leave(draft.line(file, it.line, it.text), CODE);
    draft.note(
      [],
      'cullinan sends, and is no server of statsd: leave statsd running for what applications send to it. This ' +
        'configuration has a host’s own metrics sent to where statsd sends.',
    );
    new Translation(draft, file).translate(members);
  },
};

const CODE = 'it is code, which is not run: write what it comes to, by hand';
const APPLICATIONS =
  'it is about what applications send: statsd goes on doing that, and cullinan sends no timers or sets';
const NAMES =
  'it names what applications send; what cullinan sends is named by prefix, suffix and dialect of the handler';

/** What has no counterpart, each with why. */
const LEFT: Readonly<Record<string, string>> = {
  percentThreshold: APPLICATIONS,
  histogram: APPLICATIONS,
  calculatedTimerMetrics: APPLICATIONS,
  keyFlush: `${APPLICATIONS}; cullinan tap shows what it sends`,
  flush_counts:
    'cullinan sends a counter once: counters: rates, deltas or raw of the handler says as what',
  deleteGauges: 'cullinan does not send what it does not observe',
  gaugesMaxTTL: 'cullinan does not send what it does not observe',
  deleteTimers: APPLICATIONS,
  deleteSets: APPLICATIONS,
  prefixStats: 'cullinan’s own numbers are called cullinan.…; relabel may rename them',
  mgmt_address: 'cullinan is asked over a local socket: cullinan status',
  mgmt_port: 'cullinan is asked over a local socket: cullinan status',
  healthStatus: 'cullinan is asked how it is with cullinan status',
  dumpMessages: 'cullinan tap shows what is sent, while it runs',
  title: 'cullinan does not change its name in process lists',
  automaticConfigReload:
    'cullinan reloads its configuration when it gets SIGHUP (systemctl reload)',
  stackTrace: 'cullinan logs stacks of errors that nobody foresaw anyway',
  server: 'cullinan is no server of statsd',
  nodes: 'cullinan is no proxy of statsd: leave it running, and have the handler statsd send to it',
  forkCount: 'cullinan is no proxy of statsd: leave it running',
  checkInterval: 'cullinan is no proxy of statsd: leave it running',
  cacheSize: 'cullinan is no proxy of statsd: leave it running',
};

/** What graphite's section has, each with why it is not carried over. */
const OF_GRAPHITE: Readonly<Record<string, string>> = {
  legacyNamespace: NAMES,
  prefixCounter: NAMES,
  prefixTimer: NAMES,
  prefixGauge: NAMES,
  prefixSet: NAMES,
  globalPrefix: `${NAMES}. As prefix: it would stand before the host`,
  globalSuffix: `${NAMES}. Behind a name, relabel can put something`,
};

class Translation {
  readonly #draft: Draft;
  readonly #file: string;
  readonly #given = new Map<string, Given>();

  constructor(draft: Draft, file: string) {
    this.#draft = draft;
    this.#file = file;
  }

  translate(members: readonly Member[]): void {
    for (const { name, value, line: number, text } of members) {
      const line = this.#draft.line(this.#file, number, text);
      const before = this.#given.get(name);
      if (before !== undefined)
        this.#draft.leave(before.line, 'it is said again below, which holds');
      if (value instanceof Code) this.#draft.leave(line, CODE);
      else if (name in LEFT && Object.hasOwn(LEFT, name)) this.#draft.leave(line, LEFT[name] ?? '');
      if (name !== '') this.#given.set(name, { value, line });
    }
    this.#interval();
    this.#log();
    const backends = this.#backends();
    const graphite = backends.some((it) => /(?:^|\/)graphite$/.test(it)) && this.#graphite();
    const repeated = this.#repeater();
    this.#server(!graphite && !repeated && !backends.some((it) => /console$/.test(it)));
    if (backends.some((it) => /(?:^|\/)console$/.test(it))) this.#console();
    this.#draft.note(['handlers'], this.#handlersNote(graphite));
    this.#keys();
  }

  /** What is given under a name, where it is data of this type. */
  #take<T>(name: string, type: string): { readonly value: T; readonly line: Line } | undefined {
    const given = this.#given.get(name);
    if (given === undefined || given.value instanceof Code) return undefined;
    if (typeof given.value !== type) {
      this.#draft.leave(given.line, `statsd takes a ${type} here, and so does cullinan`);
      return undefined;
    }
    return { value: given.value as T, line: given.line };
  }

  #interval(): void {
    const flush = this.#take<number>('flushInterval', 'number');
    if (flush === undefined) return;
    const { value, line } = flush;
    if (value < 100) this.#draft.leave(line, 'cullinan’s interval is at least 100 ms');
    else {
      this.#draft.set(
        ['interval'],
        value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`,
        line,
        'flushInterval; cullinan’s falls on its multiples on the clock',
      );
    }
  }

  #log(): void {
    const log = this.#given.get('log');
    for (const { name, value, line: at, text } of membersOf(log)) {
      const line = this.#draft.line(this.#file, at, text);
      const level = /^LOG_(DEBUG|INFO|WARNING|ERR)$/.exec(String(value))?.[1];
      const known = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERR: 'error' };
      if (name === 'level' && level !== undefined)
        this.#draft.set(['log', 'level'], known[level as keyof typeof known], line);
      else if (name === 'backend' && value === 'stdout') this.#draft.carry(line);
      else
        this.#draft.leave(
          line,
          'cullinan logs to standard error, which systemd keeps under its name',
        );
    }
    if (log !== undefined && membersOf(log).length > 0) this.#draft.carry(log.line);
    const debug = this.#take<boolean>('debug', 'boolean');
    if (debug?.value === true) this.#draft.set(['log', 'level'], 'debug', debug.line);
    else this.#draft.carry(debug?.line);
  }

  #backends(): readonly string[] {
    const given = this.#given.get('backends');
    // statsd's own default.
    if (given === undefined || given.value instanceof Code) return ['./backends/graphite'];
    const names = Array.isArray(given.value) ? (given.value as readonly Data[]) : [given.value];
    const others = names.filter(
      (it) => typeof it !== 'string' || !/(?:^|\/)(?:graphite|console|repeater)$/.test(it),
    );
    if (others.length === 0) this.#draft.carry(given.line);
    else {
      const which = others.map((it) => (typeof it === 'string' ? it : 'code')).join(', ');
      this.#draft.leave(
        given.line,
        `cullinan has no backend of that name (${which}): cullinan list shows its handlers`,
      );
    }
    return names.filter((it): it is string => typeof it === 'string');
  }

  #graphite(): boolean {
    const host = this.#take<string>('graphiteHost', 'string');
    const sections = membersOf(this.#given.get('graphite'));
    for (const { name, line, text } of sections) {
      this.#draft.leave(this.#draft.line(this.#file, line, text), OF_GRAPHITE[name] ?? NAMES);
    }
    this.#draft.carry(this.#given.get('graphite')?.line);
    const ports = ['graphitePort', 'graphitePicklePort', 'graphiteProtocol'];
    if (host === undefined || host.value === '') {
      for (const name of ['graphiteHost', ...ports]) {
        const given = this.#given.get(name);
        if (given !== undefined && !(given.value instanceof Code))
          this.#draft.leave(given.line, 'without a graphiteHost statsd sends nothing to Graphite');
      }
      return false;
    }
    const path = ['handlers', 'graphite'];
    this.#draft.set([...path, 'host'], host.value, host.line);
    const protocol = this.#take<string>('graphiteProtocol', 'string');
    const pickle = protocol?.value === 'pickle';
    if (pickle) this.#draft.set([...path, 'format'], 'pickle', protocol.line);
    else if (protocol?.value === 'text') this.#draft.carry(protocol.line);
    const [used, unused] = pickle
      ? (['graphitePicklePort', 'graphitePort'] as const)
      : (['graphitePort', 'graphitePicklePort'] as const);
    const port = this.#take<number>(used, 'number');
    if (port !== undefined) this.#draft.set([...path, 'port'], port.value, port.line);
    const other = this.#given.get(unused);
    if (other !== undefined)
      this.#draft.leave(
        other.line,
        `statsd does not use it: graphiteProtocol is ${pickle ? 'pickle' : 'text'}`,
      );
    return true;
  }

  #repeater(): boolean {
    const given = this.#given.get('repeater');
    const wanted = this.#backendNamed('repeater');
    const protocol = this.#given.get('repeaterProtocol');
    if (given === undefined || !wanted) {
      for (const it of [given, protocol]) {
        if (it !== undefined && !(it.value instanceof Code))
          this.#draft.leave(it.line, 'it needs the backend repeater, which is not among backends');
      }
      return false;
    }
    const targets = Array.isArray(given.value) ? (given.value as readonly Data[]) : [];
    let made = 0;
    for (const target of targets) {
      const members = isMembers(target) ? target.members : [];
      const host = members.find(({ name }) => name === 'host')?.value;
      if (typeof host !== 'string') continue;
      made += 1;
      const path = ['handlers', made === 1 ? 'repeater' : `repeater-${made}`];
      this.#draft.set([...path, 'type'], 'statsd');
      for (const { name, value, line: at, text } of members) {
        const line = this.#draft.line(this.#file, at, text);
        if (name === 'host') this.#draft.set([...path, 'host'], host, line);
        else if (name === 'port' && typeof value === 'number')
          this.#draft.set([...path, 'port'], value, line);
        else this.#draft.leave(line, value instanceof Code ? CODE : 'a repeater has host and port');
      }
      if (protocol?.value === 'tcp') this.#draft.set([...path, 'protocol'], 'tcp', protocol.line);
    }
    if (typeof protocol?.value === 'string' && /^udp[46]$/.test(protocol.value)) {
      this.#draft.carry(protocol.line);
    }
    if (made === 0) {
      this.#draft.leave(given.line, 'no target has a host that is written out');
      return false;
    }
    const path = ['handlers', 'repeater'];
    this.#draft.note(
      path,
      'A statsd that packets were repeated to: it is sent this host’s metrics.',
    );
    if (made === targets.length) this.#draft.carry(given.line);
    else
      this.#draft.leave(
        given.line,
        'only targets with a host that is written out are carried over',
      );
    return true;
  }

  #backendNamed(backend: string): boolean {
    const { value } = this.#given.get('backends') ?? {};
    return (
      Array.isArray(value) &&
      (value as readonly Data[]).some((it) => typeof it === 'string' && it.endsWith(`/${backend}`))
    );
  }

  /** This statsd, as somewhere to send to; enabled only where there is nothing else. */
  #server(enabled: boolean): void {
    const path = ['handlers', 'statsd'];
    const servers = this.#given.get('servers');
    const listed = Array.isArray(servers?.value) ? (servers.value as readonly Data[]) : [];
    const [first] = listed.filter(isMembers);
    const members: Member[] = [...(first?.members ?? [])];
    const take = (name: string, value: Data, line: Line): void => {
      if (value instanceof Code) this.#draft.leave(line, CODE);
      else if (name === 'port' && typeof value === 'number')
        this.#draft.set([...path, 'port'], value, line);
      else if (name === 'address' && typeof value === 'string') {
        const any = ['', '0.0.0.0', '::'].includes(value);
        this.#draft.set([...path, 'host'], any ? 'localhost' : value, line);
      } else if (name === 'server' && typeof value === 'string' && /tcp$/.test(value))
        this.#draft.set([...path, 'protocol'], 'tcp', line);
      else if (name === 'address_ipv6' || (name === 'server' && /udp$/.test(String(value))))
        this.#draft.carry(line);
      else if (/^socket/.test(name))
        this.#draft.leave(
          line,
          'cullinan does not send to statsd over a local socket: over UDP or TCP',
        );
    };
    this.#draft.set([...path, 'enabled'], enabled);
    for (const { name, value, line: at, text } of members)
      take(name, value, this.#draft.line(this.#file, at, text));
    for (const name of ['address', 'port', 'address_ipv6', 'server']) {
      const given = this.#given.get(name);
      if (given === undefined) continue;
      if (servers !== undefined) this.#draft.leave(given.line, 'servers holds in its place');
      else take(name, given.value, given.line);
    }
    if (servers !== undefined && !(servers.value instanceof Code)) {
      if (listed.length === 1 && first !== undefined) this.#draft.carry(servers.line);
      else
        this.#draft.leave(
          servers.line,
          'of several servers the first is where cullinan could send to',
        );
    }
    const idle = this.#take<boolean>('deleteIdleStats', 'boolean');
    const counters = this.#take<boolean>('deleteCounters', 'boolean') ?? idle;
    if (counters !== undefined) {
      this.#draft.set(
        [...path, 'zeros'],
        counters.value,
        [counters.line, ...(idle === undefined ? [] : [idle.line])],
        counters.value
          ? 'This statsd forgets idle counters: zeros keep them.'
          : 'This statsd keeps idle counters at 0 by itself.',
      );
    }
  }

  #console(): void {
    this.#draft.set(['handlers', 'console', 'format'], 'json', undefined, 'backends/console');
    const given = this.#given.get('console');
    for (const { line, text } of membersOf(given))
      this.#draft.leave(
        this.#draft.line(this.#file, line, text),
        'cullinan writes a line for each sample',
      );
    this.#draft.carry(given?.line);
  }

  #keys(): void {
    const sanitize = this.#take<boolean>('keyNameSanitize', 'boolean');
    if (sanitize?.value === true) this.#draft.carry(sanitize.line);
    else if (sanitize !== undefined)
      this.#draft.leave(sanitize.line, 'cullinan always makes names that the other side can take');
  }

  #handlersNote(graphite: boolean): string {
    return graphite
      ? 'To send through statsd instead (as stats.gauges.…, aggregated anew), enable statsd and disable graphite.'
      : 'Nothing is known of a Graphite that statsd would send to.';
  }
}

const isMembers = (value: Data): value is Members =>
  typeof value === 'object' && value !== null && 'members' in value;

const membersOf = (given: Given | undefined): readonly Member[] =>
  given !== undefined && isMembers(given.value) ? given.value.members : [];
