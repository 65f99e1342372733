/**
 * Checks of hosts by ICMP echo: how many answers come back, and how fast.
 *
 * Source  The system's ping(8), as a child of its own for each target, which is killed at the deadline: an
 *         agent without privileges has no raw sockets, and ping has what it needs. Of iputils, inetutils
 *         and busybox it reads each answer's line; other programs have other lines.
 * Units   Seconds; packets; shares of 1.
 * Access  ping has to be installed and allowed to this user: by the sysctl net.ipv4.ping_group_range, which some
 *         distributions set, or as setuid or by capability. The packaged unit's sandbox lets it use neither:
 *         docs/systemd.md has a drop-in.
 */
import {
  AccessDenied,
  count,
  defineCollector,
  duration,
  each,
  Foreseen,
  gauge,
  named,
  type Observation,
  ratio,
  runChild,
  seconds,
  z,
} from 'cullinan/plugin';

const host = z
  .string()
  .regex(/^[A-Za-z\d:][\w.:%-]*$/, 'must be a name or an address')
  .max(255);

const options = z.strictObject({
  targets: named(host)
    .default({})
    .describe('Whom to ask: a name or an address, by a name for it: the label `target`.'),
  count: z.int().min(1).max(20).default(3).describe('Packets for each at each collection.'),
  wait: duration({ least: '200ms' })
    .prefault('200ms')
    .describe('Time between two packets; users other than root may not send faster.'),
  patience: duration({ least: '1s' })
    .prefault('1s')
    .describe('Time to wait for answers after the last packet, in whole seconds.'),
});
type Options = z.output<typeof options>;

const labels = ['target'] as const;
const time = (name: string, help: string) =>
  gauge(`check.ping.time.${name}`, { unit: 'seconds', labels, help });
const metrics = {
  up: gauge('check.ping.up', { unit: 'count', labels, help: '1 if any answer came back.' }),
  sent: gauge('check.ping.sent', { unit: 'count', labels, help: 'Packets sent.' }),
  received: gauge('check.ping.received', { unit: 'count', labels, help: 'Answers, each once.' }),
  loss: gauge('check.ping.loss', {
    unit: 'ratio',
    labels,
    help: 'Packets without an answer, as a share of those sent.',
  }),
  mean: time('mean', 'Time of a round trip, on average; like its siblings absent without answers.'),
  least: time('min', 'Time of the fastest round trip.'),
  most: time('max', 'Time of the slowest round trip.'),
  deviation: time('deviation', 'How much round trips differ: their standard deviation.'),
};

/** The seconds of each round trip, by the number of its packet. */
export function parse(text: string): ReadonlyMap<number, number> {
  const trips = new Map<number, number>();
  for (const line of text.split('\n')) {
    if (line.includes('(DUP!)')) continue;
    const match = /\b(?:icmp_)?seq=(\d{1,5})\b.* time[=<](\d{1,9}(?:\.\d{1,9})?) ?ms\b/.exec(line);
    if (match !== null) trips.set(Number(match[1]), Number(match[2]) / 1000);
  }
  return trips;
}

/** @param trips the seconds of each answer. */
export function* observe(
  target: string,
  sent: number,
  trips: readonly number[],
): Generator<Observation> {
  const received = Math.min(trips.length, sent);
  yield metrics.up.observe(count(received > 0 ? 1 : 0), { target });
  yield metrics.sent.observe(count(sent), { target });
  yield metrics.received.observe(count(received), { target });
  yield metrics.loss.observe(ratio(1 - received / sent), { target });
  if (received === 0) return;
  const mean = trips.reduce((sum, trip) => sum + trip, 0) / trips.length;
  const spread = trips.reduce((sum, trip) => sum + (trip - mean) ** 2, 0) / trips.length;
  yield metrics.mean.observe(seconds(mean), { target });
  yield metrics.least.observe(seconds(Math.min(...trips)), { target });
  yield metrics.most.observe(seconds(Math.max(...trips)), { target });
  yield metrics.deviation.observe(seconds(Math.sqrt(spread)), { target });
}

const NOBODY =
  /unknown host|not known|No address|Temporary failure in name|unreachable|bad address/i;
const FORBIDDEN = /not permitted|Permission denied|lacking privilege/i;
const REMEDY = 'Under systemd it takes the drop-in ping.conf (docs/systemd.md).';

async function check(target: string, host: string, o: Options, signal: AbortSignal) {
  const words = ['-n', '-c', o.count, '-i', o.wait, '-W', Math.ceil(o.patience), '--', host];
  const { code, stdout, stderr } = await runChild('ping', words.map(String), signal);
  const trips = [...parse(stdout).values()];
  // What it was not allowed may be said behind what it tried.
  const lines = stderr.trim().split('\n');
  const said = (lines.find((line) => FORBIDDEN.test(line)) ?? lines[0] ?? '').slice(0, 200);
  if (FORBIDDEN.test(said) && trips.length === 0) {
    throw new AccessDenied(`${host}: this user may not ping: ${said}. ${REMEDY}`);
  }
  // 1 is what ping says where nobody answered.
  if (trips.length > 0 || code === 0 || code === 1 || NOBODY.test(said)) {
    return [...observe(target, o.count, trips)];
  }
  throw new Foreseen(`${host}: ping failed: ${said === '' ? `exit ${code}` : said}`);
}

export default defineCollector({
  name: 'ping',
  summary: 'Checks of hosts by ICMP echo: how many answers come back, and how fast.',
  source: 'the hosts that it is given, by ping(8)',
  enabled: false,
  options,
  metrics,
  collect: ({ options, signal }) =>
    each('targets', options.targets, (name, host) => check(name, host, options, signal)),
});
