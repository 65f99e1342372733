import type { Draft, Line, Path } from '../draft.ts';
import { type Groups, unsent } from './groups.ts';
import { linesOf, Section } from './section.ts';

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

/** Carries over who is sent to and who is heard. */
export function channels(draft: Draft, top: Section, groups: Groups): void {
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
  const unwanted = unsent(draft, groups);
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
