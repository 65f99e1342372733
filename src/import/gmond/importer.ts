import { statSync } from 'node:fs';
import { join } from 'node:path';
import { GANGLIA_GROUPS } from '../../wire/ganglia/groups.ts';
import type { Draft, Line, Path, Value } from '../draft.ts';
import type { Importer } from '../importer.ts';
import { expression } from '../patterns.ts';
import { type Option, readGmond } from './confuse.ts';

/** Moves a gmond's configuration over, with all that it includes. */
export const gmond: Importer = {
  name: 'gmond',
  title: 'gmond',
  takes: 'its gmond.conf',
  words: 1,
  draft([path = ''], draft) {
    const top = new Section(draft, readGmond(fileOf(path), draft));
    const groups = collectionGroups(draft, top);
    channels(draft, top, groups);
    modules(draft, top);
    top.leave('sFlow is not heard: gmond itself, or hsflowd’s own outputs, can go on', 'sflow');
  },
};

function fileOf(path: string): string {
  try {
    return statSync(path).isDirectory() ? join(path, 'gmond.conf') : path;
  } catch {
    return path;
  }
}

function* linesOf({ line, children = [] }: Option): Generator<Line> {
  yield line;
  for (const each of children) yield* linesOf(each);
}

/** The options of a section. */
class Section {
  readonly draft: Draft;
  readonly options: readonly Option[];

  constructor(draft: Draft, options: readonly Option[]) {
    this.draft = draft;
    this.options = options;
  }

  all(key: string): Option[] {
    return this.options.filter((option) => option.key.toLowerCase() === key);
  }

  text(key: string): string | undefined {
    return this.all(key).at(-1)?.values[0];
  }

  number(key: string): number | undefined {
    const text = this.text(key) ?? '';
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  }

  truth(key: string): boolean | undefined {
    const text = this.text(key)?.toLowerCase() ?? '';
    if (/^(yes|true|on|1)$/.test(text)) return true;
    return /^(no|false|off|0)$/.test(text) ? false : undefined;
  }

  lines(...keys: readonly string[]): Line[] {
    return keys.flatMap((key) => this.all(key).map(({ line }) => line));
  }

  /** Sections of a name, whose headings hold by themselves. */
  sections(key: string): Section[] {
    return this.all(key).map(({ line, children = [] }) => {
      this.draft.carry(line);
      return new Section(this.draft, children);
    });
  }

  put(path: Path, key: string, value: Value | undefined): void {
    const lines = this.lines(key);
    if (lines.length === 0) return;
    if (value === undefined) this.draft.leave(lines, 'this value is none that gmond takes');
    else this.draft.set(path, value, lines);
  }

  expect(key: string, holds: boolean, why: string): void {
    if (holds) this.draft.carry(this.lines(key));
    else this.draft.leave(this.lines(key), why);
  }

  /** Leaves options, and whole sections. */
  leave(why: string, ...keys: readonly string[]): void {
    for (const key of keys) {
      for (const option of this.all(key)) this.draft.leave([...linesOf(option)], why);
    }
  }
}

/** gmond's own metrics, by what observes them here. */
// biome-ignore format: lists of words
const METRICS: Readonly<Record<string, readonly string[]>> = {
  cpu: ['cpu_num', 'cpu_user', 'cpu_nice', 'cpu_system', 'cpu_idle', 'cpu_wio', 'cpu_intr', 'cpu_sintr', 'cpu_steal'],
  load: ['load_one', 'load_five', 'load_fifteen', 'proc_run', 'proc_total'],
  memory: [
    'mem_total', 'mem_free', 'mem_shared', 'mem_buffers', 'mem_cached', 'mem_available', 'mem_slab',
    'mem_sreclaimable', 'swap_total', 'swap_free',
  ],
  network: ['bytes_in', 'bytes_out', 'pkts_in', 'pkts_out'],
  filesystem: ['disk_total', 'disk_free', 'part_max_used'],
  uptime: ['boottime'],
  host: ['machine_type', 'os_name', 'os_release'],
};
const collectorOf = (metric: string): string | undefined =>
  Object.entries(METRICS).find(([, names]) => names.includes(metric))?.[0];

/** What the handler makes itself goes with what it is made of. */
const needed = (name: string, metrics: ReadonlySet<string>): boolean =>
  metrics.has(name) ||
  /^(machine_type|os_|part_)/.test(name) ||
  (name.startsWith('disk_') && metrics.has('part_max_used'));

const notHere = (metric: string): string =>
  `cullinan has no metric ${metric}: docs/dialects/ganglia.md`;
/** What Ganglia's web calls a metric, unless gmond is told otherwise. */
const titleOf = (metric: string): string | undefined =>
  new Map(Object.entries(GANGLIA_GROUPS)).get(metric)?.title;

/** Of the protocol itself: the handler makes them. */
const MADE = ['heartbeat', 'location'];

interface Groups {
  readonly metrics: ReadonlySet<string>;
  readonly sent: { metrics: string[]; timeThreshold: string; valueThreshold?: number }[];
  /** Seconds between two looks at each metric. */
  readonly every: ReadonlyMap<string, number>;
}

function collectionGroups(draft: Draft, top: Section): Groups {
  const metrics = new Set<string>();
  const every = new Map<string, number>();
  const sent: Groups['sent'] = [];
  for (const group of top.sections('collection_group')) {
    draft.carry(group.lines('collect_once', 'collect_every', 'time_threshold', 'name'));
    const time = group.number('time_threshold') ?? 3600;
    const seconds = group.number('collect_every');
    const byThreshold = new Map<number | undefined, string[]>();
    for (const metric of group.sections('metric')) {
      const names = namesOf(metric);
      draft.carry(metric.lines('value_threshold'));
      const usual = names.every((name) => metric.text('title') === titleOf(name));
      metric.expect('title', usual, 'titles are those of gmond’s own configuration');
      for (const name of names) {
        metrics.add(name);
        if (seconds !== undefined) every.set(name, Math.min(seconds, every.get(name) ?? seconds));
        const threshold = metric.number('value_threshold');
        byThreshold.set(threshold, [...(byThreshold.get(threshold) ?? []), name]);
      }
    }
    for (const [threshold, names] of byThreshold) {
      const own = names.filter((name) => !MADE.includes(name));
      if (own.length === 0) continue;
      const valueThreshold = threshold === undefined ? {} : { valueThreshold: threshold };
      sent.push({ metrics: own, timeThreshold: `${Math.max(1, time)}s`, ...valueThreshold });
    }
  }
  draft.set(['collectors', 'default', 'enabled'], false);
  draft.note(
    ['collectors', 'default'],
    'Only what gmond collected. `agent: { enabled: true }` has cullinan tell of itself, too.',
  );
  const intervals = new Map<string, number>();
  for (const name of metrics) {
    const collector = collectorOf(name);
    if (collector === undefined) continue;
    draft.set(['collectors', collector, 'enabled'], true);
    const seconds = every.get(name);
    if (seconds === undefined || seconds <= 0) continue;
    intervals.set(collector, Math.min(seconds, intervals.get(collector) ?? seconds));
  }
  const least = Math.min(20, ...intervals.values());
  draft.set(['interval'], `${least}s`);
  for (const [collector, seconds] of intervals) {
    if (seconds !== least) draft.set(['collectors', collector, 'interval'], `${seconds}s`);
  }
  return { metrics, sent, every };
}

/** What a metric's section names: one, or with `name_match` all that its expression fits. */
function namesOf(metric: Section): string[] {
  const { draft } = metric;
  const name = metric.text('name');
  if (name !== undefined) {
    const known = collectorOf(name) !== undefined || MADE.includes(name);
    metric.expect('name', known, notHere(name));
    return known ? [name] : [];
  }
  const source = expression(metric.text('name_match') ?? '');
  if (source === undefined) {
    metric.leave('this is no regular expression that can be carried over', 'name_match');
    return [];
  }
  const pattern = new RegExp(`^(?:${source})$`, 'u');
  const found = Object.values(METRICS)
    .flat()
    .filter((each) => pattern.test(each));
  if (found.length > 0) draft.carry(metric.lines('name_match'));
  else draft.leave(metric.lines('name_match'), notHere(source));
  return found;
}

const GLOBALS: Readonly<Record<string, string>> = {
  daemonize: 'systemd starts it: cullinan.service',
  setuid: 'the unit says who it runs as: cullinan.service',
  user: 'the unit says who it runs as: cullinan.service',
  debug_level: 'cullinan log debug says more for a while, log.level for ever',
  max_udp_msg_len: 'a packet never has more than gmond takes',
  gexec: 'gexec is not there',
  host_tmax: 'readers make it of the heartbeat, which goes every 20 s',
  cleanup_threshold: 'what is forgotten is forgotten at once',
  module_dir: 'modules of gmond’s are not loaded',
  tags: 'there are no tags: cluster and location say where a host belongs',
  udp_send_channel: 'it is a section of its own',
};

const CLUSTER = { name: 'name', owner: 'owner', latlong: 'latlong', url: 'url' } as const;

function channels(draft: Draft, top: Section, groups: Groups): void {
  const globals = new Section(
    draft,
    top.all('globals').flatMap(({ children = [] }) => children),
  );
  draft.carry(top.lines('globals', 'cluster', 'host'));
  const places = placesOf(top.sections('udp_send_channel'));
  if (places.length === 0) {
    places.push({ host: [], port: 8649, lines: [], section: undefined });
  }
  const deaf = globals.truth('deaf') ?? false;
  const listening = [...top.all('udp_recv_channel'), ...top.all('tcp_accept_channel')].length > 0;
  for (const [index, place] of places.entries()) {
    const at = ['handlers', index === 0 ? 'ganglia' : `ganglia-${index + 1}`];
    if (index > 0) draft.set([...at, 'type'], 'ganglia');
    sending(draft, at, place, groups, globals);
    if (place.section === undefined) {
      draft.set([...at, 'mute'], true, undefined, 'gmond has no udp_send_channel.');
    } else if (globals.truth('mute') === true) draft.set([...at, 'mute'], true);
    const host = new Section(
      draft,
      top.all('host').flatMap(({ children = [] }) => children),
    );
    if (host.text('location') !== 'unspecified') {
      host.put([...at, 'location'], 'location', host.text('location'));
    } else draft.carry(host.lines('location'));
    // One of them hears.
    if (index === 0 && listening && !deaf) hearing(draft, at, top, globals);
  }
  draft.carry(globals.lines('mute', 'deaf'));
  if (deaf) {
    for (const key of ['udp_recv_channel', 'tcp_accept_channel', 'cluster']) {
      for (const option of top.all(key)) draft.carry([...linesOf(option)]);
    }
    globals.leave('a deaf gmond hears of no hosts', 'host_dmax');
  }
  for (const [key, why] of Object.entries(GLOBALS)) globals.leave(why, key);
}

interface Place {
  readonly host: string[];
  readonly port: number;
  readonly lines: Line[];
  readonly section: Section | undefined;
}

/** Channels to single hosts that differ in nothing else are one handler with several hosts. */
function placesOf(channels: readonly Section[]): Place[] {
  const places: Place[] = [];
  for (const section of channels) {
    const port = section.number('port') ?? 8649;
    const host = section.text('mcast_join') ?? section.text('host') ?? '239.2.11.71';
    const lines = section.lines('mcast_join', 'host', 'port');
    const key = (it: Section | undefined): string =>
      ['mcast_join', 'mcast_if', 'ttl', 'bind', 'bind_hostname']
        .map((each) => it?.text(each))
        .join();
    const same = places.find(
      (it) => section.text('mcast_join') === undefined && key(it.section) === key(section),
    );
    if (same === undefined) places.push({ host: [host], port, lines, section });
    else {
      same.host.push(port === same.port ? host : `${host}:${port}`);
      same.lines.push(...lines, ...section.lines('mcast_if', 'ttl', 'bind', 'bind_hostname'));
    }
  }
  return places;
}

function sending(draft: Draft, at: Path, place: Place, groups: Groups, globals: Section): void {
  const { host, port, lines, section } = place;
  if (section !== undefined) {
    draft.set([...at, 'host'], host.length === 1 ? (host[0] ?? '') : host, lines);
    draft.set([...at, 'port'], port);
    section.put([...at, 'ttl'], 'ttl', section.number('ttl'));
    section.put([...at, 'interface'], 'mcast_if', section.text('mcast_if'));
    section.put([...at, 'bind'], 'bind', section.text('bind'));
    const named = section.truth('bind_hostname') === true;
    section.expect('bind_hostname', !named, 'set bind to the address that the host’s name has');
  }
  draft.set([...at, 'others'], false);
  draft.set([...at, 'collectionGroups'], groups.sent);
  const unwanted = Object.entries(METRICS)
    .filter(([collector]) => draft.has(['collectors', collector]))
    .flatMap(([, names]) => names.filter((name) => !needed(name, groups.metrics)));
  if (unwanted.length > 0)
    draft.set([...at, 'except'], unwanted, undefined, 'What gmond did not send.');
  globals.put([...at, 'overrideHostname'], 'override_hostname', globals.text('override_hostname'));
  globals.put([...at, 'overrideIp'], 'override_ip', globals.text('override_ip'));
  const again = globals.number('send_metadata_interval');
  globals.put(
    [...at, 'sendMetadataInterval'],
    'send_metadata_interval',
    again === undefined ? undefined : `${again}s`,
  );
  globals.put([...at, 'allowExtraData'], 'allow_extra_data', globals.truth('allow_extra_data'));
}

function hearing(draft: Draft, at: Path, top: Section, globals: Section): void {
  draft.set([...at, 'deaf'], false);
  const gossip = [...at, 'gossip'];
  for (const cluster of top.all('cluster')) {
    const section = new Section(draft, cluster.children ?? []);
    for (const [key, ours] of Object.entries(CLUSTER)) {
      section.put([...gossip, 'cluster', ours], key, section.text(key));
    }
  }
  const dmax = globals.number('host_dmax');
  globals.put([...gossip, 'hostDmax'], 'host_dmax', dmax === undefined ? undefined : `${dmax}s`);
  const [receive, ...moreReceive] = top.all('udp_recv_channel');
  if (receive !== undefined) {
    draft.carry(receive.line);
    const section = new Section(draft, receive.children ?? []);
    const host = section.text('mcast_join') ?? section.text('bind') ?? '0.0.0.0';
    draft.set([...gossip, 'listen', 'host'], host, section.lines('mcast_join', 'bind'));
    draft.set([...gossip, 'listen', 'port'], section.number('port') ?? 8649, section.lines('port'));
    const buffer = section.number('buffer');
    section.put(
      [...gossip, 'listen', 'buffer'],
      'buffer',
      buffer === undefined ? undefined : `${buffer}B`,
    );
    section.leave('routes say over which interface', 'mcast_if');
    section.expect('family', section.text('family') !== 'inet6', 'host: "::" hears IPv6');
    section.expect('retry_bind', true, '');
    access(section, [...gossip, 'listen']);
  }
  const [accept, ...moreAccept] = top.all('tcp_accept_channel');
  if (accept !== undefined) {
    draft.carry(accept.line);
    const section = new Section(draft, accept.children ?? []);
    draft.set([...gossip, 'xml', 'host'], section.text('bind') ?? '0.0.0.0', section.lines('bind'));
    draft.set([...gossip, 'xml', 'port'], section.number('port') ?? 8649, section.lines('port'));
    section.leave('bind says at which address', 'interface');
    section.expect('family', section.text('family') !== 'inet6', 'host: "::" is IPv6, too');
    section.leave('a reader that stops reading is let go by itself', 'timeout');
    const packed = section.truth('gzip_output') !== true;
    section.expect('gzip_output', packed, 'the XML is not compressed');
    access(section, [...gossip, 'xml']);
  }
  for (const option of [...moreReceive, ...moreAccept]) {
    draft.leave(
      [...linesOf(option)],
      'a handler hears at one place; give another handler the other',
    );
  }
}

/** `acl { default = "deny" access { … } }`, as lists of networks. */
function access(section: Section, at: Path): void {
  const { draft } = section;
  const [acl] = section.all('acl');
  if (acl === undefined) return;
  const rules = new Section(draft, acl.children ?? []);
  const denies = rules.text('default')?.toLowerCase() === 'deny';
  const lists: Record<'allow' | 'deny', string[]> = { allow: [], deny: [] };
  for (const rule of rules.sections('access')) {
    const action = rule.text('action')?.toLowerCase() === 'deny' ? 'deny' : 'allow';
    const ip = rule.text('ip') ?? '';
    const mask = rule.number('mask');
    lists[action].push(mask === undefined ? ip : `${ip}/${mask}`);
    draft.carry(rule.lines('ip', 'mask', 'action'));
  }
  draft.carry([acl.line, ...rules.lines('default')]);
  // gmond goes by the first rule that fits, which is the same where no network is in another one.
  if (denies) draft.set([...at, 'allow'], lists.allow, [acl.line]);
  if (lists.deny.length > 0) draft.set([...at, 'deny'], lists.deny, [acl.line]);
}

const CORE = /^(core_metrics|(cpu|disk|load|mem|net|proc|sys)_module)$/;

function modules(draft: Draft, top: Section): void {
  for (const all of top.sections('modules')) {
    for (const option of all.all('module')) {
      const section = new Section(draft, option.children ?? []);
      const name = section.text('name') ?? '';
      if (CORE.test(name)) draft.carry([...linesOf(option)]);
      else
        draft.leave(
          [...linesOf(option)],
          'modules of gmond’s are not loaded: a collector of your own takes its place',
        );
    }
  }
}
