/**
 * Apache's HTTP server: requests, bytes, and what its workers do.
 *
 * Source  Its page of mod_status for programs, server-status?auto. Requests, bytes and times are there with
 *         `ExtendedStatus On`, which is so since 2.4 where the module is loaded.
 * Units   Kilobytes become bytes; seconds.
 * Access  HTTP, with a login where the server wants one. Debian shows the page to the host itself.
 */
import { checkHttp, pageOptions, readPage } from 'cullinan/net';
import {
  count,
  counter,
  defineCollector,
  each,
  gauge,
  kibibytes,
  named,
  type Observation,
  ParseError,
  seconds,
  z,
} from 'cullinan/plugin';

const server = z
  .strictObject(pageOptions('http://localhost/server-status?auto'))
  .superRefine(checkHttp);

const options = z.strictObject({
  servers: named(server)
    .prefault({ localhost: {} })
    .describe('The pages, by a name for each server: the label `server`.'),
});

const labels = ['server'] as const;
const metrics = {
  requests: counter('apache.requests', { unit: 'count', labels, help: 'Requests.' }),
  traffic: counter('apache.traffic', { unit: 'bytes', labels, help: 'What was sent.' }),
  duration: counter('apache.request.time', {
    unit: 'seconds',
    labels,
    help: 'What all requests took together (since 2.4.35).',
  }),
  cpu: counter('apache.cpu.time', {
    unit: 'seconds',
    labels: ['server', 'state'],
    help: 'CPU time of its processes: user and system; of those that ended, children.user and children.system.',
  }),
  uptime: gauge('apache.uptime', { unit: 'seconds', labels, help: 'Since it was started.' }),
  workers: gauge('apache.workers', {
    unit: 'count',
    labels: ['server', 'state'],
    help: 'Workers that are busy, and idle.',
  }),
  connections: gauge('apache.connections', {
    unit: 'count',
    labels: ['server', 'state'],
    help: 'Connections with the event MPM: total, writing, keepalive, closing.',
  }),
  scoreboard: gauge('apache.scoreboard', {
    unit: 'count',
    labels: ['server', 'state'],
    help: 'Places of the scoreboard by what is done there.',
  }),
};

/** The characters of the scoreboard, as the page's own key has them. */
const STATES: Readonly<Record<string, string>> = {
  '.': 'open',
  _: 'waiting',
  S: 'starting',
  R: 'reading',
  W: 'sending',
  K: 'keepalive',
  D: 'dnslookup',
  C: 'closing',
  L: 'logging',
  G: 'finishing',
  I: 'idle_cleanup',
};

/** The page's lines, `key: value`. */
export function parse(text: string): ReadonlyMap<string, string> {
  const page = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Za-z ]{1,40}): (.*)$/.exec(line);
    if (match !== null) page.set(match[1] ?? '', match[2]?.trimEnd() ?? '');
  }
  if (!page.has('Scoreboard') && !page.has('BusyWorkers')) {
    const begins = text.split('\n', 1)[0]?.slice(0, 80) ?? '';
    throw new ParseError(
      `the page begins "${begins}", and is not server-status for programs. Its "url" has to end in "?auto".`,
    );
  }
  return page;
}

type Page = ReturnType<typeof parse>;

function* observe(server: string, page: Page): Generator<Observation> {
  const number = (key: string): number | undefined => {
    const text = page.get(key) ?? '';
    return /^\d{0,15}(?:\.\d{1,9})?(?:e[+-]\d\d)?$/.test(text) && /\d/.test(text)
      ? Number(text)
      : undefined;
  };
  const requests = number('Total Accesses');
  if (requests !== undefined) yield metrics.requests.observe(count(requests), { server });
  const traffic = number('Total kBytes');
  if (traffic !== undefined) yield metrics.traffic.observe(kibibytes(traffic), { server });
  const duration = number('Total Duration');
  if (duration !== undefined) {
    yield metrics.duration.observe(seconds(duration / 1000), { server });
  }
  for (const [key, state] of [
    ['CPUUser', 'user'],
    ['CPUSystem', 'system'],
    ['CPUChildrenUser', 'children.user'],
    ['CPUChildrenSystem', 'children.system'],
  ] as const) {
    const time = number(key);
    if (time !== undefined) yield metrics.cpu.observe(seconds(time), { server, state });
  }
  const uptime = number('ServerUptimeSeconds') ?? number('Uptime');
  if (uptime !== undefined) yield metrics.uptime.observe(seconds(uptime), { server });
  for (const state of ['Busy', 'Idle']) {
    const workers = number(`${state}Workers`);
    if (workers === undefined) continue;
    yield metrics.workers.observe(count(workers), { server, state: state.toLowerCase() });
  }
  for (const [key, state] of [
    ['ConnsTotal', 'total'],
    ['ConnsAsyncWriting', 'writing'],
    ['ConnsAsyncKeepAlive', 'keepalive'],
    ['ConnsAsyncClosing', 'closing'],
  ] as const) {
    const connections = number(key);
    if (connections === undefined) continue;
    yield metrics.connections.observe(count(connections), { server, state });
  }
  const scoreboard = page.get('Scoreboard');
  if (scoreboard === undefined) return;
  const places = new Map(Object.values(STATES).map((state) => [state, 0]));
  for (const char of scoreboard) {
    const state = STATES[char];
    if (state !== undefined) places.set(state, (places.get(state) ?? 0) + 1);
  }
  for (const [state, number] of places) {
    yield metrics.scoreboard.observe(count(number), { server, state });
  }
}

export default defineCollector({
  name: 'apache',
  summary: "Apache's HTTP server: requests, bytes, and what its workers do.",
  source: 'its page of mod_status, over HTTP',
  enabled: false,
  options,
  metrics,
  collect: ({ options: { servers }, signal }) =>
    each('servers', servers, async (name, server) => [
      ...observe(name, parse(await readPage(server, signal))),
    ]),
});
