/**
 * squid's access log: requests by result, status, method and where they were sent, bytes and times.
 *
 * Format  squid's native one: `time elapsed client code/status bytes method URL user peer type`.
 * Units   Requests and bytes since the report before; times in seconds.
 */
import {
  bytes as bytesOf,
  count,
  defineParser,
  delta,
  gauge,
  type Line,
  type Metric,
  type Observation,
  seconds as secondsOf,
  z,
} from 'cullinan/plugin';
import { indexOfByte } from 'cullinan/wire/bytes';
import { Distribution, statistics } from 'cullinan/wire/distribution';
import { SquidLine } from 'cullinan/wire/squid-line';
import { Tally } from 'cullinan/wire/tally';
import { epochTime, known } from 'cullinan/wire/timestamps';

const options = z.strictObject({
  percentiles: z
    .array(z.number().min(0).max(100))
    .default([50, 90, 99])
    .describe('Percentiles of the times that requests took.'),
});

const by = <const L extends string>(name: string, label: L, help: string) =>
  delta(`squid.${name}`, { unit: 'count', labels: [label], help });

const metrics = {
  requests: delta('squid.requests', { unit: 'count', help: 'Requests.' }),
  hits: delta('squid.hits', { unit: 'count', help: 'Requests that were answered from the cache.' }),
  results: by('results', 'result', 'Requests by result, such as TCP_MISS.'),
  classes: by('responses', 'class', 'Responses by class of status; `none` where there was none.'),
  methods: by('methods', 'method', 'Requests by method.'),
  peers: by('hierarchy', 'code', 'Requests by how squid chose where to send them.'),
  sent: delta('squid.sent', { unit: 'bytes', help: 'Bytes sent to clients.' }),
  time: gauge('squid.time', {
    unit: 'seconds',
    labels: ['statistic'],
    help: 'How long requests took.',
  }),
};

const CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const SLASH = 47;

/** Whether a result such as `TCP_MEM_HIT` says that the cache had it. */
const isHit = (result: string): boolean => /_HIT\b|_HIT_|_UNMODIFIED/.test(result);

export default defineParser({
  name: 'squid',
  summary: 'squid’s access log: requests by result, status and method, bytes and times.',
  source: 'squid, logformat squid',
  options,
  metrics: (): readonly Metric[] => Object.values(metrics),
  open({ percentiles }) {
    const line = new SquidLine();
    const results = new Tally({ limit: 50, longest: 48 });
    const methods = new Tally({ limit: 20, longest: 16 });
    const peers = new Tally({ limit: 30, longest: 48 });
    const byClass = new Float64Array(CLASSES.length);
    const times = new Distribution();
    let requests = 0;
    let sent = 0;
    return {
      parse({ bytes }: Line) {
        if (!line.read(bytes)) return false;
        requests += 1;
        sent += line.size;
        times.add(line.elapsed / 1000);
        const place = line.status >= 100 && line.status < 600 ? Math.floor(line.status / 100) : 0;
        byClass[place] = (byClass[place] ?? 0) + 1;
        results.add(bytes, line.result, line.resultEnd);
        methods.add(bytes, line.method, line.methodEnd);
        if (line.peerEnd > line.peer) {
          peers.add(bytes, line.peer, indexOfByte(bytes, SLASH, line.peer, line.peerEnd));
        }
        return true;
      },
      timeOf: ({ bytes }: Line) => known(epochTime(bytes)),
      *report(): Generator<Observation> {
        const taken = results.take();
        const hits = taken.reduce((sum, [result, n]) => sum + (isHit(result) ? n : 0), 0);
        yield metrics.requests.observe(count(requests));
        yield metrics.hits.observe(count(hits));
        for (const [result, n] of taken) yield metrics.results.observe(count(n), { result });
        for (const [i, name] of CLASSES.entries()) {
          yield metrics.classes.observe(count(byClass[i] ?? 0), { class: name });
        }
        for (const [method, n] of methods.take()) {
          yield metrics.methods.observe(count(n), { method });
        }
        for (const [code, n] of peers.take()) yield metrics.peers.observe(count(n), { code });
        yield metrics.sent.observe(bytesOf(sent));
        for (const [statistic, value] of statistics(times, percentiles)) {
          yield metrics.time.observe(secondsOf(value), { statistic });
        }
        byClass.fill(0);
        times.clear();
        requests = 0;
        sent = 0;
      },
    };
  },
});
